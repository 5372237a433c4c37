/**
 * References: how a function is named across threads and machines, where closures cannot go.
 * A reference is a module, an exported factory in it, and JSON options; a worker imports it and calls it.
 */
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';

/** Names an exported factory: `(options: Json, parameters?: Uint8Array) => T`. */
export interface Reference {
  /** URL of the module: pass `import.meta.url`. */
  readonly module: string;
  /** Name of the exported factory. */
  readonly name: string;
  readonly options?: Json;
}

/**
 * The compiled twin of a source module. Workers run JavaScript, so `…/src/x.ts` becomes `…/dist/x.js`;
 * a module that is already JavaScript stays as it is.
 */
export function compiledModule(url: string): string {
  return url.endsWith('.ts') ? url.replace(/\/src\/(?!.*\/src\/)/, '/dist/').replace(/\.ts$/, '.js') : url;
}

type Factory = (options: Json, parameters?: Uint8Array) => unknown;

/** Factories by module and name: looking one up costs less than a dynamic import of a loaded module. */
const factories = new Map<string, Factory>();

/** Imports and calls the factory; throws `internal` if the module has no such export. */
export async function resolveReference<T>(reference: Reference, parameters?: Uint8Array): Promise<T> {
  const key = `${reference.module} ${reference.name}`;
  const factory = factories.get(key) ?? (await importFactory(reference));
  factories.set(key, factory);
  return (await factory(reference.options ?? null, parameters)) as T;
}

async function importFactory(reference: Reference): Promise<Factory> {
  const module = (await import(reference.module)) as Record<string, unknown>;
  const factory = module[reference.name];
  if (typeof factory !== 'function') {
    throw new SoraError('internal', `Module ${reference.module} exports no function "${reference.name}".`);
  }
  return factory as Factory;
}

import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** Modules that a module needs when it runs (types do not count), by path. */
function runtimeImports(path: string, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(path)) return seen;
  const pattern = /(?:import|export)\s+(?!type\b)[^;]*?from\s+'([^']+)'/g;
  const names = [...readFileSync(path, 'utf8').matchAll(pattern)].map(([, name]) => name);
  seen.set(path, names);
  for (const name of names) if (name.startsWith('.')) runtimeImports(resolve(dirname(path), name), seen);
  return seen;
}

it('needs nothing of Node to apply a recipe', () => {
  const modules = runtimeImports(fileURLToPath(new URL('./apply.ts', import.meta.url)));
  const packages = [...modules.values()].flat().filter((name) => !name.startsWith('.'));
  expect(modules.size).toBeGreaterThan(15);
  expect([...new Set(packages)]).toEqual(['zod']);
});

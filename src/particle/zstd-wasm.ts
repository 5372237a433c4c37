/**
 * ZSTD from WebAssembly, for Node below 22.15. Loaded on first use, without waiting for anything, so that a thread
 * that meets no compressed buffer does not pay for it. The entry of `@foxglove/wasm-zstd` loads asynchronously;
 * its glue takes an instance that was made synchronously, so this file calls the glue.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { wasm } from '../webassembly.ts';

/** What the glue offers once it has its instance. `HEAPU8` is another array after memory has grown. */
interface Library {
  readonly HEAPU8: Uint8Array<ArrayBuffer>;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  _compressBound(length: number): number;
  /** Bytes written, or -1. */
  _compress(target: number, room: number, source: number, length: number, level: number): number;
  /** Bytes written, or -1. */
  _decompress(target: number, room: number, source: number, length: number): number;
}

/** What the glue asks for instead of loading by itself. */
interface Hooks {
  instantiateWasm(
    imports: Record<string, Record<string, unknown>>,
    receive: (instance: object) => void,
  ): object;
}

let library: Library | undefined;

/** The library of this thread. */
function loaded(): Library {
  if (library === undefined) {
    const require = createRequire(import.meta.url);
    const glue = require('@foxglove/wasm-zstd/dist/wasm-zstd.js') as (hooks: Hooks) => unknown;
    const module = new wasm.Module(readFileSync(require.resolve('@foxglove/wasm-zstd/dist/wasm-zstd.wasm')));
    const hooks: Hooks = {
      instantiateWasm(imports, receive) {
        const instance = new wasm.Instance(module, imports);
        receive(instance);
        return instance.exports;
      },
    };
    glue(hooks);
    // The glue puts its functions beside the hooks.
    library = hooks as unknown as Library;
  }
  return library;
}

/** One frame at this level. */
export function compress(bytes: Uint8Array, level: number): Uint8Array {
  const zstd = loaded();
  const room = zstd._compressBound(bytes.length);
  return convert(zstd, bytes, room, (target, source) =>
    zstd._compress(target, room, source, bytes.length, level),
  );
}

/** The content of a frame, of at most `length` bytes. */
export function decompress(frame: Uint8Array, length: number): Uint8Array {
  const zstd = loaded();
  return convert(zstd, frame, length, (target, source) =>
    zstd._decompress(target, length, source, frame.length),
  );
}

/** Copies `bytes` in, runs `call` with room for the result, and copies the result out. */
function convert(
  zstd: Library,
  bytes: Uint8Array,
  room: number,
  call: (target: number, source: number) => number,
): Uint8Array {
  const source = zstd._malloc(bytes.length);
  const target = zstd._malloc(room);
  try {
    if (source === 0 || target === 0) throw new Error(`No memory for ${bytes.length} and ${room} bytes.`);
    zstd.HEAPU8.set(bytes, source);
    const written = call(target, source);
    if (written < 0) throw new Error('ZSTD reports an error.');
    return zstd.HEAPU8.slice(target, target + written);
  } finally {
    zstd._free(source);
    zstd._free(target);
  }
}

/**
 * Histograms of the nodes of a tree in a WebAssembly memory of their own, so that they are searched and subtracted where
 * they lie. Room is reserved for all of them; pages that nobody touched cost nothing.
 *
 *     | static | histogram | histogram | …        | ← scratch of one call |
 */
import type { TypedArray } from '../particle/view.ts';
import { wasm } from '../webassembly.ts';
import { type KernelExports, kernelsOver, STATIC_LIMIT } from './load.ts';
import type { ArrayConstructor } from './memory.ts';
import { countRun, type KernelRun, kernelMode, runKernels } from './mode.ts';

const PAGE = 65_536;
/** More is left to the arrays of JavaScript. */
const MOST_BYTES = 2 ** 30;

/** Arrays for histograms, used again and again: fresh pages cost more than what is done with them. */
export class HistogramMemory {
  readonly #words: number;
  readonly #free: Int32Array[] = [];
  readonly #resident: Resident | undefined;

  /** For histograms of `words` words, of which about `count` are kept at a time; `extra` bytes are placed beside them. */
  constructor(words: number, count: number, extra: number) {
    this.#words = words;
    this.#resident = kernelMode() === 'wasm' ? residentMemory(words, count, extra) : undefined;
  }

  /** A copy. */
  keep(histogram: Int32Array): Int32Array {
    const kept = this.#free.pop() ?? this.#resident?.take() ?? new Int32Array(this.#words);
    kept.set(histogram);
    return kept;
  }

  /** Gives one back; nobody may use it any more. */
  release(histogram: Int32Array | undefined): void {
    if (histogram !== undefined) this.#free.push(histogram);
  }

  /** As `runKernels`, over the memory that the histograms lie in. */
  run<T>(body: (run: KernelRun) => T): T {
    if (this.#resident === undefined || kernelMode() === 'plain') return runKernels(body);
    return this.#resident.run(body);
  }
}

interface Resident {
  /** One more histogram; undefined where all have been taken. */
  take(): Int32Array | undefined;
  run<T>(body: (run: KernelRun) => T): T;
}

function residentMemory(words: number, count: number, extra: number): Resident | undefined {
  // Of histograms that found no room here, two at a time are copied into scratch.
  const scratch = extra + 8 * words + PAGE;
  const bytes = STATIC_LIMIT + 4 * words * count + scratch;
  if (bytes > MOST_BYTES) return undefined;
  const pages = Math.ceil(bytes / PAGE);
  try {
    const memory = new wasm.Memory({ initial: pages, maximum: pages });
    return residentOver(kernelsOver(memory), memory.buffer as ArrayBuffer, words, count);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function residentOver(kernels: KernelExports, buffer: ArrayBuffer, words: number, count: number): Resident {
  let taken = 0;
  let top = buffer.byteLength;
  function room<T extends TypedArray>(type: ArrayConstructor<T>, length: number): T {
    top = Math.floor((top - length * type.BYTES_PER_ELEMENT) / 16) * 16;
    return new type(buffer, top, length);
  }
  const run: KernelRun = {
    wasm: kernels,
    zeros(type, length) {
      const array = room(type, length);
      array.fill(0);
      return array;
    },
    place(array) {
      if (array.buffer === buffer) return array;
      type Placed = typeof array;
      const copy = room(array.constructor as unknown as ArrayConstructor<Placed>, array.length);
      copy.set(array);
      return copy;
    },
    inPlace: (array) => array.buffer === buffer,
  };
  return {
    take() {
      if (taken === count) return undefined;
      return new Int32Array(buffer, STATIC_LIMIT + 4 * words * taken++, words);
    },
    run(body) {
      countRun('wasm');
      try {
        return body(run);
      } finally {
        top = buffer.byteLength;
      }
    },
  };
}

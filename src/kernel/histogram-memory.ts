/**
 * Histograms of the nodes of a tree in a WebAssembly memory of their own, so that they are searched and subtracted where
 * they lie. Room is reserved for all of them; pages that nobody touched cost nothing.
 *
 *     | static | histogram | histogram | …        | ← scratch of one call |
 */
import { wasm } from '../webassembly.ts';
import { kernelsOver, STATIC_LIMIT } from './load.ts';
import { type Room, scratchIn } from './memory.ts';
import { type KernelRun, type KernelSite, kernelMode, kernelSite, runKernels } from './mode.ts';

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

  /** `runKernels` over the memory that the histograms lie in. */
  run<T>(body: (run: KernelRun) => T): T {
    return runKernels(body, this.#resident?.site);
  }
}

interface Resident {
  readonly site: KernelSite;
  /** One more histogram; undefined where all have been taken. */
  take(): Int32Array | undefined;
}

function residentMemory(words: number, count: number, extra: number): Resident | undefined {
  const arenaTop = STATIC_LIMIT + 4 * words * count;
  // Of histograms that found no room here, two at a time are copied into scratch.
  const bytes = arenaTop + extra + 8 * words + PAGE;
  if (bytes > MOST_BYTES) return undefined;
  const pages = Math.ceil(bytes / PAGE);
  try {
    const memory = new wasm.Memory({ initial: pages, maximum: pages });
    const { buffer } = memory;
    const room: Room = { memory, arenaTop, scratchTop: pages * PAGE };
    const kernels = kernelsOver(memory);
    let taken = 0;
    return {
      site: kernelSite(
        () => kernels,
        scratchIn(() => room),
        (array) => array.buffer === buffer,
      ),
      take() {
        if (taken === count) return undefined;
        return new Int32Array(buffer, STATIC_LIMIT + 4 * words * taken++, words);
      },
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

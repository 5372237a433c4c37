/**
 * Which path kernels take: WebAssembly (default) or the plain TypeScript twins, which give the same bits.
 * A call whose blocks do not fit the scratch of this thread's memory takes the plain path by itself.
 * `SORA_KERNELS=plain` in the environment sets the default.
 */
import type { TypedArray } from '../particle/view.ts';
import { type KernelExports, loadKernels } from './load.ts';
import { type ArrayConstructor, isResident, type Stack, scratch } from './memory.ts';

export type KernelMode = 'wasm' | 'plain';

/** What a kernel call works with; valid only during the call. */
export interface KernelRun {
  /** The WebAssembly kernels; absent on the plain path. */
  readonly wasm: KernelExports | undefined;
  /** An array for the duration of the call, all zero; resident on the WebAssembly path. */
  zeros<T extends TypedArray>(type: ArrayConstructor<T> & (new (length: number) => T), length: number): T;
  /** The same with whatever stands in it. */
  room<T extends TypedArray>(type: ArrayConstructor<T> & (new (length: number) => T), length: number): T;
  /** The array itself if kernels can read it where it lies, else a copy for the duration of the call. */
  place<T extends TypedArray>(array: T): T;
  /** Whether kernels can read the array where it lies. */
  inPlace(array: TypedArray): boolean;
}

class ScratchFull extends Error {}

let mode: KernelMode = globalThis.process?.env?.SORA_KERNELS === 'plain' ? 'plain' : 'wasm';
const runs = { wasm: 0, plain: 0 };

/** Chooses the path of all later kernel calls of this thread. */
export function setKernelMode(next: KernelMode): void {
  mode = next;
}

/** The path that kernel calls of this thread take. */
export function kernelMode(): KernelMode {
  return mode;
}

/** How many kernel calls of this thread ended on each path. */
export function kernelRuns(): Readonly<Record<KernelMode, number>> {
  return { ...runs };
}

/** Counts a kernel call over a memory of its own, which does not go through {@link runKernels}. */
export function countRun(path: KernelMode): void {
  runs[path]++;
}

const plainRun: KernelRun = {
  wasm: undefined,
  zeros: (type, length) => new type(length),
  room: (type, length) => new type(length),
  place: (array) => array,
  inPlace: () => true,
};

/** A memory that kernels run over. */
export interface KernelSite {
  readonly run: KernelRun;
  /** For the arrays of one call. */
  readonly scratch: Stack;
}

/** The site of the kernels over a memory; `isIn` tells which arrays lie in it. */
export function kernelSite(
  kernels: () => KernelExports,
  stack: Stack,
  isIn: (array: ArrayBufferView) => boolean,
): KernelSite {
  function room<T extends TypedArray>(type: ArrayConstructor<T>, length: number): T {
    const array = stack.alloc(type, length);
    if (array === undefined) throw new ScratchFull();
    return array;
  }
  const run: KernelRun = {
    get wasm() {
      return kernels();
    },
    zeros(type, length) {
      const array = room(type, length);
      array.fill(0);
      return array;
    },
    room,
    place(array) {
      if (isIn(array)) return array;
      type Placed = typeof array;
      const copy = room(array.constructor as unknown as ArrayConstructor<Placed>, array.length);
      copy.set(array);
      return copy;
    },
    inPlace: isIn,
  };
  return { run, scratch: stack };
}

/** This thread's own memory. */
const own = kernelSite(loadKernels, scratch, isResident);

/**
 * Runs `body` on the chosen path, of WebAssembly over the memory of `site`. `body` must allocate everything before it
 * writes to anything of its caller's: when scratch is full it is run again on the plain path.
 */
export function runKernels<T>(body: (run: KernelRun) => T, site: KernelSite = own): T {
  if (mode === 'wasm') {
    const mark = site.scratch.mark();
    try {
      const result = body(site.run);
      runs.wasm++;
      return result;
    } catch (error) {
      if (!(error instanceof ScratchFull)) throw error;
    } finally {
      site.scratch.reset(mark);
    }
  }
  const result = body(plainRun);
  runs.plain++;
  return result;
}

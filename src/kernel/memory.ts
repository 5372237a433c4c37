/**
 * The one WebAssembly memory of a thread: reserved whole up front, so that it never grows and no typed array over
 * it ever detaches; pages that nobody touched cost no resident memory.
 *
 *     0        64 KiB                                        end - reserve      end
 *     | static | arena: views that stay  →                 …       | ← scratch |
 *
 * The arena grows upwards and leaves the reserve free. Scratch (blocks, parameters, sums of one kernel call) grows
 * downwards from the end and may use whatever the arena has not taken.
 */
import { SoraError } from '../errors.ts';
import type { TypedArray } from '../particle/view.ts';
import { type WasmMemory, wasm } from '../webassembly.ts';

const PAGE = 65_536;
/** 4 GiB less one page: the most that 32-bit pointers reach while `end` still fits one. */
export const MAX_MEMORY_BYTES = 0x1_0000_0000 - PAGE;
const MIN_MEMORY_BYTES = 16 * PAGE;
const DEFAULT_BYTES = 256 * 1024 * 1024;
const MAX_RESERVE_BYTES = 64 * 1024 * 1024;

/** Size of the memory of this thread. */
export interface MemoryOptions {
  /** Bytes to reserve, 1 MiB to 4 GiB - 64 KiB; rounded up to whole pages of 64 KiB. Default 256 MiB. */
  readonly bytes: number;
}

/** Constructor of a typed array over the memory. */
export interface ArrayConstructor<T extends TypedArray> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
}

/** A stack of 16-byte aligned arrays: what was allocated after a mark is freed by resetting to it. */
export interface Stack {
  /** An array of `length` elements, its content undefined; `undefined` when the memory is full. */
  alloc<T extends TypedArray>(type: ArrayConstructor<T>, length: number): T | undefined;
  mark(): number;
  /** Frees everything allocated after the mark; arrays from there must not be used any more. */
  reset(mark: number): void;
  /** Bytes that one more array could have. */
  free(): number;
}

/** A memory of which what stays grows upwards, and scratch downwards. */
export interface Room {
  readonly memory: WasmMemory;
  arenaTop: number;
  scratchTop: number;
}

interface Layout extends Room {
  readonly end: number;
  readonly reserve: number;
}

let configured = DEFAULT_BYTES;
let layout: Layout | undefined;

/** Sets the size of this thread's memory; once, before anything was allocated. Throws `bad-option` otherwise. */
export function configureMemory(options: MemoryOptions): void {
  const bytes = Math.ceil(options.bytes / PAGE) * PAGE;
  if (!(bytes >= MIN_MEMORY_BYTES && bytes <= MAX_MEMORY_BYTES)) {
    throw new SoraError(
      'bad-option',
      `Kernel memory of ${options.bytes} bytes is out of range: ${MIN_MEMORY_BYTES} to ${MAX_MEMORY_BYTES} bytes a thread.`,
      { details: { bytes: options.bytes, min: MIN_MEMORY_BYTES, max: MAX_MEMORY_BYTES } },
    );
  }
  if (layout !== undefined) {
    if (layout.end === bytes) return;
    throw new SoraError(
      'bad-option',
      `Kernel memory is in use with ${layout.end} bytes and cannot become ${bytes}; configure it before first use.`,
    );
  }
  configured = bytes;
}

function used(): Layout {
  if (layout === undefined) {
    const memory = new wasm.Memory({ initial: configured / PAGE, maximum: configured / PAGE });
    const reserve = Math.min(MAX_RESERVE_BYTES, Math.floor(configured / 8 / PAGE) * PAGE);
    layout = { memory, end: configured, reserve, arenaTop: PAGE, scratchTop: configured };
  }
  return layout;
}

/** The memory itself, for the loader. Reserved on first use. */
export function kernelMemory(): WasmMemory {
  return used().memory;
}

/** Bytes of this thread's memory. */
export function memoryBytes(): number {
  return layout?.end ?? configured;
}

/** Whether the array lies in this thread's kernel memory, so that kernels use it in place. */
export function isResident(array: ArrayBufferView): boolean {
  return layout !== undefined && array.buffer === layout.memory.buffer;
}

/** Arrays that stay: views kept between rounds. Leaves the scratch reserve free. */
export const arena: Stack = {
  alloc(type, length) {
    const at = used();
    const start = Math.ceil(at.arenaTop / 16) * 16;
    const stop = start + length * type.BYTES_PER_ELEMENT;
    if (stop > Math.min(at.end - at.reserve, at.scratchTop)) return undefined;
    at.arenaTop = stop;
    return new type(at.memory.buffer, start, length);
  },
  mark: () => used().arenaTop,
  reset(mark) {
    used().arenaTop = mark;
  },
  free() {
    const at = used();
    return Math.max(0, Math.min(at.end - at.reserve, at.scratchTop) - Math.ceil(at.arenaTop / 16) * 16);
  },
};

/** Arrays of one kernel call in a memory: marked before, reset after. */
export function scratchIn(room: () => Room): Stack {
  return {
    alloc(type, length) {
      const at = room();
      const start = Math.floor((at.scratchTop - length * type.BYTES_PER_ELEMENT) / 16) * 16;
      if (start < at.arenaTop) return undefined;
      at.scratchTop = start;
      return new type(at.memory.buffer, start, length);
    },
    mark: () => room().scratchTop,
    reset(mark) {
      room().scratchTop = mark;
    },
    free() {
      const at = room();
      return Math.max(0, Math.floor(at.scratchTop / 16) * 16 - at.arenaTop);
    },
  };
}

/** Arrays of one kernel call in the memory of this thread. */
export const scratch: Stack = scratchIn(used);

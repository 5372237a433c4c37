/**
 * Memory and kernels of one online linear model: its records stay in a WebAssembly memory of their own for as long as
 * it lives, so that a block of rows costs its entries and nothing else. Layouts: kernels/online.ts.
 *
 *     | static | records | a block of rows: starts, slots, values, labels, weights, margins | rows of a column, one row |
 *
 * The plain twins are the learners of src/fit/online, row by row.
 */
import { wasm } from '../webassembly.ts';
import { type KernelExports, kernelsOver, LOSS_KERNELS, type LossKernelName, STATIC_LIMIT } from './load.ts';
import { MAX_MEMORY_BYTES } from './memory.ts';
import { countRun } from './mode.ts';

/** Most rows of a block. */
export const ONLINE_ROWS = 512;
/** Most entries of a block, constants included: what keeps it in the cache beside the records. */
export const ONLINE_ENTRIES = 16_384;
/** Numbers of a record: weight, and what the learner keeps beside it. */
export const ONLINE_RECORD = 4;

/** Entries that are hashed four at a time run over by up to three. */
const SPARE = 4;
const PAGE = 65_536;

/** A block of rows and the records of a model, in a memory of their own. */
export interface OnlineMemory {
  readonly kernels: KernelExports;
  readonly records: Float64Array;
  readonly starts: Uint32Array;
  readonly slots: Uint32Array;
  readonly values: Float64Array;
  readonly labels: Float64Array;
  readonly weights: Float64Array;
  /** Row-major, `outputs` a row: out. */
  readonly margins: Float64Array;
  /** Rows of a sparse column, to be hashed into slots. */
  readonly column: {
    readonly starts: Uint32Array;
    readonly indices: Uint32Array;
    readonly values: Float32Array;
  };
  /** One row for its loss. */
  readonly row: Float64Array;
}

/** A memory for `records` (copied into it); undefined where they are too large or the host has no room. */
export function onlineMemory(records: Float64Array, outputs: number): OnlineMemory | undefined {
  const block =
    4 * (2 * ONLINE_ROWS + 2) +
    20 * (ONLINE_ENTRIES + SPARE) +
    8 * ONLINE_ROWS * (2 + outputs) +
    64 * outputs;
  const bytes = STATIC_LIMIT + records.byteLength + block + PAGE;
  if (bytes > MAX_MEMORY_BYTES) return undefined;
  const pages = Math.ceil(bytes / PAGE);
  let top = STATIC_LIMIT;
  try {
    const memory = new wasm.Memory({ initial: pages, maximum: pages });
    type View<T> = new (buffer: ArrayBuffer, at: number, length: number) => T;
    const take = <T extends ArrayBufferView>(type: View<T>, length: number): T => {
      const view = new type(memory.buffer, top, length);
      top = Math.ceil((top + view.byteLength) / 16) * 16;
      return view;
    };
    const resident = take(Float64Array, records.length);
    resident.set(records);
    return {
      kernels: kernelsOver(memory),
      records: resident,
      starts: take(Uint32Array, ONLINE_ROWS + 1),
      slots: take(Uint32Array, ONLINE_ENTRIES + SPARE),
      values: take(Float64Array, ONLINE_ENTRIES + SPARE),
      labels: take(Float64Array, ONLINE_ROWS),
      weights: take(Float64Array, ONLINE_ROWS),
      margins: take(Float64Array, ONLINE_ROWS * outputs),
      column: {
        starts: take(Uint32Array, ONLINE_ROWS + 1),
        indices: take(Uint32Array, ONLINE_ENTRIES + SPARE),
        values: take(Float32Array, ONLINE_ENTRIES + SPARE),
      },
      row: take(Float64Array, 4 * outputs + 4),
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Where the entries of a sparse column go; `constant` is the coordinate that ends each row, -1 for none. */
export interface EntrySlots {
  readonly space: number;
  readonly mask: number;
  readonly base: number;
  readonly constant: number;
}

/** Entries of `memory.column` into the block's slots and values. O(entries). */
export function hashEntries(
  memory: OnlineMemory,
  rows: number,
  { space, mask, base, constant }: EntrySlots,
): void {
  const { kernels, column, starts, slots, values } = memory;
  kernels.onlineEntries(
    column.starts.byteOffset,
    column.indices.byteOffset,
    column.values.byteOffset,
    rows,
    space,
    mask,
    base,
    constant,
    starts.byteOffset,
    slots.byteOffset,
    values.byteOffset,
  );
}

/** The loss of a learner as kernels are told it. */
export interface OnlineLoss {
  readonly outputs: number;
  readonly kernel: LossKernelName;
  readonly parameter: number;
}

/** What every learner's kernel begins with: a block, the records, one row, and the loss. */
function common(memory: OnlineMemory, rows: number, { outputs, kernel, parameter }: OnlineLoss): number[] {
  countRun('wasm');
  const { starts, slots, values, labels, weights, records, margins, row } = memory;
  const arrays = [starts, slots, values, labels, weights].map((array) => array.byteOffset);
  const index = LOSS_KERNELS.indexOf(kernel);
  return [...arrays, rows, records.byteOffset, margins.byteOffset, row.byteOffset, outputs, index, parameter];
}

/** FTRL-Proximal over the rows of the block, in order. */
export function ftrlRows(
  memory: OnlineMemory,
  rows: number,
  loss: OnlineLoss,
  options: { inverseAlpha: number; beta: number; l1: number; l2: number },
): void {
  const { inverseAlpha, beta, l1, l2 } = options;
  memory.kernels.onlineFtrl(...common(memory, rows, loss), inverseAlpha, beta, l1, l2);
}

/** AdaGrad over the rows of the block, in order; `before` rows have been learned from already. */
export function adagradRows(
  memory: OnlineMemory,
  rows: number,
  loss: OnlineLoss,
  options: { rate: number; epsilon: number; l1: number; l2: number; before: number },
): void {
  const { rate, epsilon, l1, l2, before } = options;
  memory.kernels.onlineAdagrad(...common(memory, rows, loss), rate, epsilon, l1, l2, before);
}

/**
 * Views: a particle as a learner wants it. A view is a flat record of typed arrays and JSON values,
 * so one packing serves every kind: it can lie in WebAssembly memory, in a cache file, or on the wire.
 * Rows that a learner must not see (another fold, weight 0, label missing) are not in the view.
 */
import type { Json } from '../json.ts';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** A flat record of typed arrays and JSON values. */
export interface View {
  readonly kind: string;
  readonly rows: number;
  readonly [key: string]: TypedArray | Json | undefined;
}

/** What every learner's view has: a label a row, and where they differ from 1 and 0, weights and offsets. */
interface Rows extends View {
  /** Label a row: the number, the class index (0 … classes - 1), or the count. Length rows. */
  readonly labels: Float64Array;
  /** Positive weight a row; absent when all are 1. */
  readonly weights?: Float64Array;
  /** Added to the margin of a row (log exposure); absent when all are 0. */
  readonly offsets?: Float64Array;
  /** Where runs of rows of one group begin, and the number of rows at the end; absent without a group column. */
  readonly groups?: Uint32Array;
}

/** Dense features, column-major: feature f of row r is `values[f * stride + r]`; stride is rows rounded up to 4, padded with 0. */
export interface DenseView extends Rows {
  readonly kind: 'dense';
  readonly features: number;
  readonly stride: number;
  readonly values: Float32Array;
}

/** Sparse features, CSR by row: entries of row r are [starts[r], starts[r + 1]). */
export interface CsrView extends Rows {
  readonly kind: 'csr';
  readonly features: number;
  readonly starts: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
}

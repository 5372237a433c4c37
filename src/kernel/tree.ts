/**
 * The inner loops of tree growth over binned rows: kernels/tree.ts where the arrays lie in kernel memory, else the
 * twins here. Sums are integers and partitions are stable, so both give the same bits.
 * A histogram has 256 bins a feature, of two 32-bit words each: Σ Hessian, then Σ gradient, as small integers.
 */
import { combine32, mix32 } from '../random.ts';
import { type KernelRun, runKernels } from './mode.ts';

/** Words of one feature in a histogram: 256 bins of two. */
export const FEATURE_WORDS = 512;

/** Bytes of a quant: gradient (signed, upper 16 bits) and Hessian (unsigned, lower 16). */
const QUANT_BYTES = 4;

/** Records of binned rows: row r has `width` bytes of bins from r · (width + 4), features first, then its quant. */
export interface BinnedRows {
  readonly records: Uint8Array;
  /** A multiple of 4. */
  readonly width: number;
}

/** Bytes of the records of so many rows. */
export function recordBytes(rows: number, width: number): number {
  return rows * (width + QUANT_BYTES);
}

/** How gradients and Hessians become integers: ⌊x · scale + u⌋, u in [0, 1) by the row number and the key. */
export interface Quantization {
  readonly gradientScale: number;
  readonly hessianScale: number;
  /** 32 bits. */
  readonly key: number;
  /** Leaves rows out at random; absent: none. */
  readonly drop?: {
    readonly key: number;
    /** Rows whose word by the key is below this are kept: share · 2³². */
    readonly limit: number;
    /** Rows with 1 here are kept in any case, and the others multiplied by the factor. */
    readonly kept?: Uint8Array;
    readonly factor?: number;
  };
}

/**
 * Adds the rows of `order`, or the first `order` rows where it is a number, to `histogram` ({@link FEATURE_WORDS} ×
 * width words, resident on the WebAssembly path). O(rows × features): 0.55–0.8 ns each.
 */
export function addHistogram(
  run: KernelRun,
  { records, width }: BinnedRows,
  order: Uint32Array | number,
  histogram: Int32Array,
): void {
  const { wasm } = run;
  const [from, count] = typeof order === 'number' ? [0, order] : [order.byteOffset, order.length];
  const orderIn = typeof order === 'number' || run.inPlace(order);
  if (wasm && run.inPlace(records) && orderIn && run.inPlace(histogram)) {
    wasm.treeHistogram(records.byteOffset, width, from, count, histogram.byteOffset);
    return;
  }
  const quants = quantsOf(records);
  const stride = width + QUANT_BYTES;
  for (let i = 0; i < count; i++) {
    const start = (typeof order === 'number' ? i : order[i]) * stride;
    const quant = quants[(start + width) >> 2];
    if (quant === 0) continue;
    const [gradient, hessian] = [quant >> 16, quant & 0xffff];
    for (let f = 0, at = start; f < width; f++, at++) {
      const word = f * FEATURE_WORDS + 2 * records[at];
      histogram[word] += hessian;
      histogram[word + 1] += gradient;
    }
  }
}

/** Records as 32-bit words: the quant of row r is word ((r + 1) · (width + 4)) / 4 − 1. */
function quantsOf(records: Uint8Array): Int32Array {
  return new Int32Array(records.buffer, records.byteOffset, records.byteLength >> 2);
}

/** Adds the words of `from` to those of `into`, wherever they lie. O(words). */
export function addWords(into: Int32Array, from: Int32Array): void {
  const whole = from.length & ~3;
  runKernels((run) => {
    const { wasm } = run;
    if (wasm === undefined) {
      for (let i = 0; i < whole; i++) into[i] += from[i];
      return;
    }
    // Copies and vectors together take a third of what a loop over typed arrays does.
    const [sums, more] = [run.place(into.subarray(0, whole)), run.place(from.subarray(0, whole))];
    wasm.treeMerge(sums.byteOffset, more.byteOffset, whole);
    if (!run.inPlace(into)) into.set(sums);
  });
  for (let i = whole; i < from.length; i++) into[i] += from[i];
}

/** Subtracts the words of `from`, a multiple of 4, from those of `into`. O(words). */
export function subtractWords(run: KernelRun, into: Int32Array, from: Int32Array): void {
  const { wasm } = run;
  if (wasm && run.inPlace(into) && run.inPlace(from)) {
    wasm.treeSubtract(into.byteOffset, from.byteOffset, from.length);
    return;
  }
  for (let i = 0; i < from.length; i++) into[i] -= from[i];
}

/**
 * Moves rows whose bin has 1 in `table` (256 bytes) to the front of `order`, keeping the order on both sides; returns
 * how many they are. `column` has the bins of one feature, a byte a row. O(rows).
 */
export function partitionRows(column: Uint8Array, order: Uint32Array, table: Uint8Array): number {
  return runKernels((run) => {
    const spare = run.zeros(Uint32Array, order.length);
    const { wasm } = run;
    if (wasm && run.inPlace(column) && run.inPlace(order)) {
      const placed = run.place(table);
      return wasm.treePartition(
        column.byteOffset,
        order.byteOffset,
        order.length,
        placed.byteOffset,
        spare.byteOffset,
      );
    }
    let [left, right] = [0, 0];
    for (let i = 0; i < order.length; i++) {
      const row = order[i];
      if (table[column[row]] === 1) order[left++] = row;
      else spare[right++] = row;
    }
    order.set(spare.subarray(0, right), left);
    return left;
  });
}

/**
 * Quantizes gradients and Hessians (pairs a row, from {@link packSlopes}) into the records of the rows.
 * Rounding at random keeps sums unbiased (Shi et al. 2022, "Quantized Training of Gradient Boosting Decision Trees").
 */
export function quantizeRows(
  run: KernelRun,
  slopes: Float32Array,
  { gradientScale, hessianScale, key, drop }: Quantization,
  { records, width }: BinnedRows,
): void {
  const { wasm } = run;
  const rows = slopes.length / 2;
  const limit = drop?.limit ?? 2 ** 32;
  const dropKey = drop?.key ?? 0;
  const factor = drop?.factor ?? 1;
  const kept = drop?.kept;
  if (wasm && run.inPlace(slopes) && run.inPlace(records)) {
    wasm.treeQuantize(
      slopes.byteOffset,
      rows,
      gradientScale,
      hessianScale,
      key,
      dropKey,
      limit,
      kept === undefined ? 0 : run.place(kept).byteOffset,
      factor,
      records.byteOffset,
      width,
    );
    return;
  }
  const quants = quantsOf(records);
  for (let r = 0, at = width >> 2; r < rows; r++, at += (width + QUANT_BYTES) >> 2) {
    const bits = mix32(mix32(r ^ key) + key);
    const sure = kept !== undefined && kept[r] === 1;
    const times = sure ? 1 : factor;
    const g = Math.floor(slopes[2 * r] * times * gradientScale + (bits & 0xffff) / 65_536);
    const h = Math.floor(slopes[2 * r + 1] * times * hessianScale + (bits >>> 16) / 65_536);
    quants[at] = sure || combine32(dropKey, r) < limit ? (g << 16) | h : 0;
  }
}

/**
 * Writes gradients and Hessians of a block of rows as f32 pairs into `slopes`; raises `most`, the largest |gradient|
 * and Hessian so far, to those of the block as they are after rounding. O(rows).
 */
export function packSlopes(
  run: KernelRun,
  gradients: Float64Array,
  hessians: Float64Array,
  slopes: Float32Array,
  most: Float64Array,
): void {
  const { wasm } = run;
  const rows = slopes.length / 2;
  if (wasm && run.inPlace(gradients) && run.inPlace(hessians) && run.inPlace(slopes)) {
    const placed = run.zeros(Float64Array, 2);
    placed.set(most);
    wasm.treeSlopes(gradients.byteOffset, hessians.byteOffset, rows, slopes.byteOffset, placed.byteOffset);
    most.set(placed);
    return;
  }
  for (let r = 0; r < rows; r++) {
    slopes[2 * r] = gradients[r];
    slopes[2 * r + 1] = hessians[r];
    most[0] = Math.max(most[0], Math.abs(slopes[2 * r]));
    most[1] = Math.max(most[1], slopes[2 * r + 1]);
  }
}

/** Room for one more than the most edges, filled up with infinities. */
const EDGES = 256;

/**
 * Number of edges below each value, `missing` for NaN; edges ascend, at most 255 of them.
 * O(rows × log edges): 2–4 ns a value and more for what lies outside of kernel memory.
 */
export function binValues(edges: Float32Array, values: Float32Array, missing: number, out: Uint8Array): void {
  const levels = Math.max(1, 32 - Math.clz32(edges.length));
  runKernels((run) => {
    const padded = run.zeros(Float32Array, EDGES).fill(Number.POSITIVE_INFINITY);
    padded.set(edges);
    const { wasm } = run;
    if (wasm === undefined) {
      binBlock(run, { edges: padded, levels }, values, 0, missing, out);
      return;
    }
    const block = run.zeros(Float32Array, BIN_ROWS);
    const binned = run.zeros(Uint8Array, BIN_ROWS);
    for (let start = 0; start < values.length; start += BIN_ROWS) {
      const rows = Math.min(BIN_ROWS, values.length - start);
      block.set(values.subarray(start, start + rows));
      binBlock(run, { edges: padded, levels }, block.subarray(0, rows), 0, missing, binned);
      out.set(binned.subarray(0, rows), start);
    }
  });
}

/** Rows of a block. */
const BIN_ROWS = 4096;

/** Edges filled up with infinities to 2^levels − 1 of them at least. */
export interface PaddedEdges {
  readonly edges: Float32Array;
  readonly levels: number;
}

/**
 * `first` + the number of edges below each value, `missing` for NaN, as bytes. On the WebAssembly path all arrays are
 * resident, and the values and `out` have room up to a multiple of 4.
 */
export function binBlock(
  { wasm }: KernelRun,
  { edges, levels }: PaddedEdges,
  values: Float32Array,
  first: number,
  missing: number,
  out: Uint8Array | Int8Array,
): void {
  if (wasm !== undefined) {
    const { byteOffset, length } = values;
    wasm.treeBins(byteOffset, length, edges.byteOffset, levels, first, missing, out.byteOffset);
    return;
  }
  for (let r = 0; r < values.length; r++) {
    const x = values[r];
    let low = 0;
    for (let step = 1 << (levels - 1); step > 0; step >>= 1) if (edges[low + step - 1] < x) low += step;
    out[r] = Number.isNaN(x) ? missing : first + low;
  }
}

/** margins[row] += value for the rows of `order`. */
export function addToRows(run: KernelRun, margins: Float64Array, order: Uint32Array, value: number): void {
  const { wasm } = run;
  if (wasm && run.inPlace(margins) && run.inPlace(order)) {
    wasm.treeAdd(margins.byteOffset, order.byteOffset, order.length, value);
    return;
  }
  for (let i = 0; i < order.length; i++) margins[order[i]] += value;
}

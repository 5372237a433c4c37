/**
 * The inner loops of tree growth over binned rows: kernels/tree.ts where the arrays lie in kernel memory, else the
 * twins here. Sums are integers and partitions are stable, so both give the same bits.
 * A histogram has 256 bins a feature, of two 32-bit words each: Σ Hessian, then Σ gradient, as small integers.
 */
import { mix32 } from '../random.ts';
import { type KernelRun, runKernels } from './mode.ts';

/** Words of one feature in a histogram: 256 bins of two. */
export const FEATURE_WORDS = 512;

/** Binned rows: row r has `width` bytes from r · width, features first, then padding to a multiple of 4. */
export interface BinnedRows {
  readonly bins: Uint8Array;
  readonly width: number;
}

/** How gradients and Hessians become integers: ⌊x · scale + u⌋, u in [0, 1) by the row number and the key. */
export interface Quantization {
  readonly gradientScale: number;
  readonly hessianScale: number;
  /** 32 bits. */
  readonly key: number;
}

/**
 * Adds the rows of `order` to `histogram` ({@link FEATURE_WORDS} × width words, resident on the WebAssembly path).
 * O(rows × features): 0.5–0.8 ns each.
 */
export function addHistogram(
  run: KernelRun,
  { bins, width }: BinnedRows,
  order: Uint32Array,
  quantized: Int32Array,
  histogram: Int32Array,
): void {
  const { wasm } = run;
  if (wasm && run.inPlace(bins) && run.inPlace(order) && run.inPlace(quantized) && run.inPlace(histogram)) {
    wasm.treeHistogram(
      bins.byteOffset,
      width,
      order.byteOffset,
      order.length,
      quantized.byteOffset,
      histogram.byteOffset,
    );
    return;
  }
  for (let i = 0; i < order.length; i++) {
    const row = order[i];
    const quant = quantized[row];
    if (quant === 0) continue;
    const [gradient, hessian] = [quant >> 16, quant & 0xffff];
    for (let f = 0, at = row * width; f < width; f++, at++) {
      const word = f * FEATURE_WORDS + 2 * bins[at];
      histogram[word] += hessian;
      histogram[word + 1] += gradient;
    }
  }
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
 * Quantizes a block of rows, the first of which is row `first` of its particle, into `out`; rows that are held out get
 * 0. Rounding at random keeps sums unbiased (Shi et al. 2022, "Quantized Training of Gradient Boosting Decision Trees").
 */
export function quantizeBlock(
  run: KernelRun,
  gradients: Float64Array,
  hessians: Float64Array,
  first: number,
  { gradientScale, hessianScale, key }: Quantization,
  kept: Uint8Array | undefined,
  out: Int32Array,
): void {
  const { wasm } = run;
  const inPlace = (kept === undefined || run.inPlace(kept)) && run.inPlace(gradients) && run.inPlace(out);
  if (wasm && inPlace) {
    wasm.treeQuantize(
      gradients.byteOffset,
      hessians.byteOffset,
      out.length,
      gradientScale,
      hessianScale,
      key,
      first,
      kept?.byteOffset ?? 0,
      out.byteOffset,
    );
    return;
  }
  for (let r = 0; r < out.length; r++) {
    const bits = mix32(mix32((first + r) ^ key) + key);
    const g = Math.floor(gradients[r] * gradientScale + (bits & 0xffff) / 65_536);
    const h = Math.floor(hessians[r] * hessianScale + (bits >>> 16) / 65_536);
    out[r] = kept === undefined || kept[r] !== 0 ? (g << 16) | h : 0;
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

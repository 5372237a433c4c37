/**
 * The inner loops of tree growth over binned rows: kernels/tree.ts where the arrays lie in kernel memory, else the
 * twins here. Sums are integers and partitions are stable, so both give the same bits.
 * A histogram has 256 bins a feature, of two 32-bit words each: Σ Hessian, then Σ gradient, as small integers.
 */
import { combine32, mix32 } from '../random.ts';
import { type KernelRun, runKernels } from './mode.ts';

/** Words of one feature in a histogram: 256 bins of two. */
export const FEATURE_WORDS = 512;
/** The same while rows are added: a gap follows the bins of each feature, for the sake of caches (kernels/tree.ts). */
export const SPREAD_WORDS = 528;

/** Bytes of a quant: gradient (signed, upper 16 bits) and Hessian (unsigned, lower 16). */
const QUANT_BYTES = 4;

/** What a record has: bins, a byte each, and from the next multiple of 4 on quants, one a tree that grows meanwhile. */
export interface RecordShape {
  readonly codes: number;
  readonly quants: number;
}

/** Binned rows as records, one after the other. */
export interface BinnedRows extends RecordShape {
  readonly records: Uint8Array;
}

/** Bytes of a record. */
export function recordBytes({ codes, quants }: RecordShape): number {
  return quantByte({ codes }, quants);
}

/** Where a quant stands in a record. */
export function quantByte({ codes }: Pick<RecordShape, 'codes'>, quant: number): number {
  return ((codes + 3) & ~3) + QUANT_BYTES * quant;
}

/** Start and count of the rows of a node in the order; start −1: they are the first so many. */
export type NodeRanges = Int32Array;

/** Rows of a block: its columns stay in the second-level cache while records are made of them. */
const RECORD_ROWS = 1024;

/** Calls `use` with blocks of rows of columns that lie `rows` apart, filled up to a multiple of 4 columns of zeros. */
function eachBlock(
  run: KernelRun,
  columns: Uint8Array,
  rows: number,
  use: (block: Uint8Array, columns: number, start: number, count: number) => void,
): void {
  const whole = Math.ceil(columns.length / rows / 4) * 4;
  const block = run.zeros(Uint8Array, whole * RECORD_ROWS);
  for (let start = 0; start < rows; start += RECORD_ROWS) {
    const count = Math.min(RECORD_ROWS, rows - start);
    for (let from = start, at = 0; from < columns.length; from += rows, at += RECORD_ROWS) {
      block.set(columns.subarray(from, from + count), at);
    }
    use(block, whole, start, count);
  }
}

/** What a column of bins adds to a byte of the records. */
export interface ByteAdds {
  /** By bin, {@link BYTE_BINS} bytes. */
  readonly adds: Uint8Array;
  /** Where the column shares its digit of the byte with others: its usual bin, which adds 0, and the digit. */
  readonly shared?: { readonly usual: number; readonly divisor: number; readonly radix: number };
}

/** Bins that a column can have. */
export const BYTE_BINS = 256;

/**
 * Adds columns of bins to one byte of the records, `bytes`, whose digits are 0 before. False where a digit that columns
 * share would be taken twice in a row; `bytes` is then of no use. O(rows × columns): below 1 ns each.
 */
export function packBytes(
  columns: readonly (ByteAdds & { readonly bins: Uint8Array })[],
  bytes: Uint8Array,
): boolean {
  return runKernels((run) => {
    const { wasm } = run;
    const rows = bytes.length;
    const whole = Math.ceil(rows / 16) * 16;
    const [into, from, table] = [whole, whole, BYTE_BINS].map((length) => run.room(Uint8Array, length));
    into.set(bytes);
    let isFree = true;
    for (const { bins, adds, shared } of columns) {
      if (wasm === undefined) {
        isFree = plainAdd(bins, adds, shared, into) && isFree;
        continue;
      }
      from.set(bins);
      table.set(adds);
      const [at, of, to] = [from.byteOffset, table.byteOffset, into.byteOffset];
      if (shared === undefined) wasm.treePack(at, rows, of, to);
      else
        isFree = wasm.treeShare(at, rows, shared.usual, of, to, shared.divisor, shared.radix) === 0 && isFree;
    }
    bytes.set(into.subarray(0, rows));
    return isFree;
  });
}

function plainAdd(
  bins: Uint8Array,
  adds: Uint8Array,
  shared: ByteAdds['shared'],
  bytes: Uint8Array,
): boolean {
  let isFree = true;
  for (let r = 0; r < bins.length; r++) {
    if (bins[r] === shared?.usual) continue;
    if (shared && Math.floor(bytes[r] / shared.divisor) % shared.radix !== 0) isFree = false;
    bytes[r] += adds[bins[r]];
  }
  return isFree;
}

/** Records of columns of bins, rows `rows` apart; their quants are 0. O(rows × columns): below 1 ns each. */
export function recordsOf(columns: Uint8Array, rows: number, shape: RecordShape): Uint8Array {
  const stride = recordBytes(shape);
  const records = new Uint8Array(rows * stride);
  if (columns.length === 0) return records;
  runKernels((run) => {
    const { wasm } = run;
    if (wasm === undefined) {
      for (let f = 0; f < shape.codes; f++) {
        for (let row = 0, at = f; row < rows; row++, at += stride) records[at] = columns[f * rows + row];
      }
      return;
    }
    const made = run.zeros(Uint8Array, stride * RECORD_ROWS);
    eachBlock(run, columns, rows, (block, whole, start, count) => {
      wasm.treeRecords(block.byteOffset, RECORD_ROWS, whole, made.byteOffset, stride);
      records.set(made.subarray(0, count * stride), start * stride);
    });
  });
  return records;
}

/** A hash of the bins of each row, from columns as in {@link recordsOf}: words of four bins, hashed on one by one. */
export function hashBins(columns: Uint8Array, rows: number, seed: number): Int32Array {
  const hashes = new Int32Array(rows).fill(seed);
  if (columns.length === 0) return hashes;
  runKernels((run) => {
    const { wasm } = run;
    if (wasm === undefined) {
      const words = new Int32Array(
        recordsOf(columns, rows, { codes: columns.length / rows, quants: 0 }).buffer,
      );
      const each = words.length / rows;
      for (let row = 0; row < rows; row++) {
        let hash = seed | 0;
        for (let i = row * each; i < (row + 1) * each; i++)
          hash = Math.imul(hash ^ words[i], 0x9e3779b1) ^ (hash >>> 15);
        hashes[row] = hash;
      }
      return;
    }
    const made = run.zeros(Int32Array, RECORD_ROWS);
    eachBlock(run, columns, rows, (block, whole, start, count) => {
      made.fill(seed);
      wasm.treeHash(block.byteOffset, RECORD_ROWS, whole, made.byteOffset);
      hashes.set(made.subarray(0, count), start);
    });
  });
  return hashes;
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
 * Adds the rows of nodes to their histograms, which follow each other in `sums` ({@link SPREAD_WORDS} × codes words each,
 * resident on the WebAssembly path), by quant number `quant`. `ranges` has the rows of these nodes.
 * O(rows × features): 0.55–0.8 ns each.
 */
export function addHistograms(
  run: KernelRun,
  { records, codes, quants }: BinnedRows,
  quant: number,
  order: Uint32Array,
  ranges: NodeRanges,
  sums: Int32Array,
): void {
  const { wasm } = run;
  const stride = recordBytes({ codes, quants });
  const quantAt = quantByte({ codes }, quant);
  const nodes = ranges.length / 2;
  if (wasm && run.inPlace(records) && run.inPlace(order) && run.inPlace(sums)) {
    wasm.treeHistograms(
      records.byteOffset,
      stride,
      codes,
      quantAt,
      order.byteOffset,
      run.place(ranges).byteOffset,
      nodes,
      sums.byteOffset,
    );
    return;
  }
  const words = wordsOf(records);
  const size = codes * SPREAD_WORDS;
  for (let node = 0; node < nodes; node++) {
    const [start, count] = [ranges[2 * node], ranges[2 * node + 1]];
    const histogram = sums.subarray(node * size, (node + 1) * size);
    for (let i = 0; i < count; i++) {
      const at = (start < 0 ? i : order[start + i]) * stride;
      const word = words[(at + quantAt) >> 2];
      if (word === 0) continue;
      const [gradient, hessian] = [word >> 16, word & 0xffff];
      for (let f = 0; f < codes; f++) {
        const bin = f * SPREAD_WORDS + 2 * records[at + f];
        histogram[bin] += hessian;
        histogram[bin + 1] += gradient;
      }
    }
  }
}

/** Words of one feature where two trees are summed at once. */
export const PAIR_WORDS = 1040;

/**
 * Adds the first `count` rows to the histograms of two trees, by their quants, reading bins once for both. `pair` has
 * {@link PAIR_WORDS} × codes words, resident on the WebAssembly path: for {@link unzipSums} to take apart.
 * O(rows × features): about 0.6 of the time that both take one after the other.
 */
export function addRoots(
  run: KernelRun,
  { records, codes, quants }: BinnedRows,
  [first, second]: readonly [number, number],
  count: number,
  pair: Int32Array,
): void {
  const { wasm } = run;
  const stride = recordBytes({ codes, quants });
  const [firstAt, secondAt] = [quantByte({ codes }, first), quantByte({ codes }, second)];
  if (wasm && run.inPlace(records) && run.inPlace(pair)) {
    wasm.treeRoots(records.byteOffset, stride, codes, firstAt, secondAt, count, pair.byteOffset);
    return;
  }
  const words = wordsOf(records);
  for (let row = 0, at = 0; row < count; row++, at += stride) {
    const [a, b] = [words[(at + firstAt) >> 2], words[(at + secondAt) >> 2]];
    if (a === 0 && b === 0) continue;
    for (let f = 0; f < codes; f++) {
      const bin = f * PAIR_WORDS + 4 * records[at + f];
      pair[bin] += a & 0xffff;
      pair[bin + 1] += a >> 16;
      pair[bin + 2] += b & 0xffff;
      pair[bin + 3] += b >> 16;
    }
  }
}

/** The sums of two trees apart, each as {@link addHistograms} leaves them. O(words). */
export function unzipSums(
  { wasm }: KernelRun,
  pair: Int32Array,
  first: Int32Array,
  second: Int32Array,
): void {
  const features = pair.length / PAIR_WORDS;
  if (wasm !== undefined) {
    wasm.treeUnzip(pair.byteOffset, features, first.byteOffset, second.byteOffset);
    return;
  }
  for (let f = 0; f < features; f++) {
    for (let bin = 0; bin < 256; bin++) {
      const [from, to] = [f * PAIR_WORDS + 4 * bin, f * SPREAD_WORDS + 2 * bin];
      first.set(pair.subarray(from, from + 2), to);
      second.set(pair.subarray(from + 2, from + 4), to);
    }
  }
}

/** Sums as they were added, their gaps closed: {@link FEATURE_WORDS} words a feature, in place. O(words). */
export function gatherSums({ wasm }: KernelRun, sums: Int32Array): Int32Array {
  const features = sums.length / SPREAD_WORDS;
  if (wasm !== undefined) wasm.treeGather(sums.byteOffset, features);
  else {
    for (let f = 1; f < features; f++)
      sums.copyWithin(f * FEATURE_WORDS, f * SPREAD_WORDS, f * SPREAD_WORDS + FEATURE_WORDS);
  }
  return sums.subarray(0, features * FEATURE_WORDS);
}

/** Records as 32-bit words. */
function wordsOf(records: Uint8Array): Int32Array {
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

/** Splits of a tree, as they are made. */
export interface PackedSplits {
  /** Node and feature of each. */
  readonly nodes: Int32Array;
  /** 256 bytes each: 1 for every bin that goes left. */
  readonly tables: Uint8Array;
}

/**
 * Makes splits of a tree, of which `splits` has those from number `first` on, and `from` is the first to be made: the rows
 * of a node that go left move to the front of its part of `order`, the others behind them, both in their order.
 * `ranges`, of every node, gets those of the children, which of split number s are nodes 2 s + 1 and 2 s + 2. `columns`
 * has the bins of each feature, `order.length` rows apart. Split number 0, of the root, is of all rows, whatever stands in
 * the order. O(rows of the nodes): 1–2 ns each.
 */
export function splitRows(
  columns: Uint8Array,
  order: Uint32Array,
  ranges: NodeRanges,
  splits: PackedSplits,
  first: number,
  from: number,
): void {
  const nodes = splits.nodes.subarray(2 * (from - first));
  const tables = splits.tables.subarray(256 * (from - first));
  const rows = order.length;
  runKernels((run) => {
    const spare = run.room(Uint32Array, rows);
    const { wasm } = run;
    if (wasm && run.inPlace(columns) && run.inPlace(order)) {
      const placed = run.place(ranges);
      wasm.treeSplits(
        columns.byteOffset,
        rows,
        order.byteOffset,
        placed.byteOffset,
        run.place(nodes).byteOffset,
        run.place(tables).byteOffset,
        from,
        from + nodes.length / 2,
        spare.byteOffset,
      );
      ranges.set(placed);
      return;
    }
    for (let i = 0; i < nodes.length / 2; i++) {
      const [node, feature] = [nodes[2 * i], nodes[2 * i + 1]];
      const [start, count] = [ranges[2 * node], ranges[2 * node + 1]];
      const column = columns.subarray(feature * rows, (feature + 1) * rows);
      const table = tables.subarray(256 * i, 256 * (i + 1));
      const part = order.subarray(start, start + count);
      if (from + i === 0) for (let row = 0; row < count; row++) part[row] = row;
      const left = partition(column, part, table, spare);
      ranges.set([start, left, start + left, count - left], 2 * (2 * (from + i) + 1));
    }
  });
}

function partition(column: Uint8Array, order: Uint32Array, table: Uint8Array, spare: Uint32Array): number {
  let [left, right] = [0, 0];
  for (const row of order) {
    if (table[column[row]] === 1) order[left++] = row;
    else spare[right++] = row;
  }
  order.set(spare.subarray(0, right), left);
  return left;
}

/**
 * Quantizes gradients and Hessians (pairs a row, from {@link packSlopes}) into quant number `quant` of the records.
 * Rounding at random keeps sums unbiased (Shi et al. 2022, "Quantized Training of Gradient Boosting Decision Trees").
 */
export function quantizeRows(
  run: KernelRun,
  slopes: Float32Array,
  { gradientScale, hessianScale, key, drop }: Quantization,
  { records, codes, quants }: BinnedRows,
  quant: number,
): void {
  const { wasm } = run;
  const rows = slopes.length / 2;
  const stride = recordBytes({ codes, quants });
  const first = quantByte({ codes }, quant);
  const { limit = 2 ** 32, key: dropKey = 0, factor = 1, kept } = drop ?? {};
  if (wasm && run.inPlace(slopes) && run.inPlace(records)) {
    const to = records.byteOffset + first;
    const basic = [slopes.byteOffset, rows, gradientScale, hessianScale, key, to, stride];
    if (drop === undefined) wasm.treeQuantize(...basic);
    else {
      const sure = kept === undefined ? 0 : run.place(kept).byteOffset;
      wasm.treeQuantizeSome(...basic, dropKey, limit, sure, factor);
    }
    return;
  }
  const words = wordsOf(records);
  for (let r = 0, at = first >> 2; r < rows; r++, at += stride >> 2) {
    const bits = mix32(mix32(r ^ key) + key);
    const sure = kept !== undefined && kept[r] === 1;
    const times = sure ? 1 : factor;
    const g = Math.floor(slopes[2 * r] * times * gradientScale + (bits & 0xffff) / 65_536);
    const h = Math.floor(slopes[2 * r + 1] * times * hessianScale + (bits >>> 16) / 65_536);
    words[at] = sure || combine32(dropKey, r) < limit ? (g << 16) | h : 0;
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

/**
 * margins[row] += value for the rows of each leaf. `ranges` has start and count in `order` of every node; of these the
 * leaves are `nodes`.
 */
export function addLeaves(
  margins: Float64Array,
  order: Uint32Array,
  ranges: NodeRanges,
  nodes: Int32Array,
  values: Float64Array,
): void {
  runKernels((run) => {
    const { wasm } = run;
    if (wasm && run.inPlace(margins) && run.inPlace(order)) {
      const [at, leaves, adds] = [run.place(ranges), run.place(nodes), run.place(values)];
      wasm.treeAdd(
        margins.byteOffset,
        order.byteOffset,
        at.byteOffset,
        leaves.byteOffset,
        adds.byteOffset,
        nodes.length,
      );
      return;
    }
    nodes.forEach((node, leaf) => {
      const [start, count] = [ranges[2 * node], ranges[2 * node + 1]];
      for (let i = start; i < start + count; i++) margins[order[i]] += values[leaf];
    });
  });
}

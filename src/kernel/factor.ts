/**
 * Factorization machines (Rendle, ICDM 2010), plain: the oracle of kernels/factor.ts, and what online learners run.
 * Margin of a row with entries (i, x_i), in O(entries × factors) by lemma 3.1:
 *     Σ w_i x_i + Σ_{i<j} <v_i, v_j> x_i x_j  =  Σ w_i x_i + ½ Σ_f ((Σ_i v_if x_i)² − Σ_i v_if² x_i²)
 * A coordinate and output has one record; one AdaGrad sum serves all its factors, so rotating factors changes nothing:
 *     | weight | Σ g² of the weight | Σ mean g² of the factors | visits | v_0 … v_{k−1} |   4 + k numbers f64, k even
 * Factors add up in two lanes, even and odd. A record of zeros, of a coordinate never met, adds nothing.
 */

/** Numbers of a record before its factors. */
export const FACTOR_HEAD = 4;

/** Records of all coordinates, output fastest, and room for the sums Σ_i v_if x_i of the row at hand. */
export interface FactorTable {
  /** Even. */
  readonly factors: number;
  readonly outputs: number;
  readonly records: Float64Array;
  /** Output k from k · factors. */
  readonly sums: Float64Array;
}

/** Entries [from, to) are those of a row. */
export interface FactorEntries {
  readonly indices: Uint32Array;
  readonly values: Float64Array | Float32Array;
}

/** How far a step goes, and how strongly each of a coordinate's visits pulls it back. */
export interface FactorSteps {
  /** Step of a weight: rate / √(1 + Σ g²). */
  readonly rate: number;
  /** Step of factors, likewise. */
  readonly factorRate: number;
  /** Precision of the normal prior of a weight and of a factor; a coordinate's n visits pay an n-th each. */
  readonly prior: number;
  readonly factorPrior: number;
}

/** Numbers of a record. */
export function factorRecord(factors: number): number {
  return FACTOR_HEAD + factors;
}

/** Margin of output k, and its sums into `table.sums`. O(entries × factors). */
export function factorMargin(
  table: FactorTable,
  k: number,
  { indices, values }: FactorEntries,
  from: number,
  to: number,
): number {
  const { factors, outputs, records, sums } = table;
  const stride = FACTOR_HEAD + factors;
  const base = k * factors;
  let [linear, own0, own1] = [0, 0, 0];
  for (let f = 0; f < factors; f++) sums[base + f] = 0;
  for (let e = from; e < to; e++) {
    const record = (indices[e] * outputs + k) * stride;
    const x = values[e];
    linear += records[record] * x;
    for (let f = 0; f < factors; f += 2) {
      const a = records[record + FACTOR_HEAD + f] * x;
      const b = records[record + FACTOR_HEAD + f + 1] * x;
      sums[base + f] += a;
      sums[base + f + 1] += b;
      own0 += a * a;
      own1 += b * b;
    }
  }
  let [all0, all1] = [0, 0];
  for (let f = 0; f < factors; f += 2) {
    all0 += sums[base + f] * sums[base + f];
    all1 += sums[base + f + 1] * sums[base + f + 1];
  }
  return linear + 0.5 * (all0 - own0 + (all1 - own1));
}

/**
 * One proximal AdaGrad step on the records of the row's entries, `slope` the derivative of the loss by the margin of
 * output k, whose sums `factorMargin` has just filled. O(entries × factors).
 */
export function factorStep(
  table: FactorTable,
  k: number,
  { indices, values }: FactorEntries,
  from: number,
  to: number,
  slope: number,
  { rate, factorRate, prior, factorPrior }: FactorSteps,
): void {
  const { factors, outputs, records, sums } = table;
  const stride = FACTOR_HEAD + factors;
  const base = k * factors;
  for (let e = from; e < to; e++) {
    const record = (indices[e] * outputs + k) * stride;
    const x = values[e];
    const g = slope * x;
    const visits = records[record + 3];
    const squares = records[record + 1] + g * g;
    const step = rate / Math.sqrt(1 + squares);
    records[record + 1] = squares;
    records[record] = (records[record] - step * g) / (1 + (step * prior) / visits);
    let [t0, t1] = [0, 0];
    for (let f = 0; f < factors; f += 2) {
      const a = g * (sums[base + f] - records[record + FACTOR_HEAD + f] * x);
      const b = g * (sums[base + f + 1] - records[record + FACTOR_HEAD + f + 1] * x);
      t0 += a * a;
      t1 += b * b;
    }
    const total = records[record + 2] + (t0 + t1) / factors;
    const move = factorRate / Math.sqrt(1 + total);
    const keep = 1 / (1 + (move * factorPrior) / visits);
    records[record + 2] = total;
    for (let f = 0; f < factors; f++) {
      const at = record + FACTOR_HEAD + f;
      const v = records[at];
      records[at] = (v - move * (g * (sums[base + f] - v * x))) * keep;
    }
  }
}

/** Sparse rows as kernels read them. */
export interface FactorRows {
  readonly starts: Uint32Array;
  readonly indices: Uint32Array;
  readonly values: Float32Array;
  readonly rows: number;
}

/** A machine of a batch: its records, and of output k an intercept and its Σ g² at 2k, and a centre. */
export interface FactorBatch extends FactorTable {
  readonly intercepts: Float64Array;
  /** Margin that a unit of the machine stands for. */
  readonly scale: number;
  readonly centres: Float64Array;
}

/** Numbers as kernels take them; see kernels/factor.ts. */
export function factorSettings(
  { scale, centres }: Pick<FactorBatch, 'scale' | 'centres'>,
  { rate, factorRate, prior, factorPrior }: FactorSteps,
  slopeScale: number,
): Float64Array {
  return Float64Array.of(rate, factorRate, prior, factorPrior, scale, slopeScale, ...centres);
}

/** Labels, weights and offsets of all rows, and the order in which they are taken. */
export interface FactorLabels {
  readonly order: Uint32Array;
  readonly labels: Float64Array;
  readonly weights: Float64Array;
  readonly offsets: Float64Array;
}

/**
 * One step a row; `row` is the block of a row (kernels/sgd.ts) and `loss` evaluates it.
 * Returns Σ weight · loss of each row before its step.
 */
export function factorPass(
  batch: FactorBatch,
  rows: FactorRows,
  { order, labels, weights, offsets }: FactorLabels,
  steps: FactorSteps,
  slopeScale: number,
  row: Float64Array,
  loss: (label: number, weight: number) => number,
): number {
  const { outputs, intercepts, scale, centres } = batch;
  let total = 0;
  for (let i = 0; i < rows.rows; i++) {
    const r = order[i];
    const [from, to] = [rows.starts[r], rows.starts[r + 1]];
    for (let k = 0; k < outputs; k++) {
      const machine = factorMargin(batch, k, rows, from, to);
      row[2 * k] = offsets[r] + centres[k] + scale * (intercepts[2 * k] + machine);
    }
    total += loss(labels[r], weights[r]);
    for (let k = 0; k < outputs; k++) {
      const slope = row[2 * (outputs + k)] / slopeScale;
      const squares = intercepts[2 * k + 1] + slope * slope;
      intercepts[2 * k + 1] = squares;
      intercepts[2 * k] -= (steps.rate / Math.sqrt(1 + squares)) * slope;
      factorStep(batch, k, rows, from, to, slope, steps);
    }
  }
  return total;
}

/** Margins of all rows, offsets not added: output k of row r at r · outputs + k. */
export function factorMargins(batch: FactorBatch, rows: FactorRows, out: Float64Array): void {
  const { outputs, intercepts, scale, centres } = batch;
  for (let r = 0, at = 0; r < rows.rows; r++) {
    for (let k = 0; k < outputs; k++, at++) {
      const machine = factorMargin(batch, k, rows, rows.starts[r], rows.starts[r + 1]);
      out[at] = centres[k] + scale * (intercepts[2 * k] + machine);
    }
  }
}

/**
 * How alike labels are within levels of a column: what variance components are estimated from. A summary over sparse
 * views, O(rows × entries²). With n_l the rows of level l, which weigh it (Gao & Owen, EJS 11, 2017), and pairs (r, s):
 *     spread of c      Σ_{l∈c} 1/n_l Σ_{r,s} x_rl x_sl ½ (y_r − y_s)²
 *     overlap of c, d  Σ_{l∈c} 1/n_l Σ_{r,s} x_rl x_sl ½ (k_d(r,r) + k_d(s,s) − 2 k_d(r,s)),   k_d(r,s) = Σ_{m∈d} x_rm x_sm
 * Differences of pairs need no mean. Pairs that share levels of both columns, Σ_{l,m} (Σ_r x_rl x_rm)² / n_l, are summed in a table of signed
 * buckets (Alon, Matias & Szegedy 1996): exact while two columns have fewer pairs of levels than buckets, else unbiased
 * with a relative error of about √(2 / buckets). Column 0 is a level that every row has.
 */
import type { Json } from '../../json.ts';
import { decodeParameters } from '../../model/scorer.ts';
import { mix32 } from '../../random.ts';
import type { Summary } from '../../summary/summary.ts';
import { addVector, decodeSums, encodeSums } from '../glm/sum-bytes.ts';
import type { LearnerView } from '../labels.ts';
import { sparse } from './machine.ts';

/** Options of the summary; JSON. */
export interface LikenessOptions {
  readonly outputs: number;
  /** Column of each feature, 1 … columns; 0: of none that is asked about. */
  readonly columnOf: readonly number[];
  readonly columns: number;
}

/** The equations that variance components solve, `spread = overlap × components + noise × variance within`. */
export interface Likeness {
  /** By column, column 0 being all rows. */
  readonly spread: Float64Array;
  /** Row c, column d at `c * (columns + 1) + d`. */
  readonly overlap: Float64Array;
  readonly noise: Float64Array;
}

/** Sums by level: Σ x, Σ x², Σ x |y|², Σ x y of each output; Σ x k_d by column; and the buckets. */
interface LikenessState {
  rows: number;
  readonly levels: Float64Array;
  readonly own: Float64Array;
  readonly buckets: Float64Array;
}

/** Numbers of all tables of buckets together. */
const ROOM = 2 ** 19;

/** Buckets for each ordered pair of columns. */
const bucketsOf = (columns: number) =>
  2 ** Math.max(4, Math.min(14, Math.floor(Math.log2(ROOM / (columns * columns)))));

/** Where features stand within their columns, and how many levels each column has. */
function placesOf({ columnOf, columns }: LikenessOptions): { place: Uint32Array; sizes: Uint32Array } {
  const sizes = new Uint32Array(columns + 1);
  const place = Uint32Array.from(columnOf, (column) => sizes[column]++);
  return { place, sizes };
}

/** Sums of likeness; the parameters are the rows of each feature. */
export function likeness(
  options: Json,
  parameters: Uint8Array,
): Summary<LikenessState, Likeness, LearnerView> {
  const problem = options as unknown as LikenessOptions;
  const { columns, columnOf, outputs } = problem;
  const counts = decodeParameters(parameters);
  const lengths = [
    (columnOf.length + 1) * (3 + outputs),
    (columnOf.length + 1) * columns,
    columns * columns * bucketsOf(columns),
  ];
  return {
    id: `likeness/1 ${outputs} ${columns} ${columnOf.length}`,
    empty: () => {
      const [levels, own, buckets] = lengths.map((length) => new Float64Array(length));
      return { rows: 0, levels, own, buckets };
    },
    observe: adder(problem, counts),
    merge(into, from) {
      into.rows += from.rows;
      addVector(into.levels, from.levels);
      addVector(into.own, from.own);
      addVector(into.buckets, from.buckets);
    },
    read: (state) => equations(problem, counts, state),
    codec: {
      encode: ({ rows, levels, own, buckets }) => encodeSums([rows], [levels, own, buckets]),
      decode(bytes) {
        const { numbers, vectors } = decodeSums(bytes, 1, lengths);
        return { rows: numbers[0], levels: vectors[0], own: vectors[1], buckets: vectors[2] };
      },
    },
  };
}

/** Adds the rows of a view. The last level is the one that every row has. */
function adder(
  problem: LikenessOptions,
  counts: Float64Array,
): (state: LikenessState, view: LearnerView) => void {
  const { columns, columnOf, outputs } = problem;
  const { place, sizes } = placesOf(problem);
  const buckets = bucketsOf(columns);
  const width = 3 + outputs;
  const all = columnOf.length;
  const root = counts.map((count) => (count > 0 ? 1 / Math.sqrt(count) : 0));
  return (state, seen) => {
    const { starts, indices, values, rows, labels } = sparse(seen);
    const norms = new Float64Array(columns + 1);
    const addLevel = (level: number, x: number, y: number) => {
      const at = level * width;
      state.levels[at] += x;
      state.levels[at + 1] += x * x;
      state.levels[at + 2] += outputs === 1 ? x * y * y : x;
      state.levels[at + 3 + (outputs === 1 ? 0 : y)] += outputs === 1 ? x * y : x;
      for (let d = 0; d < columns; d++) state.own[level * columns + d] += x * norms[d + 1];
    };
    const addPair = (j: number, k: number) => {
      const [l, m] = [indices[j], indices[k]];
      const [c, d] = [columnOf[l], columnOf[m]];
      if (d === 0 || l === m) return;
      const table = ((c - 1) * columns + (d - 1)) * buckets;
      const product = values[j] * values[k] * root[l];
      if (sizes[c] * sizes[d] <= buckets) {
        state.buckets[table + place[l] * sizes[d] + place[m]] += product;
        return;
      }
      const hash = mix32(Math.imul(place[l] + 1, 0x9e3779b1) ^ mix32(place[m] + 0x7f4a7c15));
      state.buckets[table + ((hash >>> 1) & (buckets - 1))] += (hash & 1) === 0 ? product : -product;
    };
    for (let row = 0; row < rows; row++) {
      const [from, to] = [starts[row], starts[row + 1]];
      norms.fill(0);
      for (let j = from; j < to; j++) norms[columnOf[indices[j]]] += values[j] * values[j];
      state.rows++;
      addLevel(all, 1, labels[row]);
      for (let j = from; j < to; j++) {
        if (columnOf[indices[j]] === 0) continue;
        addLevel(indices[j], values[j], labels[row]);
        for (let k = from; k < to; k++) addPair(j, k);
      }
    }
  };
}

/** The equations; O(features × columns + buckets). */
function equations(problem: LikenessOptions, counts: Float64Array, state: LikenessState): Likeness {
  const { columns, columnOf, outputs } = problem;
  const side = columns + 1;
  const spread = new Float64Array(side);
  const noise = new Float64Array(side);
  const overlap = new Float64Array(side * side);
  const width = 3 + outputs;
  for (let level = 0; level <= columnOf.length; level++) {
    const c = level < columnOf.length ? columnOf[level] : 0;
    const rows = level < columnOf.length ? counts[level] : state.rows;
    if (rows === 0 || (c === 0 && level < columnOf.length)) continue;
    const [sum, squares, labelSquares] = state.levels.subarray(level * width, level * width + 3);
    const sums = state.levels.subarray(level * width + 3, (level + 1) * width);
    spread[c] += (sum * labelSquares - sums.reduce((total, x) => total + x * x, 0)) / rows;
    noise[c] += (sum * sum - squares) / rows;
    for (let d = 1; d <= columns; d++) {
      overlap[c * side + d] += (sum * state.own[level * columns + d - 1]) / rows;
    }
    if (c > 0) overlap[c * side + c] -= (squares * squares) / rows;
    // Of all rows, the pairs that share a level of column c.
    if (c > 0) overlap[c] -= (sum * sum) / state.rows;
  }
  const buckets = bucketsOf(columns);
  for (let at = 0; at < state.buckets.length; at++) {
    const pair = Math.floor(at / buckets);
    const [c, d] = [Math.floor(pair / columns) + 1, (pair % columns) + 1];
    overlap[c * side + d] -= state.buckets[at] * state.buckets[at];
  }
  return { spread, overlap, noise };
}

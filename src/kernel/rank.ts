/**
 * The pairs of a query that LambdaMART's forces come from (see src/loss/lambdarank.ts): kernels/rank.ts or the twin
 * here, which gives the same bits. Sums over pairs of a row are kept in two lanes, as the kernel has them.
 */
import { expUnit } from './elementary.ts';
import { type KernelRun, runKernels } from './mode.ts';

/** Rows of a query by score, highest first. */
export interface RankedRows {
  readonly scores: Float64Array;
  /** Gains of the rows, so that the best DCG is 1. */
  readonly gains: Float64Array;
  /** Discounts of the places. */
  readonly discounts: Float64Array;
}

/** What pairs add up to, by row. */
export interface Forces {
  readonly residuals: Float64Array;
  readonly curvatures: Float64Array;
  /** Of both pulls of every pair. */
  readonly total: number;
}

/**
 * Forces of every pair whose first row is among the `places` highest: the change of DCG that swapping would make, divided by
 * `offset` + the distance of scores (where not all scores are equal), times the chance that the pair stands wrong.
 * Arrays are valid during `use`. O(places × rows): 5 ns a pair.
 */
export function withForces<T>(
  rows: RankedRows,
  places: number,
  offset: number,
  use: (forces: Forces) => T,
): T {
  return runKernels((run) => use(forcesOf(run, rows, places, offset)));
}

function forcesOf(run: KernelRun, rows: RankedRows, places: number, offset: number): Forces {
  const { wasm } = run;
  const count = rows.scores.length;
  const flat = rows.scores[0] === rows.scores[count - 1];
  const room = () => run.zeros(Float64Array, count + 2);
  const [residuals, curvatures] = [room(), room()];
  if (wasm === undefined) {
    return { residuals, curvatures, total: plainPairs(rows, places, offset, flat, residuals, curvatures) };
  }
  const placed = (values: Float64Array) => {
    const array = room();
    array.set(values);
    return array.byteOffset;
  };
  const total = wasm.rankPairs(
    placed(rows.scores),
    placed(rows.gains),
    placed(rows.discounts),
    count,
    places,
    offset,
    flat ? 1 : 0,
    residuals.byteOffset,
    curvatures.byteOffset,
  );
  return { residuals, curvatures, total };
}

function plainPairs(
  { scores, gains, discounts }: RankedRows,
  places: number,
  offset: number,
  flat: boolean,
  residuals: Float64Array,
  curvatures: Float64Array,
): number {
  const count = scores.length;
  const total = [0, 0];
  for (let i = 0; i < Math.min(count - 1, places); i++) {
    const pulled = [0, 0];
    const bent = [0, 0];
    for (let j = i + 1; j < count; j++) {
      const lane = (j - i - 1) & 1;
      const worth = gains[i] - gains[j];
      const distance = scores[i] - scores[j];
      const change = Math.abs(worth) * (discounts[i] - discounts[j]);
      const force = flat ? change : change / (offset + distance);
      const e = expUnit(-distance);
      const inverse = 1 / (1 + e);
      const share = worth > 0 ? e * inverse : inverse;
      const pull = share * force;
      const bend = share * (1 - share) * force;
      const signed = worth < 0 ? -pull : pull;
      pulled[lane] += signed;
      bent[lane] += bend;
      total[lane] += pull;
      residuals[j] += signed;
      curvatures[j] += bend;
    }
    residuals[i] -= pulled[0] + pulled[1];
    curvatures[i] += bent[0] + bent[1];
  }
  return 2 * (total[0] + total[1]);
}

/**
 * Gradients of whole queries, for losses of rankings: what slopes.ts evaluates by blocks of rows comes from one pass over
 * the queries of the view. The loss that is watched is 1 − NDCG@10, a mean over queries with a relevant row: weights of
 * rows are shares of their query, so that sums of weights are numbers of queries.
 */
import type { KernelRun } from '../../kernel/mode.ts';
import { addLambdas, ndcg, ranked, WATCHED_PLACES } from '../../loss/lambdarank.ts';
import { checkLabels, type Loss } from '../../loss/loss.ts';
import type { EvaluatedRows } from './view.ts';

/** Rows of all queries of a view. */
interface QueryPass {
  readonly residuals: Float64Array;
  readonly curvatures: Float64Array;
  readonly weights: Float64Array;
  readonly losses: Float64Array;
}

/** One pass over the queries at the margins of the view. */
function queryPass({ rows, margins, labels, weights: given, groups }: EvaluatedRows, loss: Loss): QueryPass {
  checkLabels(loss, labels, 1);
  const starts = groups ?? Uint32Array.of(0, rows);
  const residuals = new Float64Array(rows);
  const curvatures = new Float64Array(rows);
  const weights = new Float64Array(rows);
  const losses = new Float64Array(rows);
  for (let q = 0; q + 1 < starts.length; q++) {
    const [from, to] = [starts[q], starts[q + 1]];
    const scores = margins.subarray(from, to);
    const own = labels.subarray(from, to);
    const order = ranked(scores);
    addLambdas(scores, own, residuals.subarray(from, to), curvatures.subarray(from, to), order);
    const reached = ndcg(scores, own, WATCHED_PLACES, order);
    for (let row = from; row < to; row++) {
      const weight = given === undefined ? 1 : given[row];
      residuals[row] *= weight;
      curvatures[row] *= weight;
      if (reached === undefined) continue;
      weights[row] = weight / (to - from);
      losses[row] = weights[row] * (1 - reached);
    }
  }
  return { residuals, curvatures, weights, losses };
}

/** An evaluator of queries, as slopes.ts wants one: planes of `stride` rows at a time. */
export function queryEvaluator(run: KernelRun, view: EvaluatedRows, loss: Loss, stride: number) {
  const pass = queryPass(view, loss);
  const residuals = run.zeros(Float64Array, stride);
  const curvatures = run.zeros(Float64Array, stride);
  const weights = run.zeros(Float64Array, stride);
  const { kept } = view;
  return {
    stride,
    residuals,
    curvatures,
    weights,
    evaluate(start: number, count: number): number {
      residuals.set(pass.residuals.subarray(start, start + count));
      curvatures.set(pass.curvatures.subarray(start, start + count));
      weights.set(pass.weights.subarray(start, start + count));
      let sum = 0;
      for (let r = 0; r < count; r++) {
        if (kept !== undefined && kept[start + r] === 0) residuals[r] = curvatures[r] = weights[r] = 0;
        else sum += pass.losses[start + r];
      }
      return sum;
    },
    evaluateList(list: Uint32Array): number {
      let sum = 0;
      list.forEach((row, i) => {
        weights[i] = pass.weights[row];
        sum += pass.losses[row];
      });
      return sum;
    },
  };
}

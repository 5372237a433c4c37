/**
 * Margins of a generalised linear model: margin = x · coefficients + intercept + offset, in f64.
 * Parameters are output-major: coefficient f of output k at k (features + 1) + f, its intercept after the features.
 */
import { SoraError } from '../errors.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import { type FeatureBlocks, featureBlocks, planeStride } from './features.ts';
import { runKernels } from './mode.ts';

/** Margins of all rows, row-major: output k of row r at r · outputs + k. O(rows × features × outputs). */
export function predictMargins(
  view: DenseView | CsrView,
  parameters: Float64Array,
  outputs: number,
): Float64Array {
  checkParameters(view, parameters, outputs);
  const result = new Float64Array(view.rows * outputs);
  runKernels((run) => {
    const blocks = featureBlocks(run, view);
    const placed = run.place(parameters);
    const stride = planeStride(blocks.blockRows);
    const margins = run.zeros(Float64Array, outputs * stride);
    for (let start = 0; start < view.rows; start += blocks.blockRows) {
      const rows = Math.min(blocks.blockRows, view.rows - start);
      blocks.move(start, rows);
      blockMargins(blocks, view, start, rows, placed, outputs, margins);
      for (let k = 0; k < outputs; k++) {
        const plane = k * stride;
        for (let r = 0; r < rows; r++) result[(start + r) * outputs + k] = margins[plane + r];
      }
    }
  });
  return result;
}

/** Margins of the current block, output k from k · {@link planeStride}; `parameters` and `margins` are the run's. */
export function blockMargins(
  blocks: FeatureBlocks,
  view: DenseView | CsrView,
  start: number,
  rows: number,
  parameters: Float64Array,
  outputs: number,
  margins: Float64Array,
): void {
  const { features, offsets } = view;
  const width = features + 1;
  for (let k = 0; k < outputs; k++) {
    const plane = k * planeStride(blocks.blockRows);
    const intercept = parameters[k * width + features];
    margins.fill(intercept, plane, plane + blocks.blockRows);
    if (offsets) for (let r = 0; r < rows; r++) margins[plane + r] += offsets[start + r];
    blocks.addMargins(parameters, k * width, margins, plane);
  }
}

/** Throws `internal` unless there are outputs × (features + 1) parameters. */
export function checkParameters(view: DenseView | CsrView, parameters: Float64Array, outputs: number): void {
  const expected = outputs * (view.features + 1);
  if (parameters.length !== expected) {
    throw new SoraError(
      'internal',
      `${outputs} output(s) of ${view.features} features take ${expected} parameters, not ${parameters.length}.`,
    );
  }
}

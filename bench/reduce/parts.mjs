/**
 * What bench/reduce.mjs reduces with: a dense view of all features, and the gradient of logistic regression over it.
 * Kernels are those of the package; the learner's own summary adds losses and curvature to the same products.
 */
import { sigmoid } from '../../dist/kernel/elementary.js';
import { featureBlocks } from '../../dist/kernel/features.js';
import { runKernels } from '../../dist/kernel/mode.js';

/** All number columns but the last as f32, the last as label. */
export function denseView() {
  return { id: 'bench-dense/1', kept: true, derive };
}

function derive({ rows, columns }) {
  const features = columns.length - 1;
  const stride = (rows + 3) & ~3;
  const values = new Float32Array(features * stride);
  for (let f = 0; f < features; f++) values.set(columns[f].values, f * stride);
  return { kind: 'dense', rows, features, stride, values, labels: Float64Array.from(columns[features].values) };
}

/** Σ (sigmoid(margin) − label) · x. Parameters: f64 coefficients, intercept last. */
export function gradient({ features }, parameters) {
  const width = features + 1;
  const at = parameters && new Float64Array(parameters.slice().buffer);
  return {
    id: `bench-gradient/1 ${features}`,
    empty: () => new Float64Array(width),
    observe: (state, view) => observe(state, view, at, width),
    merge(into, from) {
      for (let f = 0; f < width; f++) into[f] += from[f];
    },
    read: (state) => state,
    codec: {
      encode: (state) => new Uint8Array(state.slice().buffer),
      decode: (bytes) => new Float64Array(bytes.slice().buffer),
    },
  };
}

function observe(state, view, parameters, width) {
  runKernels((run) => {
    const blocks = featureBlocks(run, view);
    const coefficients = run.place(parameters);
    const margins = run.zeros(Float64Array, blocks.blockRows);
    const sums = run.zeros(Float64Array, width);
    for (let start = 0; start < view.rows; start += blocks.blockRows) {
      const rows = Math.min(blocks.blockRows, view.rows - start);
      blocks.move(start, rows);
      margins.fill(parameters[width - 1]);
      blocks.addMargins(coefficients, 0, margins, 0);
      for (let r = 0; r < rows; r++) margins[r] = sigmoid(margins[r]) - view.labels[start + r];
      margins.fill(0, rows);
      blocks.addGradient(margins, 0, sums, 0);
    }
    for (let f = 0; f < width; f++) state[f] += sums[f];
  });
}

/** A summary that costs nothing, to measure what a round costs. */
export function nothing() {
  return {
    id: 'bench-nothing/1',
    empty: () => ({ rows: 0 }),
    observe(state, view) {
      state.rows += view.rows;
    },
    merge(into, from) {
      into.rows += from.rows;
    },
    read: (state) => state.rows,
    codec: {
      encode: (state) => new Uint8Array(new Float64Array([state.rows]).buffer),
      decode: (bytes) => ({ rows: new Float64Array(bytes.slice().buffer)[0] }),
    },
  };
}

/** What bench/reduce.mjs reduces with besides the learner's gradient: a dense view of all features, and nothing. */

/** All number columns but the last as f32, the last as label. */
export function denseView() {
  return { id: 'bench-dense/1', kept: true, derive };
}

function derive({ rows, columns }) {
  const features = columns.length - 1;
  const stride = (rows + 3) & ~3;
  const values = new Float32Array(features * stride);
  for (let f = 0; f < features; f++) values.set(columns[f].values, f * stride);
  return {
    kind: 'dense',
    rows,
    features,
    stride,
    values,
    labels: Float64Array.from(columns[features].values),
  };
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

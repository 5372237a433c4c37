/**
 * Sora's side of the SHAP benchmark, a process of its own: FOLDER ROWS features|pairs. Prints one JSON line.
 * Explains LightGBM's trees; the clock runs over preparing them and explaining, on one thread and arrays in memory.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { forestExplainer } from '../../dist/explain/shap/attribute.js';

const [folder, rowCount, kind] = process.argv.slice(2);
const rows = Number(rowCount);
const FEATURES = 28;

/** LightGBM's trees as a forest; nodes breadth first, covers as it counts them. */
function forestOf(trees) {
  const nodes = [];
  const starts = [0];
  for (const { tree_structure: root } of trees) {
    const queue = [root];
    for (let i = 0; i < queue.length; i++) {
      const node = queue[i];
      nodes.push({ ...node, left: queue.length });
      if (node.split_feature !== undefined) queue.push(node.left_child, node.right_child);
    }
    starts.push(nodes.length);
  }
  return {
    outputs: 1,
    features: FEATURES,
    base: new Float64Array(1),
    starts: Uint32Array.from(starts),
    treeOutputs: new Uint32Array(trees.length),
    nodeFeatures: Int32Array.from(nodes, ({ split_feature }) => split_feature ?? -1),
    lefts: Uint32Array.from(nodes, ({ left }) => left),
    thresholds: Float64Array.from(nodes, ({ threshold }) => threshold ?? 0),
    flags: Uint8Array.from(nodes, ({ default_left }) => (default_left ? 1 : 0)),
    leafValues: Float64Array.from(nodes, ({ leaf_value }) => leaf_value ?? 0),
    gains: new Float64Array(nodes.length),
    covers: Float64Array.from(nodes, ({ internal_count, leaf_count }) => internal_count ?? leaf_count),
    sets: new Uint32Array(0),
  };
}

function numbers(name, type) {
  const bytes = readFileSync(join(folder, name));
  return new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** Largest difference from LightGBM's values of the same trees. */
function apart(values, expected, wanted) {
  let worst = 0;
  for (let row = 0; row < rows; row++) {
    for (let f = 0; f < FEATURES; f++) {
      worst = Math.max(worst, Math.abs(values[f * rows + row] - wanted[row * (FEATURES + 1) + f]));
    }
    worst = Math.max(worst, Math.abs(expected[0] - wanted[row * (FEATURES + 1) + FEATURES]));
  }
  return worst;
}

const forest = forestOf(JSON.parse(readFileSync(join(folder, 'lightgbm.json'), 'utf8')));
const byRow = numbers('rows.f32', Float32Array);
const stride = Math.ceil(rows / 4) * 4;
const columns = new Float32Array(stride * FEATURES);
for (let row = 0; row < rows; row++) {
  for (let f = 0; f < FEATURES; f++) columns[f * stride + row] = byRow[row * FEATURES + f];
}
const view = {
  kind: 'dense',
  rows,
  features: FEATURES,
  stride,
  values: columns,
  labels: new Float64Array(rows),
};
const start = performance.now();
const cpu = process.cpuUsage();
const explainer = forestExplainer(forest);
const values = explainer.attribute(view, kind);
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    peer: 'Sora',
    seconds,
    cpuSeconds: (user + system) / 1e6,
    ...(kind === 'features'
      ? { apart: apart(values, explainer.expected, numbers('lightgbm.f64', Float64Array)) }
      : {}),
  }),
);

/** Two forests as one: the margins of a row are those of the first and what the trees of the second add. */
import { SoraError } from '../errors.ts';
import { CATEGORICAL, type Forest } from './forest.ts';

/** The trees of both, in this order, over the base of the first. Throws `bad-option` where they differ in shape. */
export function joinForests(first: Forest, second: Forest): Forest {
  checkSameShape(first, second);
  const nodes = first.starts[first.starts.length - 1];
  const words = first.sets.length;
  const shifted = second.thresholds.map((threshold, node) =>
    (second.flags[node] & CATEGORICAL) === 0 ? threshold : threshold + words,
  );
  return {
    outputs: first.outputs,
    features: first.features,
    base: first.base,
    starts: Uint32Array.from([
      ...first.starts.subarray(0, -1),
      ...second.starts.map((start) => start + nodes),
    ]),
    treeOutputs: Uint32Array.from([...first.treeOutputs, ...second.treeOutputs]),
    nodeFeatures: Int32Array.from([...first.nodeFeatures, ...second.nodeFeatures]),
    lefts: Uint32Array.from([...first.lefts, ...second.lefts]),
    thresholds: Float64Array.from([...first.thresholds, ...shifted]),
    flags: Uint8Array.from([...first.flags, ...second.flags]),
    leafValues: Float64Array.from([...first.leafValues, ...second.leafValues]),
    gains: Float64Array.from([...first.gains, ...second.gains]),
    covers: Float64Array.from([...first.covers, ...second.covers]),
    sets: Uint32Array.from([...first.sets, ...second.sets]),
  };
}

function checkSameShape(first: Forest, second: Forest): void {
  for (const key of ['outputs', 'features'] as const) {
    if (first[key] === second[key]) continue;
    throw new SoraError(
      'bad-option',
      `The forest to go on from has ${first[key]} ${key}, and the data ${second[key]}: they must be the same.`,
      { details: { option: 'from', [key]: first[key] } },
    );
  }
}

/**
 * SHAP values and interactions of the peers' own trees, against the shap package and LightGBM: fixtures/adult.json, made by
 * scripts/goldens/shap-values.py. Tolerance 1e-9: both add up f64 in another order; interactions are kept to 12 digits.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { setOf } from '../../../test/forests.ts';
import { CATEGORICAL, type Forest, MISSING_LEFT } from '../../model/forest.ts';
import type { DenseView } from '../../particle/view.ts';
import { forestExplainer } from './attribute.ts';
import { interactionMatrix } from './interactions.ts';
import { pairCount, pairIndex } from './pairs.ts';

interface Node {
  readonly feature: number;
  readonly left: number;
  readonly threshold?: number;
  readonly set?: readonly number[];
  readonly missing: number;
  readonly value: number;
  readonly cover: number;
}

interface Case {
  /** Trees by output, nodes breadth first. */
  readonly trees: readonly (readonly (readonly Node[])[])[];
  readonly rows: readonly (readonly (number | null)[])[];
  readonly outputs: readonly {
    readonly expected: number;
    readonly values: readonly (readonly number[])[];
    readonly interactions?: readonly (readonly (readonly number[])[])[];
  }[];
}

const { cases } = JSON.parse(readFileSync(new URL('./fixtures/adult.json', import.meta.url), 'utf8')) as {
  cases: Record<string, Case>;
};

function forestOf({ trees, rows }: Case): Forest {
  const all = trees.flat();
  const nodes = all.flat();
  const sets: number[] = [];
  const thresholds = nodes.map(({ threshold, set }) => {
    if (set === undefined) return threshold ?? 0;
    sets.push(...setOf(set));
    return sets.length - 8;
  });
  const starts = [0];
  for (const tree of all) starts.push(starts[starts.length - 1] + tree.length);
  return {
    outputs: trees.length,
    features: rows[0].length,
    base: new Float64Array(trees.length),
    starts: Uint32Array.from(starts),
    treeOutputs: Uint32Array.from(trees.flatMap((list, output) => list.map(() => output))),
    nodeFeatures: Int32Array.from(nodes, ({ feature }) => feature),
    lefts: Uint32Array.from(nodes, ({ left }) => left),
    thresholds: Float64Array.from(thresholds),
    flags: Uint8Array.from(
      nodes,
      ({ missing, set }) => (missing ? MISSING_LEFT : 0) | (set ? CATEGORICAL : 0),
    ),
    leafValues: Float64Array.from(nodes, ({ value }) => value),
    gains: new Float64Array(nodes.length),
    covers: Float64Array.from(nodes, ({ cover }) => cover),
    sets: Uint32Array.from(sets),
  };
}

function viewOf({ rows }: Case): DenseView {
  const features = rows[0].length;
  const values = new Float32Array(rows.length * features);
  rows.forEach((row, r) => {
    row.forEach((value, f) => {
      values[f * rows.length + r] = value ?? Number.NaN;
    });
  });
  const labels = new Float64Array(rows.length);
  return { kind: 'dense', rows: rows.length, features, stride: rows.length, values, labels };
}

describe.each(Object.entries(cases))('%s', (_name, one) => {
  const { outputs, rows } = one;
  const features = rows[0].length;
  const explainer = forestExplainer(forestOf(one));
  const view = viewOf(one);

  it('has the values of the peer', () => {
    const values = explainer.attribute(view, 'features');
    let [largest, worst] = [0, 0];
    outputs.forEach((output, k) => {
      expect(explainer.expected[k]).toBeCloseTo(output.expected, 9);
      rows.forEach((_, r) => {
        for (let f = 0; f < features; f++) {
          const wanted = output.values[r][f];
          largest = Math.max(largest, Math.abs(wanted));
          worst = Math.max(worst, Math.abs(values[(k * features + f) * rows.length + r] - wanted));
        }
      });
    });
    expect(largest).toBeGreaterThan(0.1);
    expect(worst).toBeLessThan(1e-9);
  });

  if (outputs[0].interactions === undefined) return;
  it('has the interactions of the peer', () => {
    const values = explainer.attribute(view, 'features');
    const pairs = explainer.attribute(view, 'pairs');
    let worst = 0;
    outputs.forEach((output, k) => {
      rows.forEach((_, r) => {
        const matrix = interactionMatrix(explainer, values, pairs, rows.length, r, k);
        for (let i = 0; i < features; i++) {
          let sum = 0;
          for (let j = 0; j < features; j++) {
            sum += matrix[i * features + j];
            worst = Math.max(worst, Math.abs(matrix[i * features + j] - output.interactions![r][i][j]));
          }
          expect(sum).toBeCloseTo(output.values[r][i], 9);
        }
        const at = (k * pairCount(features) + pairIndex(1, 3, features)) * rows.length + r;
        expect(matrix[features + 3]).toBe(pairs[at]);
        expect(matrix[3 * features + 1]).toBe(pairs[at]);
      });
    });
    expect(worst).toBeLessThan(1e-9);
  });
});

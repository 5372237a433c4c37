/** SHAP values and interactions: against their definition, against Algorithm 2, and the two kernel paths bit by bit. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { arbitraryTree, forestOf, type Tree } from '../../../test/forests.ts';
import { shapleyInteraction, shapleyValues, treeShap } from '../../../test/tree-shap.ts';
import { kernelRuns, setKernelMode } from '../../kernel/mode.ts';
import type { Forest } from '../../model/forest.ts';
import { forestMargins } from '../../model/forest-predict.ts';
import type { DenseView } from '../../particle/view.ts';
import { randomUniform } from '../../random.ts';
import { forestExplainer } from './attribute.ts';
import { type Kind, pairCount, pairIndex } from './pairs.ts';

afterEach(() => setKernelMode('wasm'));

const FEATURES = 5;

function viewOf(rows: readonly (readonly number[])[], features = FEATURES): DenseView {
  const stride = Math.ceil(rows.length / 4) * 4;
  const values = new Float32Array(stride * features);
  rows.forEach((row, r) => {
    for (let f = 0; f < features; f++) values[f * stride + r] = row[f];
  });
  return {
    kind: 'dense',
    rows: rows.length,
    features,
    stride,
    values,
    labels: new Float64Array(rows.length),
  };
}

/** Covers by chance; some of 0. */
function covered(forest: Forest, seed: number, least = 0): Forest {
  const covers = forest.covers.map((_, node) => {
    const u = randomUniform(seed, 1, node);
    return least === 0 && u < 0.1 ? 0 : least + u;
  });
  return { ...forest, covers };
}

const cell = fc.oneof(
  fc.integer({ min: -4, max: 4 }).map((x) => x / 2),
  fc.nat(255),
  fc.constantFrom(Number.NaN, 256, -1, 0.5, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const someRows = fc.array(fc.array(cell, { minLength: FEATURES, maxLength: FEATURES }), {
  minLength: 1,
  maxLength: 9,
});
const someForest = fc
  .tuple(fc.array(arbitraryTree(FEATURES), { minLength: 1, maxLength: 4 }), fc.nat(1000))
  .map(([trees, seed]) =>
    covered(
      forestOf(trees, {
        features: FEATURES,
        outputs: 2,
        base: [0.5, -1],
        treeOutputs: trees.map((_, t) => t % 2),
      }),
      seed,
    ),
  );

/** A tree of so many leaves, each split by chance. */
function grown(leaves: number, features: number, seed: number): Tree {
  const u = (purpose: number): number => randomUniform(seed, purpose, leaves);
  if (leaves <= 1) return 2 * u(0) - 1;
  const left = 1 + Math.floor(u(1) * (leaves - 1));
  const missingLeft = u(4) < 0.5;
  const halves = {
    left: grown(left, features, 3 * seed + 1),
    right: grown(leaves - left, features, 3 * seed + 2),
  };
  return { feature: Math.floor(u(2) * features), at: 2 * u(3) - 1, missingLeft, ...halves };
}

function randomRows(count: number, features: number): number[][] {
  return Array.from({ length: count }, (_, r) =>
    Array.from({ length: features }, (_, f) =>
      randomUniform(7, r, f) < 0.1 ? Number.NaN : 2 * randomUniform(8, r, f) - 1,
    ),
  );
}

function bothPaths(forest: Forest, view: DenseView, kind: Kind): Float64Array {
  const before = kernelRuns();
  setKernelMode('plain');
  const plain = forestExplainer(forest).attribute(view, kind);
  setKernelMode('wasm');
  const wasm = forestExplainer(forest).attribute(view, kind);
  const after = kernelRuns();
  expect(after.plain).toBeGreaterThan(before.plain);
  expect(after.wasm).toBeGreaterThan(before.wasm);
  expect(new BigUint64Array(wasm.buffer)).toEqual(new BigUint64Array(plain.buffer));
  return wasm;
}

const column = (values: Float64Array, index: number, row: number, rows: number): number =>
  values[index * rows + row];

describe('SHAP values', () => {
  it('are those of the definition, on both kernel paths', () => {
    fc.assert(
      fc.property(someForest, someRows, (forest, rows) => {
        const values = bothPaths(forest, viewOf(rows), 'features');
        rows.forEach((row, r) => {
          const wanted = shapleyValues(forest, Array.from(row, Math.fround));
          wanted.forEach((value, i) => {
            expect(column(values, i, r, rows.length)).toBeCloseTo(value, 10);
          });
        });
      }),
      { numRuns: 60 },
    );
  });

  it('are those of Algorithm 2 on larger trees, from tables and row by row alike', () => {
    const trees = [1, 2, 3].map((seed) => grown(40, 12, seed));
    const forest = covered(forestOf(trees, { features: 12, base: [0.25] }), 3, 0.1);
    const rows = randomRows(1100, 12);
    const many = bothPaths(forest, viewOf(rows, 12), 'features');
    for (const r of [0, 1, 511, 512, 1099]) {
      const wanted = treeShap(forest, Array.from(rows[r], Math.fround));
      const alone = forestExplainer(forest).attribute(viewOf([rows[r]], 12), 'features');
      for (let f = 0; f < 12; f++) {
        expect(column(many, f, r, rows.length)).toBeCloseTo(wanted[f], 10);
        expect(alone[f]).toBe(column(many, f, r, rows.length));
      }
    }
  });

  it('of leaves too deep for a table are those of Algorithm 2, alone and among others', () => {
    const features = 16;
    let chain: Tree = 1;
    for (let f = 0; f < features; f++) {
      chain = { feature: f, at: 0.4, missingLeft: f % 2 === 0, left: chain, right: grown(2, features, f) };
    }
    const forest = covered(forestOf([chain, grown(20, features, 9)], { features }), 6, 0.1);
    const rows = randomRows(1030, features);
    const many = bothPaths(forest, viewOf(rows, features), 'features');
    const pairs = bothPaths(forest, viewOf(rows, features), 'pairs');
    const explainer = forestExplainer(forest);
    for (const r of [0, 77, 1029]) {
      const wanted = treeShap(forest, Array.from(rows[r], Math.fround));
      const view = viewOf([rows[r]], features);
      const [alone, own] = [explainer.attribute(view, 'features'), explainer.attribute(view, 'pairs')];
      for (let f = 0; f < features; f++) {
        expect(column(many, f, r, rows.length)).toBeCloseTo(wanted[f], 9);
        expect(alone[f]).toBe(column(many, f, r, rows.length));
      }
      own.forEach((value, pair) => {
        expect(value).toBe(column(pairs, pair, r, rows.length));
      });
    }
  });

  it('add up to the margin with what is expected of a row of which nothing is known', () => {
    const forest = covered(
      forestOf([grown(63, 8, 5), grown(9, 8, 6), grown(30, 8, 7)], {
        features: 8,
        outputs: 2,
        base: [1, -2],
        treeOutputs: [0, 1, 1],
      }),
      4,
    );
    const view = viewOf(randomRows(700, 8), 8);
    const { expected, attribute } = forestExplainer(forest);
    const values = attribute(view, 'features');
    const margins = forestMargins(forest, view);
    for (let r = 0; r < view.rows; r++) {
      for (let k = 0; k < 2; k++) {
        let sum = expected[k];
        for (let f = 0; f < 8; f++) sum += column(values, k * 8 + f, r, view.rows);
        expect(Math.abs(sum - margins[2 * r + k])).toBeLessThan(1e-12);
      }
    }
  });

  it('reach along paths of more features than a pattern has bits', () => {
    const features = 45;
    let tree: Tree = 1;
    for (let f = features - 1; f >= 0; f--) tree = { feature: f, at: 0.5, left: tree, right: f / 10 };
    const forest = covered(forestOf([tree], { features }), 5, 2);
    const rows = randomRows(6, features).map((row) => row.map((x) => (x > 0.9 ? 1 : 0)));
    rows.push(new Array(features).fill(0));
    const view = viewOf(rows, features);
    const values = bothPaths(forest, view, 'features');
    const { expected } = forestExplainer(forest);
    const margins = forestMargins(forest, view);
    rows.forEach((row, r) => {
      const wanted = treeShap(forest, row);
      let sum = expected[0];
      for (let f = 0; f < features; f++) {
        sum += column(values, f, r, rows.length);
        expect(column(values, f, r, rows.length)).toBeCloseTo(wanted[f], 6);
      }
      expect(sum).toBeCloseTo(margins[r], 10);
    });
    expect(bothPaths(forest, view, 'pairs').some((value) => value !== 0)).toBe(true);
  });

  it('of no trees, of a leaf alone and of no rows', () => {
    const none = forestExplainer(forestOf([], { features: 2, base: [3] }));
    expect(none.expected).toEqual(Float64Array.of(3));
    expect(none.attribute(viewOf([[1, 2]], 2), 'features')).toEqual(new Float64Array(2));
    const leaf = forestExplainer(forestOf([4], { features: 2, base: [3] }));
    expect(leaf.expected).toEqual(Float64Array.of(7));
    expect(leaf.attribute(viewOf([[1, 2]], 2), 'pairs')).toEqual(new Float64Array(1));
    expect(leaf.attribute(viewOf([], 2), 'features')).toEqual(new Float64Array(0));
  });
});

describe('interaction values', () => {
  it('are those of the definition, on both kernel paths', () => {
    const pairs = pairCount(FEATURES);
    fc.assert(
      fc.property(someForest, someRows, (forest, rows) => {
        const values = bothPaths(forest, viewOf(rows), 'pairs');
        rows.slice(0, 2).forEach((row, r) => {
          const exact = Array.from(row, Math.fround);
          for (let k = 0; k < 2; k++) {
            for (let i = 0; i < FEATURES; i++) {
              for (let j = i + 1; j < FEATURES; j++) {
                const found = column(values, k * pairs + pairIndex(i, j, FEATURES), r, rows.length);
                expect(found).toBeCloseTo(shapleyInteraction(forest, exact, k, i, j), 10);
              }
            }
          }
        });
      }),
      { numRuns: 25 },
    );
  });
});

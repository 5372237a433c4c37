/** Forests: prediction against a recursive walk, for views and for single rows, and what damaged arrays are told. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryTree, forestOf, leafValue, type Tree } from '../../test/forests.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import type { Forest } from './forest.ts';
import { forestMargins, forestRow } from './forest-predict.ts';
import { decodeForest, encodeForest, forestFromTensors, forestTensors } from './forest-tensors.ts';
import type { Tensors } from './safetensors.ts';
import { encodeParameters, scorer } from './scorer.ts';

/** A dense view of rows, padded as views are; padding is NaN so that a walk into it would show. */
function viewOf(rows: readonly (readonly number[])[], features: number, offsets?: Float64Array): DenseView {
  const stride = (rows.length + 3) & ~3;
  const values = new Float32Array(features * stride).fill(Number.NaN);
  for (const [r, row] of rows.entries()) for (const [f, x] of row.entries()) values[f * stride + r] = x;
  const labels = new Float64Array(rows.length);
  return { kind: 'dense', rows: rows.length, features, stride, values, labels, offsets };
}

const NAN = Number.NaN;

describe('margins', () => {
  it('are base, offset and leaves in order, the same bits for a view and for a row', () => {
    const features = 4;
    const cell = fc.oneof(
      fc.constantFrom(NAN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1, 0.5, 255, 256, 300, 1e30),
      fc.integer({ min: -4, max: 4 }).map((x) => x / 2),
      fc.nat(255),
    );
    const row = fc.array(cell, { minLength: features, maxLength: features });
    const property = fc.property(
      fc.array(fc.tuple(arbitraryTree(features), fc.nat(2)), { maxLength: 12 }),
      fc.array(fc.tuple(row, fc.double({ noNaN: true, min: -5, max: 5 })), { maxLength: 20 }),
      fc.boolean(),
      (trees, rows, withOffsets) => {
        const base = [0.1, -2, 3];
        const forest = forestOf(
          trees.map(([tree]) => tree),
          { features, outputs: 3, base, treeOutputs: trees.map(([, k]) => k) },
        );
        const offsets = withOffsets ? Float64Array.from(rows, ([, offset]) => offset) : undefined;
        const view = viewOf(
          rows.map(([cells]) => cells),
          features,
          offsets,
        );
        const margins = forestMargins(forest, view);
        const single = new Float64Array(3);
        rows.forEach(([cells, offset], r) => {
          const expected = base.map((own) => own + (withOffsets ? offset : 0));
          for (const [tree, k] of trees) expected[k] += leafValue(tree, cells);
          expect(Array.from(margins.subarray(3 * r, 3 * r + 3))).toEqual(expected);
          forestRow(forest, Float32Array.from(cells), single, withOffsets ? offset : 0);
          expect(Array.from(single)).toEqual(expected);
        });
        expect(decodeForest(encodeForest(forest), forest)).toEqual(forest);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  it('do not depend on where a row lies among thousands', () => {
    const tree: Tree = { feature: 0, at: 500, left: 1, right: { feature: 0, at: 2000, left: 2, right: 3 } };
    const forest = forestOf([tree, tree], { features: 1, base: [10] });
    const rows = Array.from({ length: 2501 }, (_, i) => [i]);
    const margins = forestMargins(forest, viewOf(rows, 1));
    expect(Array.from(margins)).toEqual(rows.map(([x]) => 10 + 2 * leafValue(tree, [x])));
  });

  it('of no trees are the base, of no rows none', () => {
    const empty = forestOf([], { features: 2, outputs: 2, base: [1, 2] });
    const view = viewOf([[0, 0]], 2, Float64Array.of(0.5));
    expect(Array.from(forestMargins(empty, view))).toEqual([1.5, 2.5]);
    expect(forestMargins(empty, viewOf([], 2))).toEqual(new Float64Array(0));
    expect(decodeForest(encodeForest(empty), empty)).toEqual(empty);
  });

  it('send missing values and unknown categories where the node says, and impossible codes right', () => {
    const tree = (missingLeft: boolean): Tree => ({
      feature: 0,
      among: [0, 37, 255],
      missingLeft,
      left: 1,
      right: 2,
    });
    const codes = [NAN, 0, 37, 255, 1, 254, 256, 293, 65_536, 2 ** 32, -1, 0.5, Number.POSITIVE_INFINITY];
    // The second tree's set follows the first's: a code beyond 255 must not read it.
    const forest = forestOf([tree(false), { feature: 0, among: [0], left: 0, right: 0 }], { features: 1 });
    const rows = codes.map((code) => [code]);
    expect(Array.from(forestMargins(forest, viewOf(rows, 1)))).toEqual([
      2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    ]);
    const left = forestOf([tree(true)], { features: 1 });
    expect(forestMargins(left, viewOf([[NAN]], 1))[0]).toBe(1);
  });
});

describe('scorer', () => {
  const forest = forestOf([{ feature: 1, at: 0, left: -1, right: 1 }], { features: 2 });
  const options = { learner: 'trees', loss: 'squared', outputs: 1, features: 2 } as const;

  it('reads the bytes of a reference', () => {
    const score = scorer(options, encodeParameters(forest));
    expect(
      Array.from(
        score(
          viewOf(
            [
              [9, -1],
              [9, 1],
            ],
            2,
          ),
        ),
      ),
    ).toEqual([-1, 1]);
  });

  it('refuses views of another recipe, sparse rows and other parameters', () => {
    const score = scorer(options, encodeParameters(forest));
    expect(() => score(viewOf([[1]], 1))).toThrow(/1 features, the model 2/);
    const sparse = { kind: 'csr', rows: 0, features: 2 } as unknown as CsrView;
    expect(() => score(sparse)).toThrow(/dense columns/);
    expect(() => scorer({ ...options, features: 1 }, encodeParameters(forest))).toThrow(/feature 1 of 1/);
    expect(() => scorer(options, undefined)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });
});

describe('damaged trees', () => {
  const whole = forestOf(
    [
      { feature: 0, at: 1, left: { feature: 1, among: [3], left: 1, right: 2 }, right: 3 },
      { feature: 1, among: [0, 200], left: 4, right: 5 },
    ],
    { features: 2, base: [0.5] },
  );
  const read = (tensors: Tensors) => forestFromTensors(tensors, { outputs: 1, features: 2 }, 'this model');
  const changed = (name: keyof Forest, at: number, value: number): Tensors => {
    const tensors = forestTensors(whole);
    const values = tensors[name].values.slice();
    values[at] = value;
    return { ...tensors, [name]: { ...tensors[name], values } };
  };

  it.each([
    ['starts', 0, 1, /first tree starts at node 1/],
    ['starts', 1, 0, /tree 0 has no nodes/],
    ['starts', 1, 9, /tree 1 has no nodes/],
    ['starts', 2, 7, /"nodeFeatures" has 8 values, and there are 7 nodes/],
    ['treeOutputs', 1, 1, /tree 1 adds to output 1 of 1/],
    ['nodeFeatures', 0, 2, /node 0 of tree 0 asks feature 2 of 2/],
    ['nodeFeatures', 0, -2, /asks feature -2/],
    ['nodeFeatures', 2, 0, /node 2 of tree 0 has children 0 and 1/],
    ['lefts', 0, 0, /node 0 of tree 0 has children 0 and 1/],
    ['lefts', 1, 1, /node 1 of tree 0 has children 1 and 2/],
    ['lefts', 1, 4, /has children 4 and 5, which are not among the nodes 2 to 4/],
    ['lefts', 5, 2, /node 0 of tree 1 has children 2 and 3/],
    ['lefts', 0, 2 ** 32 - 1, /has children 4294967295/],
    ['thresholds', 0, NAN, /has no threshold/],
    ['thresholds', 1, 9, /set at word 9 of 16/],
    ['thresholds', 1, -8, /set at word -8/],
    ['thresholds', 5, 0.5, /set at word 0.5/],
    ['flags', 0, 4, /has flags 4/],
    ['leafValues', 3, NAN, /node 3 of tree 0 has the value NaN/],
    ['gains', 0, Number.POSITIVE_INFINITY, /has the gain Infinity/],
    ['covers', 7, NAN, /node 2 of tree 1 has the cover NaN/],
    ['base', 0, NAN, /"base" is not finite/],
  ] as const)('%s[%i] = %d', (name, at, value, message) => {
    expect(read(forestTensors(whole))).toEqual(whole);
    const tensors = changed(name, at, value);
    expect(() => read(tensors)).toThrow(message);
    expect(() => read(tensors)).toThrow(expect.objectContaining({ code: 'corrupt' }));
  });

  it('are named when a tensor is not there, or is of another type or shape', () => {
    const tensors = forestTensors(whole);
    const { lefts: _, ...rest } = tensors;
    expect(() => read(rest)).toThrow(/The trees of this model are damaged: there is no tensor "lefts"/);
    const floats = { shape: [8], values: new Float64Array(8) };
    expect(() => read({ ...tensors, lefts: floats })).toThrow(/"lefts" is \[8\] of Float64Array/);
    expect(() => read({ ...tensors, sets: { shape: [16], values: whole.sets } })).toThrow(/"sets" is \[16\]/);
    expect(() => read({ ...tensors, base: { shape: [2], values: new Float64Array(2) } })).toThrow(
      /"base" has 2 values, and there are 1 outputs/,
    );
    const none = { shape: [0], values: new Uint32Array(0) };
    expect(() => read({ ...tensors, starts: none })).toThrow(/"starts" is empty/);
  });

  it('end every walk or are refused, whichever byte differs', () => {
    const bytes = encodeForest(whole);
    let walked = 0;
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = bytes.slice();
        damaged[at] ^= change;
        let forest: Forest;
        try {
          forest = decodeForest(damaged, { outputs: 1, features: 2 });
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupt' });
          return;
        }
        walked++;
        const rows = [
          [0, 3],
          [5, 200],
          [NAN, NAN],
        ];
        expect(forestMargins(forest, viewOf(rows, 2)).every(Number.isFinite)).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(walked).toBeGreaterThan(100);
  });
});

/** Packed forests: kernel, twin and walk give the same bits, whatever is asked. */
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { arbitraryTree, forestOf, type Tree } from '../../test/forests.ts';
import { MOST_EDGES, WALKED } from '../kernel/forest.ts';
import { arena, scratch } from '../kernel/memory.ts';
import { type KernelMode, kernelRuns, setKernelMode } from '../kernel/mode.ts';
import type { DenseView } from '../particle/view.ts';
import { randomUniform } from '../random.ts';
import { CATEGORICAL, type Forest } from './forest.ts';
import { packForest } from './forest-pack.ts';
import { forestMargins, forestScorer } from './forest-predict.ts';
import { floorToSingle, previousSingle } from './single.ts';

afterEach(() => setKernelMode('wasm'));

const NAN = Number.NaN;
const SPECIAL = [NAN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 255, 256, -1, 0.5, 1e-45];

/** A view of rows × features numbers from `cell`. */
function viewOf(rows: number, features: number, cell: (row: number, feature: number) => number): DenseView {
  const stride = (rows + 3) & ~3;
  const values = new Float32Array(features * stride);
  for (let f = 0; f < features; f++) for (let r = 0; r < rows; r++) values[f * stride + r] = cell(r, f);
  return { kind: 'dense', rows, features, stride, values, labels: new Float64Array(rows) };
}

/** Numbers around the thresholds of the trees in test/forests.ts, categories, and what is odd. */
function mixedView(rows: number, features: number, seed: number): DenseView {
  return viewOf(rows, features, (row, feature) => {
    const u = randomUniform(seed, feature, row);
    if (u < 0.2) return SPECIAL[Math.floor(50 * u)];
    return feature % 2 === 1 ? Math.floor(300 * u) : Math.floor(40 * u - 20) / 8;
  });
}

/** Margins by one path of the kernel, which is asserted to be taken. */
function margins(forest: Forest, view: DenseView, mode: KernelMode): Float64Array {
  setKernelMode(mode);
  const before = kernelRuns()[mode];
  const result = forestScorer(forest)(view);
  expect(kernelRuns()[mode]).toBe(before + 1);
  return result;
}

function expectSame(forest: Forest, view: DenseView): void {
  const walked = forestMargins(forest, view);
  expect(margins(forest, view, 'plain')).toEqual(walked);
  expect(margins(forest, view, 'wasm')).toEqual(walked);
}

/** A tree of one feature with a leaf between any two of the ascending thresholds. */
function ladder(at: readonly number[], feature: number, missingLeft = false, value = 0): Tree {
  if (at.length === 0) return value + 1 / 3;
  const middle = at.length >> 1;
  const left = ladder(at.slice(0, middle), feature, !missingLeft, value);
  const right = ladder(at.slice(middle + 1), feature, missingLeft, value + middle + 1);
  return { feature, at: at[middle], missingLeft, left, right };
}

describe('a packed forest', () => {
  it('gives the bits of a walk: numbers, categories, missing values, several outputs', () => {
    const property = fc.property(
      fc.array(fc.tuple(arbitraryTree(4), fc.nat(2)), { minLength: 1, maxLength: 9 }),
      fc.integer({ min: 16, max: 150 }),
      fc.nat(1000),
      (trees, rows, seed) => {
        const forest = forestOf(
          trees.map(([tree]) => tree),
          { features: 4, outputs: 3, base: [0.1, -2, 3], treeOutputs: trees.map(([, k]) => k) },
        );
        expectSame(forest, mixedView(rows, 4, seed));
      },
    );
    fc.assert(property, { numRuns: 150 });
  });

  it('has as many columns as the thresholds of a feature need', () => {
    const at = Array.from({ length: 3 * MOST_EDGES + 5 }, (_, i) => i - 300);
    const pieces = [0, 1, 2, 3].map((k) => ladder(at.slice(k * 190, k * 190 + 255), 0, k % 2 === 0));
    const forest = forestOf([...pieces, 5], { features: 1 });
    expect(packForest(forest)?.columns).toHaveLength(4);
    expectSame(
      forest,
      viewOf(2001, 1, (row) => (row === 7 ? NAN : row / 2 - 400)),
    );
  });

  it('is used where views lie in kernel memory, in blocks beyond the first, with offsets', () => {
    const forest = forestOf([ladder([-1, 0, 1, 2], 1), ladder([-0.5, 0.5], 0)], { features: 2 });
    const mark = arena.mark();
    try {
      const view = mixedView(2531, 2, 3);
      const values = arena.alloc(Float32Array, view.values.length)!;
      values.set(view.values);
      const offsets = Float64Array.from({ length: view.rows }, (_, row) => row / 7);
      expectSame(forest, { ...view, values, offsets });
    } finally {
      arena.reset(mark);
    }
  });

  it('of no trees, or of leaves alone, is the base and their sum', () => {
    const shape = { features: 1, outputs: 2, base: [0.5, -1] };
    for (const forest of [
      forestOf([], shape),
      forestOf([7, 0.1, 0.2], { ...shape, treeOutputs: [0, 1, 1] }),
    ]) {
      expectSame(forest, mixedView(70, 1, 4));
    }
  });

  it('is walked by the twin where kernel memory is full, with the same bits', () => {
    const forest = forestOf([ladder([-1, 0, 1, 2], 1), ladder([-0.5, 0.5], 0)], { features: 2 });
    const view = mixedView(1500, 2, 6);
    const mark = scratch.mark();
    try {
      scratch.alloc(Uint8Array, scratch.free() - 1000);
      const before = kernelRuns().plain;
      expect(forestScorer(forest)(view)).toEqual(forestMargins(forest, view));
      expect(kernelRuns().plain).toBe(before + 1);
    } finally {
      scratch.reset(mark);
    }
  });

  it('bins wide data in smaller blocks', () => {
    const trees = Array.from({ length: 900 }, (_, f) => ladder([f % 7, 9], f, f % 2 === 0));
    const forest = forestOf(trees, { features: 900 });
    expect(packForest(forest)?.blockRows).toBeLessThan(1024);
    expectSame(forest, mixedView(300, 900, 5));
  });

  it('compares f32 with thresholds of f64 exactly', () => {
    const at = [0.1, -0.1, 1 / 3, 1e300, -1e300, 1e-46, -1e-46, 16_777_217, 2 ** 128, -(2 ** 150), -0];
    const trees = at.flatMap((t) => [ladder([t], 0), ladder([t], 0, true)]);
    const near = at.flatMap((t) => {
      const x = floorToSingle(t);
      return [x, previousSingle(x), -previousSingle(-x), Math.fround(t)];
    });
    const forest = forestOf(trees, { features: 1 });
    expectSame(
      forest,
      viewOf(near.length, 1, (row) => near[row]),
    );
  });

  it.each([255, 256, 257, 1500])('of a tree with %i leaves, alone and among others', (leaves) => {
    const at = Array.from({ length: leaves - 1 }, (_, i) => (i * 7919) % leaves).sort((a, b) => a - b);
    const trees = [ladder([0, 40], 0), ladder(at, 0, true), ladder([3], 0, true), ladder(at, 0)];
    const forest = forestOf(trees, { features: 1, outputs: 2, treeOutputs: [0, 1, 0, 0] });
    expect(packForest(forest)?.trees.includes(WALKED)).toBe(leaves > 256);
    expectSame(
      forest,
      viewOf(2003, 1, (row) => (row % 50 === 0 ? NAN : row - 100)),
    );
  });

  it('walks large trees that ask categories', () => {
    const among = (codes: number[], missingLeft: boolean, left: Tree, right: Tree): Tree => {
      return { feature: 1, among: codes, missingLeft, left, right };
    };
    const at = Array.from({ length: 150 }, (_, i) => i / 8);
    const half = among([1, 9, 255], false, ladder(at, 0), ladder(at, 0, true, 1000));
    const tree = among([0, 1, 2, 64, 128], true, half, among([], false, 1, ladder(at, 0, false, 2000)));
    const forest = forestOf([tree], { features: 2 });
    expect(packForest(forest)?.trees[1]).toBe(WALKED);
    expectSame(forest, mixedView(997, 2, 8));
  });

  it('walks where nodes share children or none lead to them; is refused where a set begins between sets', () => {
    const split: Tree = { feature: 0, at: 1, left: 1, right: 2 };
    const forest = forestOf([{ feature: 0, at: 0, left: split, right: split }], { features: 1 });
    const lefts = forest.lefts.slice();
    lefts[1] = lefts[2];
    const nodeFeatures = forest.nodeFeatures.slice();
    nodeFeatures[2] = -1;
    for (const odd of [
      { ...forest, lefts },
      { ...forest, nodeFeatures },
    ]) {
      expect(packForest(odd)?.trees[1]).toBe(WALKED);
      expectSame(odd, mixedView(70, 1, 9));
    }
    const sets = forestOf(
      [
        { feature: 0, among: [1], left: 1, right: 2 },
        { ...split, among: [2] },
      ],
      {
        features: 1,
      },
    );
    const thresholds = sets.thresholds.map((t, node) => (sets.flags[node] & CATEGORICAL ? t / 2 : t));
    expect(packForest(sets)).toBeDefined();
    const between = { ...sets, thresholds };
    expect(packForest(between)).toBeUndefined();
    const view = mixedView(50, 1, 10);
    expect(forestScorer(between)(view)).toEqual(forestMargins(between, view));
  });
});

describe('f32 neighbours', () => {
  it('are next to each other, and a floor is the largest that is not above', () => {
    const any = fc.oneof(
      fc.double(),
      fc.float(),
      fc.constantFrom(0, -0, 2 ** -149, -(2 ** -149), 2 ** 128, -(2 ** 128), 3.4028235e38),
    );
    fc.assert(
      fc.property(any, fc.float({ noNaN: true }), (t, x) => {
        if (Number.isNaN(t)) return;
        const floor = floorToSingle(t);
        expect(Math.fround(floor)).toBe(floor);
        expect(x <= floor).toBe(x <= t);
        const before = previousSingle(x);
        if (x === Number.NEGATIVE_INFINITY) expect(before).toBe(x);
        else {
          expect(before).toBeLessThan(x);
          expect([before, x]).toContain(Math.fround(before / 2 + x / 2));
        }
      }),
    );
  });
});

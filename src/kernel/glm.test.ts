import { afterEach, describe, expect, it } from 'vitest';
import { csrView, denseView, type LearnerView, resident, someNumbers } from '../../test/learner-views.ts';
import { featureBlocks } from './features.ts';
import { predictMargins } from './glm.ts';
import { arena, scratch } from './memory.ts';
import { type KernelMode, kernelMode, kernelRuns, runKernels, setKernelMode } from './mode.ts';

const SHAPES = [
  [0, 3],
  [1, 1],
  [1, 9],
  [2, 3],
  [3, 8],
  [5, 1],
  [7, 12],
  [1023, 4],
  [1025, 17],
  [2050, 28],
  [300, 600],
  [70, 3000],
] as const;

/** What `body` gives on a path; fails if it took the other. */
function on<T>(mode: KernelMode, body: () => T): T {
  const before = kernelRuns();
  setKernelMode(mode);
  expect(kernelMode()).toBe(mode);
  const result = body();
  const after = kernelRuns();
  expect(after[mode]).toBeGreaterThan(before[mode]);
  const other = mode === 'wasm' ? 'plain' : 'wasm';
  expect(after[other]).toBe(before[other]);
  return result;
}

/** Every product of a view's features with seeded vectors, block by block. */
function products(view: LearnerView): Float64Array[] {
  const { features } = view;
  return runKernels((run) => {
    const blocks = featureBlocks(run, view);
    const triangle = features > 100 ? 0 : ((features + 1) * (features + 2)) / 2;
    const coefficients = run.place(someNumbers(features + 1, 5));
    const vector = run.place(someNumbers(blocks.blockRows, 6));
    const margins = run.zeros(Float64Array, blocks.blockRows);
    const gradient = run.zeros(Float64Array, features + 1);
    const diagonal = run.zeros(Float64Array, features + 1);
    const curvature = run.zeros(Float64Array, triangle);
    for (let start = 0; start < view.rows; start += blocks.blockRows) {
      const rows = Math.min(blocks.blockRows, view.rows - start);
      vector.set(someNumbers(blocks.blockRows, start).fill(0, rows));
      blocks.move(start, rows);
      blocks.addMargins(coefficients, 0, margins, 0);
      blocks.addGradient(vector, 0, gradient, 0);
      blocks.addDiagonal(vector, diagonal, 0);
      if (triangle > 0) blocks.addCurvature(vector, curvature, 0);
    }
    return [margins, gradient, diagonal, curvature].map((array) => Float64Array.from(array));
  });
}

/** Feature f of row r. */
function valueAt(view: LearnerView, r: number, f: number): number {
  if (view.kind === 'dense') return view.values[f * view.stride + r];
  for (let j = view.starts[r]; j < view.starts[r + 1]; j++) if (view.indices[j] === f) return view.values[j];
  return 0;
}

/** Margins by the definition. */
function naiveMargins(view: LearnerView, parameters: Float64Array, outputs: number): number[] {
  const width = view.features + 1;
  return Array.from({ length: view.rows * outputs }, (_, i) => {
    const [r, k] = [Math.floor(i / outputs), i % outputs];
    let margin = parameters[k * width + view.features] + (view.offsets?.[r] ?? 0);
    for (let f = 0; f < view.features; f++) margin += valueAt(view, r, f) * parameters[k * width + f];
    return margin;
  });
}

describe.each(['dense', 'csr'] as const)('%s products', (kind) => {
  const arenaStart = arena.mark();
  afterEach(() => {
    arena.reset(arenaStart);
    setKernelMode('wasm');
  });
  const make = (rows: number, features: number) =>
    (kind === 'dense' ? denseView : csrView)({
      rows,
      features,
      labels: 2,
      seed: rows,
      offsets: rows % 2 === 1,
    });

  it.each(SHAPES)('%i × %i: kernels, twins, resident or copied: the same bits', (rows, features) => {
    const view = make(rows, features);
    const plain = on('plain', () => products(view));
    expect(on('wasm', () => products(view))).toEqual(plain);
    expect(on('wasm', () => products(resident(view)))).toEqual(plain);
    expect(plain.flatMap((array) => [...array]).every(Number.isFinite)).toBe(true);
  });

  it.each(SHAPES)('%i × %i: margins of three outputs agree with the definition', (rows, features) => {
    const view = make(rows, features);
    const parameters = someNumbers(3 * (features + 1), 2);
    const margins = on('wasm', () => predictMargins(view, parameters, 3));
    expect(on('plain', () => predictMargins(view, parameters, 3))).toEqual(margins);
    const naive = naiveMargins(view, parameters, 3);
    expect(margins.length).toBe(naive.length);
    for (const [i, margin] of margins.entries()) expect(margin).toBeCloseTo(naive[i], 10);
  });

  it('gradient, diagonal and curvature agree with the definition', () => {
    const view = make(777, 6);
    const [, gradient, diagonal, curvature] = on('wasm', () => products(view));
    const vector = someNumbers(paddedLength(view), 0);
    const x = (r: number, f: number) => (f === view.features ? 1 : valueAt(view, r, f));
    const sum = (term: (r: number) => number) => {
      let total = 0;
      for (let r = 0; r < view.rows; r++) total += vector[r] * term(r);
      return total;
    };
    let next = 0;
    for (let a = 0; a <= view.features; a++) {
      expect(gradient[a]).toBeCloseTo(
        sum((r) => x(r, a)),
        10,
      );
      expect(diagonal[a]).toBeCloseTo(
        sum((r) => x(r, a) ** 2),
        10,
      );
      for (let b = a; b <= view.features; b++)
        expect(curvature[next++]).toBeCloseTo(
          sum((r) => x(r, a) * x(r, b)),
          10,
        );
    }
    expect(next).toBe(curvature.length);
  });

  it('takes the plain path by itself when scratch is full', () => {
    const view = make(500, 5);
    const parameters = someNumbers(6, 1);
    const expected = on('wasm', () => predictMargins(view, parameters, 1));
    const mark = scratch.mark();
    try {
      scratch.alloc(Uint8Array, scratch.free());
      const before = kernelRuns();
      expect(predictMargins(view, parameters, 1)).toEqual(expected);
      expect(kernelRuns()).toEqual({ wasm: before.wasm, plain: before.plain + 1 });
    } finally {
      scratch.reset(mark);
    }
  });

  it('refuses parameters of another shape', () => {
    expect(() => predictMargins(make(4, 5), new Float64Array(5), 1)).toThrow(/take 6 parameters, not 5/);
  });
});

function paddedLength(view: LearnerView): number {
  return (view.rows + 3) & ~3;
}

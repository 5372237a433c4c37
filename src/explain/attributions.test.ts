/** Attributions of columns: they add up to margins, trees and linear models alike; their means keep the laws. */
import { describe, expect, it } from 'vitest';
import { forestOf } from '../../test/forests.ts';
import { csrView, denseView, type LearnerView, sliceView } from '../../test/learner-views.ts';
import type { Json } from '../json.ts';
import { encodeParameters, scorer } from '../model/scorer.ts';
import { nearly } from '../summary/equal.ts';
import { checkLaws } from '../summary/laws.ts';
import { partial } from '../summary/summary.ts';
import { attributions } from './attributions.ts';
import { type AttributorOptions, attributor } from './attributor.ts';

const split = (feature: number, at: number, left: number, right: number) => ({ feature, at, left, right });
const forest = forestOf(
  [
    { feature: 0, at: 0.1, left: split(1, -0.2, 1, 2), right: split(3, 0, -1, 0.5) },
    { feature: 2, at: -0.4, left: 3, right: split(0, 0.6, -2, split(3, 0.2, 1, 4) as never) },
    split(1, 0.3, -1, 1),
  ],
  { features: 4, outputs: 2, base: [0.5, -0.5], treeOutputs: [0, 1, 1] },
);
const trees = { learner: 'trees', loss: 'softmax', outputs: 2, features: 4 } as const;
const linear = { ...trees, learner: 'glm' } as const;
const coefficients = Float64Array.from({ length: 10 }, (_, i) => Math.sin(i + 1));
const means = [0.25, -0.5, 0.125, 1, 2, -3];
const columns = { columns: 3, columnOf: [0, 1, 1, 2] };
const spec = { rows: 37, features: 4, labels: 2, weights: true, offsets: true } as const;

const CASES: [string, AttributorOptions, Uint8Array, LearnerView][] = [
  ['trees', { ...trees, ...columns }, encodeParameters(forest), denseView(spec)],
  [
    'trees, feature by feature',
    { ...trees, columns: 4, columnOf: [0, 1, 2, 3] },
    encodeParameters(forest),
    denseView(spec),
  ],
  ['linear', { ...linear, ...columns, means }, encodeParameters(coefficients), denseView(spec)],
  ['linear, without means', { ...linear, ...columns }, encodeParameters(coefficients), denseView(spec)],
  ['linear, sparse rows', { ...linear, ...columns, means }, encodeParameters(coefficients), csrView(spec)],
];

describe.each(CASES)('%s', (_name, options, parameters, view) => {
  const explain = attributor(options, parameters);
  const values = explain.attribute(view);
  const size = options.columns;

  it('adds up to the margin with base and offset', () => {
    const margins = scorer(options, parameters)(view);
    for (let row = 0; row < view.rows; row++) {
      for (let k = 0; k < 2; k++) {
        let sum = explain.base[k] + view.offsets![row];
        for (let c = 0; c < size; c++) sum += values[(k * size + c) * view.rows + row];
        expect(sum).toBeCloseTo(margins[2 * row + k], 10);
      }
    }
  });

  it('has means that keep the laws', () => {
    const summary = attributions({ ...options, share: 1 } as unknown as Json, parameters);
    const inputs = [sliceView(view, 0, 20), sliceView(view, 20, 21), sliceView(view, 21, 37)];
    checkLaws(summary, { inputs, slice: sliceView, close: nearly(1e-12) });
    const read = summary.read(partial(summary, view));
    expect(read.rows).toBe(37);
    let [absolute, signed, weight] = [0, 0, 0];
    for (let row = 0; row < view.rows; row++) {
      const value = values[(size + 1) * view.rows + row];
      weight += view.weights![row];
      absolute += view.weights![row] * Math.abs(value);
      signed += view.weights![row] * value;
    }
    expect(read.absolute[size + 1]).toBeCloseTo(absolute / weight, 10);
    expect(read.signed[size + 1]).toBeCloseTo(signed / weight, 10);
    expect(absolute).toBeGreaterThan(0);
  });
});

it.each([CASES[0], CASES[2], CASES[4]])('%s: a sample is near the whole', (name, options, parameters) => {
  const view = name.includes('sparse')
    ? csrView({ ...spec, rows: 6000 })
    : denseView({ ...spec, rows: 6000 });
  const [whole, some] = [1, 0.3].map((share) => {
    const summary = attributions({ ...options, share } as unknown as Json, parameters);
    return summary.read(partial(summary, view));
  });
  expect(whole.rows).toBe(6000);
  expect(some.rows).toBeGreaterThan(1500);
  expect(some.rows).toBeLessThan(2000);
  some.absolute.forEach((value, i) => {
    expect(value / whole.absolute[i]).toBeCloseTo(1, 0);
  });
});

describe('linear attributions', () => {
  it('are the part of a column less its mean', () => {
    const view = denseView(spec);
    const explain = attributor({ ...linear, ...columns, means }, encodeParameters(coefficients));
    const values = explain.attribute(view);
    const x = (f: number, row: number) => view.values[f * view.stride + row];
    const part = coefficients[6] * x(1, 3) + coefficients[7] * x(2, 3);
    expect(values[(3 + 1) * view.rows + 3]).toBeCloseTo(part - means[3], 12);
    expect(explain.base[1]).toBeCloseTo(coefficients[9] - 0.5 + 1 - 3, 12);
  });
});

it('refuses parameters that do not fit, and sparse rows for trees', () => {
  const wrong = () => attributor({ ...linear, ...columns, means: [1] }, encodeParameters(coefficients));
  expect(wrong).toThrow(/6 means, not 10 and 1/);
  const sparse = () =>
    attributor({ ...trees, ...columns }, encodeParameters(forest)).attribute(csrView(spec));
  expect(sparse).toThrow(/sparse rows/);
});

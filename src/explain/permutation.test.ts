/** Permutation importance: laws, what it says of columns that matter and of those that do not, independence of the cut. */
import { describe, expect, it } from 'vitest';
import { csrView, denseView, pickRows, sliceView } from '../../test/learner-views.ts';
import type { Json } from '../json.ts';
import { encodeParameters } from '../model/scorer.ts';
import type { DenseView } from '../particle/view.ts';
import { nearly } from '../summary/equal.ts';
import { checkLaws } from '../summary/laws.ts';
import { partial, type Summary } from '../summary/summary.ts';
import { BACKGROUND_ROWS, backgroundSample, drawRow, encodeBackground } from './background.ts';
import { joinParameters, permutation } from './permutation.ts';

const spec = { rows: 90, features: 3, labels: 'numbers', weights: true } as const;
const options = {
  ...{ learner: 'glm', loss: 'squared', outputs: 1, features: 3 },
  ...{ columns: 2, columnOf: [0, 1, 1], repeats: 4, seed: 5, share: 1 },
};
/** margin = 2 x0, and nothing of the others. */
const model = encodeParameters(Float64Array.of(2, 0, 0, 0));

function labelled(): DenseView {
  const view = denseView(spec);
  const labels = Float64Array.from({ length: 90 }, (_, r) => 2 * view.values[r] + 0.01 * (r % 3));
  return { ...view, labels };
}

const sampling = backgroundSample({ features: 3, seed: 5 });

function summaryOf(view: DenseView) {
  const background = sampling.read(partial(sampling, view));
  return permutation(options as unknown as Json, joinParameters(model, encodeBackground(background)));
}

describe('permutation importance', () => {
  it('keeps the laws', () => {
    const view = labelled();
    const summary = summaryOf(view) as Summary<unknown, unknown, DenseView>;
    const inputs = [sliceView(view, 0, 20), sliceView(view, 20, 21), sliceView(view, 21, 37)];
    checkLaws(summary, { inputs, slice: sliceView, close: nearly(1e-10) });
  });

  it('finds the column that the model reads, and how sure it is', () => {
    const view = labelled();
    const summary = summaryOf(view);
    const { columns, loss, rows } = summary.read(partial(summary, view));
    expect(rows).toBe(90);
    expect(loss).toBeLessThan(1e-3);
    // Exchanging x (variance 1/3) for another adds ½ · 2 · 4 · 1/3 to half the squared error.
    expect(columns[0].mean).toBeGreaterThan(0.8);
    expect(columns[0].mean).toBeLessThan(2);
    expect(columns[0].spread).toBeGreaterThan(0);
    expect(columns[0].spread).toBeLessThan(0.5);
    expect(columns[1]).toEqual({ mean: 0, spread: 0 });
  });

  it('does not see in which order rows stand', () => {
    const view = labelled();
    const turned = pickRows(
      view,
      Array.from({ length: 90 }, (_, r) => 89 - r),
    );
    const [a, b] = [view, turned].map((one) => {
      const summary = summaryOf(one);
      return summary.read(partial(summary, one));
    });
    expect(nearly(1e-10)(a, b)).toBe(true);
  });

  it('refuses sparse rows', () => {
    const sparse = csrView({ rows: 5, features: 3, labels: 2 });
    const summary = summaryOf(labelled());
    expect(() => partial(summary, sparse)).toThrow(/dense features/);
    expect(() => partial(sampling, sparse)).toThrow(/dense features/);
  });
});

describe('the sample of rows', () => {
  it('keeps the laws, few rows and many', () => {
    const many = denseView({ rows: 2 * BACKGROUND_ROWS, features: 3, labels: 2 });
    const inputs = [sliceView(many, 0, 700), sliceView(many, 700, 701), sliceView(many, 701, 1024)];
    checkLaws(sampling as Summary<unknown, unknown, DenseView>, { inputs, slice: sliceView });
    const { ends, values } = sampling.read(partial(sampling, many));
    expect(ends).toHaveLength(BACKGROUND_ROWS);
    expect(values).toHaveLength(3 * BACKGROUND_ROWS);
  });

  it('counts equal rows, and draws each as often as it stands', () => {
    const view = denseView({ rows: 3, features: 3, labels: 2 });
    const places = [0, 1, 1, 2, 1, 1, 0, 1];
    const background = sampling.read(partial(sampling, pickRows(view, places)));
    expect(background.ends).toHaveLength(3);
    expect(background.ends[2]).toBe(8);
    const drawn = [0, 0, 0];
    for (let i = 0; i < 8; i++) {
      const row = drawRow(background, i / 8);
      const place = [0, 1, 2].find((r) => view.values[r] === background.values[3 * row]);
      drawn[place ?? 0]++;
    }
    expect(drawn).toEqual([2, 5, 1]);
  });
});

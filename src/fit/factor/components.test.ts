/** Variance components: the equations by hand on a small table, laws of their sums, and planted components found again. */
import { describe, expect, it } from 'vitest';
import { sliceView } from '../../../test/learner-views.ts';
import { encodeParameters } from '../../model/scorer.ts';
import type { CsrView } from '../../particle/view.ts';
import { randomUniform } from '../../random.ts';
import { nearly } from '../../summary/equal.ts';
import { checkLaws } from '../../summary/laws.ts';
import { partial } from '../../summary/summary.ts';
import { strengthsOf, variances } from './components.ts';
import { likeness } from './likeness.ts';

/** Rows of one level of each column; levels of column c follow those of c - 1. */
function viewOf(rows: readonly (readonly number[])[], labels: readonly number[]): CsrView {
  const columns = rows[0].length;
  return {
    kind: 'csr',
    rows: rows.length,
    features: 1 + Math.max(...rows.flat()),
    starts: Uint32Array.from({ length: rows.length + 1 }, (_, i) => i * columns),
    indices: Uint32Array.from(rows.flat()),
    values: new Float32Array(rows.length * columns).fill(1),
    labels: Float64Array.from(labels),
  };
}

function summaryOf(view: CsrView, columnOf: readonly number[], outputs = 1) {
  const counts = new Float64Array(columnOf.length);
  for (const index of view.indices) counts[index]++;
  const options = { outputs, columnOf: [...columnOf], columns: Math.max(...columnOf) };
  return likeness(options, encodeParameters(counts));
}

describe('variance components', () => {
  it('of one column are those of one-way analysis of variance', () => {
    // Levels {1, 3}, {5, 7}, {6, 10}: mean squares within (2 + 2 + 8) / 3 = 4 and between 2 · (100/9 + 4/9 + 64/9) / 2 = 18.67.
    const view = viewOf([[0], [0], [1], [1], [2], [2]], [1, 3, 5, 7, 6, 10]);
    const summary = summaryOf(view, [1, 1, 1]);
    const found = variances(summary.read(partial(summary, view)));
    expect(found.within).toBeCloseTo(4, 10);
    expect(found.between[0]).toBeCloseTo((56 / 3 - 4) / 2, 10);
  });

  it('of balanced nested columns are those of the nested analysis of variance', () => {
    // Two groups of two levels of two rows. Mean squares: groups 50, levels in groups 10, rows in levels 2.
    const labels = [0, 2, 3, 5, 5, 7, 8, 10];
    const rows = labels.map((_, i) => [Math.floor(i / 2), 4 + Math.floor(i / 4)]);
    const view = viewOf(rows, labels);
    const summary = summaryOf(view, [1, 1, 1, 1, 2, 2]);
    const { between, within } = variances(summary.read(partial(summary, view)));
    expect(within).toBeCloseTo(2, 10);
    expect(between[0]).toBeCloseTo((9 - 2) / 2, 10);
    expect(between[1]).toBeCloseTo((50 - 9) / 4, 10);
  });

  it('that were planted are found, of crossed columns of many levels too', () => {
    const normal = (stream: number, i: number) =>
      Array.from({ length: 12 }, (_, k) => randomUniform(3, 12 * stream + k, i)).reduce((a, b) => a + b, -6);
    const rows = Array.from({ length: 20_000 }, (_, i) => {
      const user = Math.floor(400 * randomUniform(3, 900, i) ** 2);
      return [user, 400 + Math.floor(300 * randomUniform(3, 901, i)), 700 + (user % 40), 740 + (i % 5)];
    });
    const labels = rows.map(
      ([user, item, kind], i) =>
        3 + 0.5 * normal(0, user) + 0.4 * normal(1, item) + 0.3 * normal(2, kind) + normal(3, i),
    );
    const view = viewOf(rows, labels);
    const columnOf = Array.from(
      { length: 745 },
      (_, i) => 1 + [400, 700, 740].filter((end) => i >= end).length,
    );
    const summary = summaryOf(view, columnOf);
    const found = variances(summary.read(partial(summary, view)));
    for (const [i, truth] of [0.25, 0.16, 0.09, 0].entries()) {
      expect(Math.abs(found.between[i] - truth)).toBeLessThan(0.05);
    }
    expect(Math.abs(found.within - 1)).toBeLessThan(0.03);
    const strengths = strengthsOf(found);
    expect(strengths[0]).toBe(1);
    expect(strengths[3]).toBeGreaterThan(30);
  });

  it('hold all columns alike where no levels differ', () => {
    expect(strengthsOf({ between: [0.001, 0], within: 1 })).toEqual([1, 1]);
    expect(strengthsOf({ between: [0.2, 0.1, 0], within: 1 })).toEqual([1, 2, 100]);
  });

  it.each([1, 3])('sums of %i outputs keep the laws', (outputs) => {
    const some = (rows: number, seed: number) =>
      viewOf(
        Array.from({ length: rows }, (_, i) => [i % 3, 3 + Math.floor(4 * randomUniform(seed, 1, i)), 6]),
        Array.from({ length: rows }, (_, i) => Math.floor(3 * randomUniform(seed, 2, i))),
      );
    const features = 7;
    const inputs = [some(9, 1), some(4, 2), some(1, 3)].map((view) => ({ ...view, features }));
    const summary = summaryOf(inputs[0], [1, 1, 1, 2, 2, 2, 2], outputs);
    expect(() => checkLaws(summary, { inputs, slice: sliceView, close: nearly(1e-9) })).not.toThrow();
  });
});

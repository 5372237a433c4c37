import { expect, it } from 'vitest';
import { type EvaluationResult, metric } from './result.ts';
import { isTooGood, verdict } from './verdict.ts';

function regression(loss: string, gain: number, interval: [number, number], r2 = 0.5): EvaluationResult {
  return {
    task: 'regression',
    rows: 1000,
    weight: 1000,
    metrics: [
      metric('rmse', 5, 'lower', [4, 6], 6),
      metric('mae', 2, 'lower', [1, 3], 3),
      metric('r2', r2, 'higher', [0.4, 0.6], 0),
    ],
    gain: { loss, value: gain, interval },
    calibration: [],
    notes: [],
  };
}

it('names first what was fitted', () => {
  expect(verdict(regression('squared error', 11, [1, 21])).sentence).toMatch(/: RMSE 5 against 6, MAE/);
  expect(verdict(regression('absolute error', 1, [0.5, 1.5])).sentence).toMatch(/: MAE 2 against 3, RMSE/);
});

it('says that the loss rises where it rises', () => {
  expect(verdict(regression('squared error', -2, [-5, 1]))).toMatchObject({ verdict: 'not better' });
  expect(verdict(regression('squared error', -2, [-5, 1])).sentence).toMatch(
    /beyond chance: the squared error rises by 2 /,
  );
  expect(verdict(regression('squared error', 2, [-1, 5])).sentence).toMatch(/falls by 2 .*-1 to 5/);
});

it('claims that rows are unseen only where it is known', () => {
  const result = regression('squared error', 11, [1, 21]);
  expect(verdict(result).sentence).toMatch(/on 1,000 rows it has not seen: /);
  expect(verdict(result, { heldOut: false }).sentence).toMatch(/^Better than the baseline on 1,000 rows: /);
});

it('doubts what is almost perfect', () => {
  expect(isTooGood(regression('squared error', 11, [1, 21]))).toBe(false);
  expect(isTooGood(regression('squared error', 11, [1, 21], 0.9995))).toBe(true);
});

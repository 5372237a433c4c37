/**
 * Metrics against scikit-learn (scripts/goldens/evaluate.py), the laws of the three summaries, and row weights.
 * Tolerances: 1e-12 relative where both sides add the same numbers in another order; rankings are exact because the
 * golden margins are f32 values, which the histogram keeps apart.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../json.ts';
import { ndcg } from '../loss/lambdarank.ts';
import { pinballLoss } from '../loss/quantile.ts';
import { type LossSpec, lossOf } from '../loss/registry.ts';
import { encodeParameters } from '../model/scorer.ts';
import type { DenseView } from '../particle/view.ts';
import { nearly } from '../summary/equal.ts';
import { checkLaws } from '../summary/laws.ts';
import { partial, type Summary } from '../summary/summary.ts';
import { type Baseline, type BaselineOptions, baselineSummary } from './baseline.ts';
import { binaryMetrics } from './binary.ts';
import amountGolden from './fixtures/amount.json' with { type: 'json' };
import binaryGolden from './fixtures/binary.json' with { type: 'json' };
import countGolden from './fixtures/count.json' with { type: 'json' };
import multiclassGolden from './fixtures/multiclass.json' with { type: 'json' };
import regressionGolden from './fixtures/regression.json' with { type: 'json' };
import { multiclassMetrics } from './multiclass.ts';
import { ndcgMetrics } from './ndcg.ts';
import { regressionMetrics } from './regression.ts';
import type { EvaluationResult } from './result.ts';

/** A view whose features are the margins, so that identity coefficients reproduce them (f32 values survive). */
function viewOf(
  margins: readonly (readonly number[])[],
  labels: readonly number[],
  weights?: readonly number[],
): DenseView {
  const rows = labels.length;
  const stride = (rows + 3) & ~3;
  const features = margins[0]?.length ?? 1;
  const values = new Float32Array(features * stride);
  margins.forEach((row, r) => {
    row.forEach((value, f) => {
      values[f * stride + r] = value;
    });
  });
  return {
    kind: 'dense',
    rows,
    features,
    stride,
    values,
    labels: Float64Array.from(labels),
    ...(weights ? { weights: Float64Array.from(weights) } : {}),
  };
}

/** Output k reads feature k. */
function identity(outputs: number): Uint8Array {
  const parameters = new Float64Array(outputs * (outputs + 1));
  for (let k = 0; k < outputs; k++) parameters[k * (outputs + 1) + k] = 1;
  return encodeParameters(parameters);
}

function slice(view: DenseView, from: number, to: number): DenseView {
  const rows = to - from;
  const stride = (rows + 3) & ~3;
  const values = new Float32Array(view.features * stride);
  for (let f = 0; f < view.features; f++) {
    for (let r = 0; r < rows; r++) values[f * stride + r] = view.values[f * view.stride + from + r];
  }
  const { weights } = view;
  return {
    ...view,
    rows,
    stride,
    values,
    labels: view.labels.slice(from, to),
    ...(weights ? { weights: weights.slice(from, to) } : {}),
  };
}

type MetricSummary = Summary<unknown, EvaluationResult, DenseView>;
type Factory = (options: Json, parameters?: Uint8Array) => MetricSummary;

interface Setup {
  readonly task: Baseline['task'];
  readonly factory: Factory;
  readonly outputs: number;
  readonly loss: string;
  readonly classes: number;
}

const SETUPS = {
  binary: {
    task: 'binary',
    factory: binaryMetrics as unknown as Factory,
    outputs: 1,
    loss: 'logistic',
    classes: 2,
  },
  multiclass: {
    task: 'multiclass',
    factory: multiclassMetrics as unknown as Factory,
    outputs: 4,
    loss: 'softmax',
    classes: 4,
  },
  regression: {
    task: 'regression',
    factory: regressionMetrics as unknown as Factory,
    outputs: 1,
    loss: 'squared',
    classes: 0,
  },
  count: {
    task: 'count',
    factory: regressionMetrics as unknown as Factory,
    outputs: 1,
    loss: 'poisson',
    classes: 0,
  },
} satisfies Record<string, Setup>;

function baselineOf(setup: Setup, view: DenseView): Baseline {
  const options: BaselineOptions = { task: setup.task, classes: setup.classes };
  const summary = baselineSummary(options as unknown as Json);
  return summary.read(partial(summary, view));
}

function summaryOf(setup: Setup, view: DenseView): MetricSummary {
  const { loss, outputs } = setup;
  const options = { learner: 'glm', loss, outputs, features: outputs, baseline: baselineOf(setup, view) };
  return setup.factory(options as unknown as Json, identity(outputs));
}

function evaluateView(setup: Setup, view: DenseView): EvaluationResult {
  const summary = summaryOf(setup, view);
  return summary.read(partial(summary, view));
}

function metricOf(result: EvaluationResult, name: string) {
  const found = result.metrics.find((item) => item.name === name);
  if (!found) throw new Error(`There is no metric ${name}.`);
  return found;
}

const column = (values: readonly number[]) => values.map((value) => [value]);
const CASES = [
  ['binary', viewOf(column(binaryGolden.margins), binaryGolden.labels), binaryGolden.plain],
  [
    'binary',
    viewOf(column(binaryGolden.margins), binaryGolden.labels, binaryGolden.weights),
    binaryGolden.weighted,
  ],
  ['multiclass', viewOf(multiclassGolden.margins, multiclassGolden.labels), multiclassGolden.plain],
  [
    'multiclass',
    viewOf(multiclassGolden.margins, multiclassGolden.labels, multiclassGolden.weights),
    multiclassGolden.weighted,
  ],
  [
    'regression',
    viewOf(column(regressionGolden.predictions), regressionGolden.labels),
    regressionGolden.plain,
  ],
  [
    'regression',
    viewOf(column(regressionGolden.predictions), regressionGolden.labels, regressionGolden.weights),
    regressionGolden.weighted,
  ],
  ['count', viewOf(column(countGolden.margins), countGolden.labels), countGolden.plain],
  [
    'count',
    viewOf(column(countGolden.margins), countGolden.labels, countGolden.weights),
    countGolden.weighted,
  ],
] as const;

/** f32 rounding of features that are not f32 values: 6e-8 relative. */
const SINGLE = 1e-6;

describe('metrics against scikit-learn', () => {
  it.each(CASES)('%s', (task, view, golden) => {
    const result = evaluateView(SETUPS[task], view);
    for (const [name, expected] of Object.entries(golden)) {
      if (name === 'confusion') {
        const flat = (expected as number[][]).flat();
        result.confusion!.flat().forEach((cell, i) => {
          expect(cell).toBeCloseTo(flat[i], 8);
        });
        continue;
      }
      const { value } = metricOf(result, name);
      const tolerance = task === 'binary' ? 1e-12 : SINGLE;
      expect(Math.abs(value - (expected as number)), name).toBeLessThan(
        tolerance * Math.max(1, Math.abs(expected as number)),
      );
    }
  });

  it('has DeLong’s standard error', () => {
    const { interval, value } = metricOf(evaluateView(SETUPS.binary, CASES[0][1]), 'auc');
    expect((interval![1] - value) / 1.959963984540054).toBeCloseTo(binaryGolden.delong, 12);
  });
});

describe('metrics of losses of amounts', () => {
  const { labels, margins } = amountGolden;
  const cases = [
    ['plain', viewOf(column(margins), labels), amountGolden.plain],
    ['weighted', viewOf(column(margins), labels, amountGolden.weights), amountGolden.weighted],
  ] as const;

  function evaluated(spec: LossSpec, view: DenseView) {
    const quantile = lossOf(spec).leafQuantile;
    const asked = { task: 'regression', classes: 0, ...(quantile ? { quantile } : {}) };
    const summary = baselineSummary(asked as unknown as Json);
    const baseline = summary.read(partial(summary, view));
    const options = { learner: 'glm', loss: spec.name, spec, outputs: 1, features: 1, baseline };
    const metrics = regressionMetrics(options as unknown as Json, identity(1));
    return metrics.read(partial(metrics, view));
  }

  it.each(cases)('%s: deviances and pinball loss are those of scikit-learn', (_, view, golden) => {
    for (const [spec, name, expected, explained] of [
      [{ name: 'gamma' }, 'gammaDeviance', golden.gammaDeviance, golden.gammaExplained],
      [{ name: 'tweedie', power: 1.3 }, 'tweedieDeviance', golden.tweedieDeviance, golden.tweedieExplained],
      [{ name: 'quantile', quantile: 0.8 }, 'pinballLoss', golden.pinballLoss, undefined],
    ] as const) {
      const result = evaluated(spec, view);
      expect(result.metrics[0].name).toBe(name);
      expect(Math.abs(result.metrics[0].value - expected)).toBeLessThan(SINGLE);
      expect(result.gain.value).toBeCloseTo(result.metrics[0].baseline! - result.metrics[0].value, 12);
      if (explained !== undefined)
        expect(Math.abs(metricOf(result, 'devianceExplained').value - explained)).toBeLessThan(SINGLE);
    }
  });

  it('compare with the best constant of the loss', () => {
    const [, view] = cases[0];
    const result = evaluated({ name: 'quantile', quantile: 0.8 }, view);
    const sorted = [...labels].sort((a, b) => a - b);
    const constant = Math.fround(sorted[0.8 * labels.length - 1]);
    const mean = labels.reduce((sum, y) => sum + pinballLoss(y, constant, 0.8), 0) / labels.length;
    expect(result.metrics[0].baseline).toBeCloseTo(mean, 12);
    const covered = labels.filter((y, row) => y <= Math.fround(margins[row])).length / labels.length;
    expect(result.notes).toEqual([
      `${(100 * covered).toFixed(1)} % of the labels lie at or below their prediction; 80.0 % were asked for.`,
    ]);
  });

  it('refuse labels that have no deviance', () => {
    expect(() => evaluated({ name: 'gamma' }, viewOf(column([1, 1]), [1, 0]))).toThrow(/label 0, which loss/);
  });
});

describe('NDCG', () => {
  const groups = [0, 3, 7, 8, 12];
  const rows = Array.from({ length: 12 }, (_, i) => [(i * 7) % 5]);
  const relevance = [0, 2, 1, 0, 0, 0, 0, 3, 1, 0, 2, 1];
  const ranked = { ...viewOf(rows, relevance), groups: Uint32Array.from(groups) };
  const baseline = baselineOf(SETUPS.regression, ranked);
  const options = { learner: 'glm', loss: 'lambdarank', outputs: 1, features: 1, baseline };
  const summary = ndcgMetrics(options as unknown as Json, identity(1));

  it('is a mean over queries with a relevant row, beside that of a random order', () => {
    const result = summary.read(partial(summary, ranked));
    expect(result.notes).toEqual(['1 of 4 queries have no relevant row and do not count.']);
    const [ten, , one] = result.metrics;
    const each = [0, 2, 3].map((q) => {
      const scores = Float64Array.from(rows.slice(groups[q], groups[q + 1]).flat());
      return ndcg(scores, Float64Array.from(relevance.slice(groups[q], groups[q + 1])), 10)!;
    });
    expect(ten.value).toBeCloseTo((each[0] + each[1] + each[2]) / 3, 12);
    // The first place at random: mean gain against best gain.
    expect(one.baseline).toBeCloseTo((4 / 3 / 3 + 1 + 5 / 4 / 3) / 3, 12);
    expect(result.gain.value).toBeCloseTo(ten.value - ten.baseline!, 12);
  });

  it('follows the laws, cut between queries, and asks for them', () => {
    const sliced = (view: typeof ranked, from: number, to: number) => {
      const [start, end] = [view.groups[from], view.groups[to]];
      const own = view.groups.slice(from, to + 1).map((at) => at - start);
      return { ...slice(view, start, end), groups: own };
    };
    const inputs = [sliced(ranked, 0, 1), sliced(ranked, 1, 3), sliced(ranked, 3, 4)];
    const laws = { inputs, slice: sliced, rows: (view: typeof ranked) => view.groups.length - 1 };
    expect(() => checkLaws(summary as never, { ...laws, close: nearly(1e-12) } as never)).not.toThrow();
    expect(() => partial(summary, viewOf(rows, relevance))).toThrow(/--group/);
  });
});

describe('laws', () => {
  const nearly = (a: unknown, b: unknown): boolean => {
    if (typeof a === 'number' && typeof b === 'number') {
      return (
        Object.is(a, b) ||
        Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a)) ||
        (Number.isNaN(a) && Number.isNaN(b))
      );
    }
    if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return a === b;
    const keys = Object.keys(a);
    if (keys.length !== Object.keys(b).length) return false;
    return keys.every((key) =>
      nearly((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
    );
  };
  it.each(CASES)('%s', (task, view) => {
    const whole = slice(view, 0, 40);
    const summary = summaryOf(SETUPS[task], whole);
    const inputs = [slice(view, 0, 13), slice(view, 13, 14), slice(view, 14, 40)];
    expect(() =>
      checkLaws(summary, { inputs, slice, close: nearly, edges: [slice(view, 0, 0)] }),
    ).not.toThrow();
  });
  it('of the baseline', () => {
    for (const [task, view] of CASES) {
      const { classes } = SETUPS[task];
      const summary = baselineSummary({ task, classes });
      const inputs = [slice(view, 0, 13), slice(view, 13, 14), slice(view, 14, 40)];
      expect(() => checkLaws(summary as never, { inputs, slice, close: nearly } as never)).not.toThrow();
    }
  });
});

describe('row weights', () => {
  it.each(CASES)('%s: a row of weight 2 is the row twice, up to the interval', (task, view) => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 30 }), fc.nat(), (rows, seed) => {
        const part = slice(view, 0, rows);
        const { weights: _, ...unweighted } = part;
        const twice = seed % rows;
        const heavy = { ...unweighted, weights: new Float64Array(rows).fill(1) };
        heavy.weights[twice] = 2;
        const order = [...Array(rows).keys(), twice];
        const doubled = viewOf(
          order.map((r) => Array.from({ length: part.features }, (_, f) => part.values[f * part.stride + r])),
          order.map((r) => part.labels[r]),
        );
        const a = evaluateView(SETUPS[task], heavy as DenseView);
        const b = evaluateView(SETUPS[task], doubled);
        for (const item of a.metrics) {
          if (item.name === 'calibrationError') continue;
          expect(Math.abs(item.value - metricOf(b, item.name).value)).toBeLessThan(
            1e-9 * Math.max(1, Math.abs(item.value)),
          );
        }
      }),
      { numRuns: 20 },
    );
  });
});

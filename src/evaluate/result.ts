/**
 * What an evaluation says: metrics with intervals beside the trivial baseline, and the curves behind them.
 * Plain JSON values, in a fixed order, so that they can stand in a model file.
 */
import type { Task } from './baseline.ts';
import type { Interval } from './mean.ts';

/** One metric on the rows that were evaluated. */
export interface Metric {
  /** `logLoss`, `auc`, `rmse` … */
  readonly name: string;
  readonly value: number;
  /** 95 % confidence interval, where one is known. */
  readonly interval?: Interval;
  /** The same metric of the baseline's constant prediction on the same rows. */
  readonly baseline?: number;
  readonly better: 'higher' | 'lower';
}

/** Rows of similar prediction: what was said and what came. */
export interface ReliabilityBin {
  readonly predicted: number;
  readonly observed: number;
  /** Weight of the rows in the bin. */
  readonly weight: number;
}

/** How much better than the baseline the model is: baseline's loss minus the model's, a row, paired. */
export interface Gain {
  /** The loss that is compared: `log loss`, `squared error`, `absolute error`, `deviance`, `pinball loss` or `1 − NDCG@10`. */
  readonly loss: string;
  readonly value: number;
  readonly interval?: Interval;
}

/** Everything read from one round over the evaluated rows. */
export interface EvaluationResult {
  readonly task: Task;
  readonly rows: number;
  readonly weight: number;
  readonly metrics: readonly Metric[];
  readonly gain: Gain;
  /** Weight of rows by [true class][predicted class]; absent for numbers and counts. */
  readonly confusion?: readonly (readonly number[])[];
  readonly calibration: readonly ReliabilityBin[];
  /** Slope and intercept of margins that would calibrate these rows best (Platt); binary only. */
  readonly scaling?: { readonly slope: number; readonly intercept: number };
  /** Points of the ROC and precision-recall curves; binary only. */
  readonly curve?: readonly {
    readonly score: number;
    readonly truePositive: number;
    readonly falsePositive: number;
    readonly precision: number;
  }[];
  readonly notes: readonly string[];
}

/** A metric without undefined fields. */
export function metric(
  name: string,
  value: number,
  better: Metric['better'],
  interval?: Interval,
  baseline?: number,
): Metric {
  return {
    name,
    value,
    ...(interval === undefined ? {} : { interval }),
    ...(baseline === undefined ? {} : { baseline }),
    better,
  };
}

const LABELS: Readonly<Record<string, string>> = {
  auc: 'AUC',
  averagePrecision: 'average precision',
  balancedAccuracy: 'balanced accuracy',
  brier: 'Brier score',
  calibrationError: 'calibration error',
  devianceExplained: 'deviance explained',
  f1: 'F1',
  gammaDeviance: 'gamma deviance',
  logLoss: 'log loss',
  'ndcg@1': 'NDCG@1',
  'ndcg@10': 'NDCG@10',
  'ndcg@5': 'NDCG@5',
  mae: 'MAE',
  pinballLoss: 'pinball loss',
  poissonDeviance: 'Poisson deviance',
  r2: 'R²',
  rmse: 'RMSE',
  tweedieDeviance: 'Tweedie deviance',
};

/** Name of a metric as people write it. */
export function metricLabel(name: string): string {
  return LABELS[name] ?? name;
}

/**
 * One plain sentence on whether a model is worth having: better than the baseline beyond chance, or not.
 */
import { type EvaluationResult, type Metric, metricLabel } from './result.ts';

export interface Verdict {
  readonly verdict: 'better' | 'not better';
  readonly sentence: string;
}

/**
 * Better when the 95 % interval of the gain (baseline's loss minus the model's, paired by row) is above zero.
 * `heldOut` tells that the model has not seen the rows; of a file that a user gives that is not known.
 */
export function verdict(result: EvaluationResult, { heldOut = true } = {}): Verdict {
  const { gain } = result;
  const rows = result.rows.toLocaleString('en-US');
  const facts = headline(result)
    .map((item) => `${metricLabel(item.name)} ${round(item.value)} against ${round(item.baseline ?? 0)}`)
    .join(', ');
  if (gain.interval && gain.interval[0] > 0) {
    return {
      verdict: 'better',
      sentence: `Better than the baseline on ${rows} rows${heldOut ? ' it has not seen' : ''}: ${facts}.`,
    };
  }
  return {
    verdict: 'not better',
    sentence: `Not better than the baseline${whyNot(result, rows)}: ${facts}.`,
  };
}

function whyNot(result: EvaluationResult, rows: string): string {
  const { gain } = result;
  if (gain.interval === undefined) return ` that ${rows} rows could show`;
  if (gain.interval[1] < 0) {
    const area = result.metrics.find((item) => item.name === 'auc');
    if (area?.interval && area.interval[0] > 0.5) {
      return `; it ranks rows better than chance, but its probabilities are off (calibrate it)`;
    }
    return `; it is worse`;
  }
  const change = gain.value < 0 ? 'rises' : 'falls';
  return ` beyond chance: the ${gain.loss} ${change} by ${round(Math.abs(gain.value))} (95 % interval of the fall ${round(gain.interval[0])} to ${round(gain.interval[1])}) on ${rows} rows`;
}

/** Scores from which a model is too good to be believed unasked, by task. */
const TOO_GOOD: Record<EvaluationResult['task'], readonly [string, number]> = {
  binary: ['auc', 0.999],
  multiclass: ['accuracy', 0.999],
  regression: ['r2', 0.999],
  count: ['devianceExplained', 0.99],
  ranking: ['ndcg@10', 0.999],
};

/** Whether the model is so good that a column may give the target away. */
export function isTooGood({ task, metrics }: EvaluationResult): boolean {
  const [name, limit] = TOO_GOOD[task];
  return metrics.some((item) => item.name === name && item.value >= limit);
}

/** The metrics that tell of numbers and counts, by the loss that is compared. */
const REGRESSION: Readonly<Record<string, string[]>> = {
  'absolute error': ['mae', 'rmse'],
  'pinball loss': ['pinballLoss'],
  deviance: ['poissonDeviance', 'gammaDeviance', 'tweedieDeviance', 'rmse'],
};

/** The two metrics to name first. */
function headline({ task, metrics, gain }: EvaluationResult): Metric[] {
  const names: Record<EvaluationResult['task'], string[]> = {
    binary: ['auc', 'logLoss'],
    multiclass: ['accuracy', 'logLoss'],
    regression: REGRESSION[gain.loss] ?? ['rmse', 'mae'],
    count: REGRESSION[gain.loss] ?? ['rmse', 'mae'],
    ranking: ['ndcg@10', 'ndcg@1'],
  };
  return names[task].flatMap((name) => metrics.filter((item) => item.name === name));
}

function round(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(4)));
}

/**
 * The trivial model to beat: what can be said of a row without looking at it.
 * Read from the training labels alone: class shares, mean, median, and the rate of counts per exposure.
 */
import { SoraError } from '../errors.ts';
import { type LabelTotals, type LearnerView, labels, readTotals, writeTotals } from '../fit/labels.ts';
import type { Json } from '../json.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import { taggedCodec } from '../summary/codec.ts';
import {
  addScores,
  DEFAULT_CAPACITY,
  emptyHistogram,
  histogramQuantile,
  mergeHistogram,
  readHistogram,
  type ScoreHistogram,
  writeHistogram,
} from '../summary/score-histogram.ts';
import type { Summary } from '../summary/summary.ts';

/** Kinds of prediction; a ranking orders rows within their group. */
export type Task = 'binary' | 'multiclass' | 'regression' | 'count' | 'ranking';

/** Constant predictions learned from training labels; JSON. */
export interface Baseline {
  readonly task: Task;
  /** Rows and weight they come from. */
  readonly rows: number;
  readonly weight: number;
  /** Share of each class; empty for numbers and counts. */
  readonly shares: readonly number[];
  readonly mean: number;
  /** Weighted lower median; exact up to f32. */
  readonly median: number;
  /** The quantile that was asked for, likewise. */
  readonly quantile?: number;
  /** Mean count per unit of exposure. */
  readonly rate: number;
}

interface BaselineState {
  totals: LabelTotals;
  histogram: ScoreHistogram;
}

/** Options of {@link baselineSummary}: the number of classes, 0 for numbers and counts. */
export interface BaselineOptions {
  readonly task: Task;
  readonly classes: number;
  /** Share of the labels below the quantile to find. */
  readonly quantile?: number;
}

/** Summary of training labels that reads as a {@link Baseline}. */
export function baselineSummary(options: Json): Summary<BaselineState, Baseline, LearnerView> {
  const { task, classes, quantile } = options as unknown as BaselineOptions;
  const totals = labels({ classes });
  const wantsMedian = task === 'regression' || quantile !== undefined;
  return {
    id: `baseline/1 ${task} ${classes}${quantile === undefined ? '' : ` ${quantile}`}`,
    empty: () => ({ totals: totals.empty(), histogram: emptyHistogram(1, DEFAULT_CAPACITY) }),
    observe(state, view) {
      totals.observe(state.totals, view);
      if (!wantsMedian) return;
      const amounts = view.weights ?? new Float64Array(view.rows).fill(1);
      addScores(state.histogram, view.labels, [amounts], view.rows);
    },
    merge(into, from) {
      totals.merge(into.totals, from.totals);
      mergeHistogram(into.histogram, from.histogram);
    },
    read: ({ totals: { rows, weight, sum, exposure, classes: weights }, histogram }) => ({
      task,
      rows,
      weight,
      shares: Array.from(weights, (share) => (weight > 0 ? share / weight : 0)),
      mean: weight > 0 ? sum / weight : 0,
      median: histogramQuantile(histogram, 0.5) ?? 0,
      ...(quantile === undefined ? {} : { quantile: histogramQuantile(histogram, quantile) ?? 0 }),
      rate: exposure > 0 ? sum / exposure : 0,
    }),
    codec: taggedCodec(
      'baseline/1',
      (writer, state) => {
        writeTotals(writer, state.totals);
        writeHistogram(writer, state.histogram);
      },
      (reader) => ({ totals: readTotals(reader), histogram: readHistogram(reader) }),
    ),
  };
}

/** One round over the training rows. Throws `bad-data` when there are none. */
export async function fitBaseline(
  session: Session,
  options: BaselineOptions & { readonly view: Reference },
): Promise<Baseline> {
  const { task, classes, quantile, view } = options;
  const asked = { task, classes, ...(quantile === undefined ? {} : { quantile }) };
  const summary: Reference = { module: import.meta.url, name: 'baselineSummary', options: asked };
  const { value } = await session.reduce<BaselineState, Baseline>({
    summary,
    view,
    keep: 'root',
    label: 'baseline',
  });
  if (!(value.weight > 0)) {
    throw new SoraError(
      'bad-data',
      'There are no training rows: every label is missing or every weight is 0.',
    );
  }
  return value;
}

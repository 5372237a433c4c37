/**
 * Metrics of rankings as one summary over views: NDCG of the first 10, 5 and 1 places (Järvelin & Kekäläinen 2002;
 * gains 2^relevance − 1), a mean over queries that have a relevant row, weighted by the mean weight of their rows. The
 * baseline is the expected NDCG of a random order. A query is a run of rows of one group.
 */
import { SoraError } from '../errors.ts';
import type { LearnerView } from '../fit/labels.ts';
import type { Json } from '../json.ts';
import { lambdarank, ndcg } from '../loss/lambdarank.ts';
import { checkLabels } from '../loss/loss.ts';
import { type ScorerOptions, scorer } from '../model/scorer.ts';
import { taggedCodec } from '../summary/codec.ts';
import type { Summary } from '../summary/summary.ts';
import type { Baseline } from './baseline.ts';
import {
  addValues,
  emptyMean,
  type MeanState,
  meanInterval,
  mergeMean,
  readMean,
  writeMean,
} from './mean.ts';
import { type EvaluationResult, metric } from './result.ts';

const PLACES = [10, 5, 1];

interface NdcgState {
  rows: number;
  weight: number;
  /** Queries, and those of them without a relevant row, which have no NDCG. */
  queries: number;
  irrelevant: number;
  /** By places. */
  readonly reached: MeanState[];
  readonly random: MeanState[];
  /** What is reached of the first places more than at random. */
  readonly gain: MeanState;
}

/** Options: the model, and its baseline. */
export function ndcgMetrics(
  options: Json,
  parameters?: Uint8Array,
): Summary<NdcgState, EvaluationResult, LearnerView> {
  const { baseline, ...model } = options as unknown as ScorerOptions & { baseline: Baseline };
  const score = scorer(model, parameters);
  return {
    id: `ndcg-metrics/1 ${JSON.stringify(options)}`,
    empty: () => ({
      ...{ rows: 0, weight: 0, queries: 0, irrelevant: 0 },
      ...{ reached: PLACES.map(emptyMean), random: PLACES.map(emptyMean), gain: emptyMean() },
    }),
    observe: (state, view) => observe(state, view, score(view)),
    merge(into, from) {
      into.rows += from.rows;
      into.weight += from.weight;
      into.queries += from.queries;
      into.irrelevant += from.irrelevant;
      means(into).forEach((mean, i) => {
        mergeMean(mean, means(from)[i]);
      });
    },
    read: (state) => read(state, baseline),
    codec: taggedCodec(
      'ndcg-metrics/1',
      (writer, state) => {
        const { rows, weight, queries, irrelevant } = state;
        for (const value of [rows, weight, queries, irrelevant]) writer.f64(value);
        for (const mean of means(state)) writeMean(writer, mean);
      },
      (reader) => ({
        ...{ rows: reader.f64(), weight: reader.f64(), queries: reader.f64(), irrelevant: reader.f64() },
        ...{ reached: PLACES.map(() => readMean(reader)), random: PLACES.map(() => readMean(reader)) },
        gain: readMean(reader),
      }),
    ),
  };
}

const means = ({ reached, random, gain }: NdcgState): MeanState[] => [...reached, ...random, gain];

function observe(state: NdcgState, view: LearnerView, scores: Float64Array): void {
  const { rows, labels, weights, groups } = view;
  if (groups === undefined) {
    throw new SoraError(
      'bad-option',
      'A ranking is judged by queries, and no column says which rows are of one query: name it with --group COLUMN.',
    );
  }
  checkLabels(lambdarank(), labels, 1);
  const columns = [...PLACES, ...PLACES, 0].map(() => new Float64Array(groups.length - 1));
  const amounts = new Float64Array(groups.length - 1);
  let count = 0;
  for (let q = 0; q + 1 < groups.length; q++) {
    const [from, to] = [groups[q], groups[q + 1]];
    const weight = weights === undefined ? 1 : mean(weights.subarray(from, to));
    const own = labels.subarray(from, to);
    state.queries++;
    state.weight += weight;
    const found = PLACES.map((places) => ndcg(scores.subarray(from, to), own, places));
    if (found[0] === undefined) {
      state.irrelevant++;
      continue;
    }
    // Scores that are all equal share the gains of all places: that is the mean over all orders.
    const random = PLACES.map((places) => ndcg(new Float64Array(to - from), own, places) as number);
    [...(found as number[]), ...random, found[0] - random[0]].forEach((value, i) => {
      columns[i][count] = value;
    });
    amounts[count++] = weight;
  }
  state.rows += rows;
  means(state).forEach((one, i) => {
    addValues(one, columns[i], count, amounts);
  });
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function read(state: NdcgState, baseline: Baseline): EvaluationResult {
  const { rows, weight, queries, irrelevant, reached, random, gain } = state;
  const interval = meanInterval(gain);
  const notes =
    irrelevant > 0 ? [`${irrelevant} of ${queries} queries have no relevant row and do not count.`] : [];
  return {
    task: baseline.task,
    rows,
    weight,
    metrics: PLACES.map((places, i) =>
      metric(`ndcg@${places}`, reached[i].mean, 'higher', clipped(meanInterval(reached[i])), random[i].mean),
    ),
    gain: { loss: '1 − NDCG@10', value: gain.mean, ...(interval ? { interval } : {}) },
    calibration: [],
    notes,
  };
}

function clipped(interval: readonly [number, number] | undefined): readonly [number, number] | undefined {
  return interval && [Math.max(0, interval[0]), Math.min(1, interval[1])];
}

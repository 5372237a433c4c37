/**
 * LambdaMART's gradients of rankings (Burges, "From RankNet to LambdaRank to LambdaMART", 2010, sections 3–7): each
 * pair of rows of a query pulls its better one up with a logistic force times the change of NDCG that swapping the two
 * would make. Scores come out of it that order rows within a query; they have no unit and no link.
 * As in LightGBM, pairs count where the higher placed row is among the first {@link TRUNCATION}, forces shrink with the
 * distance of scores, and the forces of a query are scaled by log2(1 + Σ) / Σ.
 */
import { log } from '../kernel/elementary.ts';
import { type RankedRows, withForces } from '../kernel/rank.ts';
import type { Loss } from './loss.ts';

/** Places that pairs are formed for. */
const TRUNCATION = 30;
/** Places of the NDCG that is watched. */
export const WATCHED_PLACES = 10;
/** What a force is divided by, besides the distance of scores. */
const NEAR = 0.01;
/** Largest relevance: 2^31 is a gain that still leaves room. */
const MOST = 31;

const log2 = (x: number): number => log(x) / log(2);

const GAINS = Float64Array.from({ length: MOST + 1 }, (_, relevance) => 2 ** relevance - 1);

/** Gain of a relevance, a whole number up to {@link MOST}: 2^y - 1. */
export function gainOf(relevance: number): number {
  return GAINS[relevance];
}

const DISCOUNTS = Float64Array.from({ length: 1 << 12 }, (_, place) => 1 / log2(place + 2));

/** Discount of a place, counted from 0: 1 / log2(place + 2). */
export function discountOf(place: number): number {
  return place < DISCOUNTS.length ? DISCOUNTS[place] : 1 / log2(place + 2);
}

const counts = new Uint32Array(MOST + 1);

/** DCG of the first `places` of the best order of rows with these relevances. O(rows). */
export function bestDcg(labels: Float64Array, places: number): number {
  counts.fill(0);
  for (let row = 0; row < labels.length; row++) counts[labels[row]]++;
  let [sum, place] = [0, 0];
  for (let relevance = MOST; relevance > 0 && place < places; relevance--) {
    const end = Math.min(places, place + counts[relevance]);
    for (; place < end; place++) sum += GAINS[relevance] * discountOf(place);
  }
  return sum;
}

/** Row numbers by score, highest first; of equal ones the first. */
export function ranked(scores: Float64Array): Uint32Array {
  const order = new Uint32Array(scores.length);
  if (scores.length > FEW) {
    for (let row = 0; row < order.length; row++) order[row] = row;
    return order.sort((a, b) => scores[b] - scores[a] || a - b);
  }
  for (let row = 0; row < order.length; row++) {
    const score = scores[row];
    let place = row;
    for (; place > 0 && scores[order[place - 1]] < score; place--) order[place] = order[place - 1];
    order[place] = row;
  }
  return order;
}

/** Up to so many rows sorting by insertion is faster: most queries are short. */
const FEW = 64;

/**
 * NDCG of the first `places` of a query; rows of equal score share the mean gain of their places (McSherry & Najork,
 * ECIR 2008). Undefined where no row is relevant. O(rows log rows).
 */
export function ndcg(
  scores: Float64Array,
  labels: Float64Array,
  places: number,
  order: Uint32Array = ranked(scores),
): number | undefined {
  const best = bestDcg(labels, places);
  if (!(best > 0)) return undefined;
  let sum = 0;
  for (let first = 0; first < Math.min(places, order.length); ) {
    let [end, gains, discounts] = [first, 0, 0];
    for (; end < order.length && scores[order[end]] === scores[order[first]]; end++) {
      gains += gainOf(labels[order[end]]);
      if (end < places) discounts += discountOf(end);
    }
    sum += (gains / (end - first)) * discounts;
    first = end;
  }
  return sum / best;
}

/**
 * Gradients and curvatures of the rows of one query, added into `residuals` and `curvatures` (zeros before).
 * O(rows log rows + truncation × rows).
 */
export function addLambdas(
  scores: Float64Array,
  labels: Float64Array,
  residuals: Float64Array,
  curvatures: Float64Array,
  order: Uint32Array = ranked(scores),
): void {
  const best = bestDcg(labels, TRUNCATION);
  if (!(best > 0)) return;
  withForces(rankedRows(scores, labels, order, best), TRUNCATION, NEAR, (forces) => {
    if (!(forces.total > 0)) return;
    const scale = log2(1 + forces.total) / forces.total;
    for (let place = 0; place < order.length; place++) {
      const row = order[place];
      residuals[row] += forces.residuals[place] * scale;
      curvatures[row] += forces.curvatures[place] * scale;
    }
  });
}

function rankedRows(
  scores: Float64Array,
  labels: Float64Array,
  order: Uint32Array,
  best: number,
): RankedRows {
  const count = order.length;
  const rows = {
    scores: new Float64Array(count),
    gains: new Float64Array(count),
    discounts: new Float64Array(count),
  };
  for (let place = 0; place < count; place++) {
    const row = order[place];
    rows.scores[place] = scores[row];
    rows.gains[place] = gainOf(labels[row]) / best;
    rows.discounts[place] = discountOf(place);
  }
  return rows;
}

export function lambdarank(): Loss {
  return {
    id: 'lambdarank',
    name: 'lambdarank',
    perClass: false,
    parameter: 0,
    perQuery: true,
    /** Rows alone have no loss: trees evaluate whole queries (fit/tree/query.ts). */
    block({ rows, residuals, curvatures }) {
      residuals.fill(0, 0, rows);
      curvatures?.fill(0, 0, rows);
      return 0;
    },
    labelProblem: (label) =>
      Number.isInteger(label) && label >= 0 && label <= MOST
        ? undefined
        : `it must be a relevance, a whole number from 0 (not relevant) to ${MOST}.`,
    toMeans() {},
    toMargins() {},
    bestConstant: () => Float64Array.of(0),
  };
}

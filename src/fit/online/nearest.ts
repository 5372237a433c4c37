/**
 * The nearest neighbours of a row among the last ones: their classes, or the mean of their numbers, nearer ones counting
 * more. Exact search, by squared Euclidean distance in running standard deviations; categories that differ, and values of
 * which one is missing, count 2: what two values of a standardised number differ by on average.
 * Cover & Hart, IEEE Transactions on Information Theory 13 (1967); weights 1 / distance: Dudani, IEEE SMC 6 (1976).
 */
import { z } from 'zod';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import type { Row } from './row.ts';
import { OnlineScaler } from './scaler.ts';
import { fill, part, prefixed } from './state.ts';

export const nearestOptions = z.strictObject({
  name: z.literal('nearest'),
  neighbours: z.int().min(1).max(1000).default(5),
  /** Rows that are kept. */
  window: z.int().min(1).max(1_000_000).default(1000),
  /** Whether a neighbour counts by the inverse of its distance, or all count alike. */
  votes: z.enum(['distance', 'equal']).default('distance'),
});

/** Squared distance of categories that differ, and of a value to a missing one. */
const APART = 2;

/** Classes or numbers of neighbours. O(window × features) a prediction; 8 bytes a row and feature. */
export function nearest(options: z.infer<typeof nearestOptions>, shape: Shape): OnlineLearner {
  const { neighbours, window, votes } = options;
  const { width, nominal, classes } = shape;
  const values = new Float64Array(window * width);
  const labels = new Float64Array(window);
  const weights = new Float64Array(window);
  /** Rows learned; row r lies at r mod window. */
  const rows = new Float64Array(1);
  const scaler = new OnlineScaler(width);
  /** What a squared difference of a number is multiplied by. */
  const units = new Float64Array(width);
  const found = new Nearest(neighbours);

  /** Squared distance to a row of the window, or more than `most`. */
  function distance(row: Row, at: number, most: number): number {
    let sum = 0;
    for (let f = 0; f < width && sum <= most; f++) {
      const [a, b] = [row.values[f], values[at * width + f]];
      if (Number.isNaN(a) || Number.isNaN(b)) sum += Number.isNaN(a) && Number.isNaN(b) ? 0 : APART;
      else if (nominal[f]) sum += a === b ? 0 : APART;
      else sum += (a - b) * (a - b) * units[f];
    }
    return sum;
  }

  /** The nearest rows; of those as far the last ones. */
  function search(row: Row): void {
    for (let f = 0; f < width; f++) {
      const variance = scaler.variance(f);
      units[f] = variance > 0 ? 1 / variance : 0;
    }
    found.clear();
    const first = Math.max(0, rows[0] - window);
    for (let r = rows[0] - 1; r >= first; r--) {
      const at = r % window;
      found.offer(at, distance(row, at, found.farthest));
    }
  }

  /** What neighbour number `n` counts. Where some are no distance away, they alone count. */
  function vote(n: number): number {
    const weight = weights[found.places[n]];
    if (votes === 'equal') return weight;
    if (found.distances[0] === 0) return found.distances[n] === 0 ? weight : 0;
    return weight / Math.sqrt(found.distances[n]);
  }

  const save = (): Arrays => ({ values, labels, weights, rows, ...prefixed(scaler.save(), 'scaler.') });

  return {
    learn(row, label, weight) {
      const at = rows[0] % window;
      for (let f = 0; f < width; f++) {
        values[at * width + f] = row.values[f];
        if (!nominal[f] && !Number.isNaN(row.values[f])) scaler.learn(f, row.values[f]);
      }
      labels[at] = label;
      weights[at] = weight;
      rows[0] += 1;
    },
    predict(row, out) {
      search(row);
      out.fill(0);
      let total = 0;
      for (let n = 0; n < found.count; n++) {
        const share = vote(n);
        const label = labels[found.places[n]];
        total += share;
        if (classes > 0) out[label] += share;
        else out[0] += share * label;
      }
      for (let k = 0; k < out.length; k++)
        out[k] = total > 0 ? out[k] / total : classes > 0 ? 1 / classes : 0;
    },
    save,
    grown: save,
    restore(arrays) {
      fill(values, arrays, 'values');
      fill(labels, arrays, 'labels');
      fill(weights, arrays, 'weights');
      fill(rows, arrays, 'rows');
      scaler.restore(part(arrays, 'scaler.'));
    },
  };
}

/** The nearest of what was offered, in order; of two as far, the one offered first. */
class Nearest {
  count = 0;
  readonly places: Uint32Array;
  readonly distances: Float64Array;

  constructor(most: number) {
    this.places = new Uint32Array(most);
    this.distances = new Float64Array(most);
  }

  clear(): void {
    this.count = 0;
  }

  /** A distance from which on nothing is taken any more. */
  get farthest(): number {
    return this.count < this.places.length ? Number.POSITIVE_INFINITY : this.distances[this.count - 1];
  }

  offer(place: number, distance: number): void {
    if (distance >= this.farthest) return;
    let at = this.count < this.places.length ? this.count++ : this.count - 1;
    for (; at > 0 && this.distances[at - 1] > distance; at--) {
      this.places[at] = this.places[at - 1];
      this.distances[at] = this.distances[at - 1];
    }
    this.places[at] = place;
    this.distances[at] = distance;
  }
}

/**
 * Do predictions mean what they say? Read from score histograms whose channels are (negative, positive) weights
 * for margins, or (weight, weight·label) for numbers and counts. All O(bins).
 * Reliability bins hold equal weight; the expected calibration error is Σ weight·|observed − predicted| over them
 * (Naeini et al. 2015, with equal-mass bins). Platt (1999) scaling is fitted by Newton on the histogram.
 */
import { log, sigmoid, softplus } from '../kernel/elementary.ts';
import { binScore, type ScoreHistogram } from '../summary/score-histogram.ts';
import type { ReliabilityBin } from './result.ts';

/** Equal-mass reliability bins: `predict` gives what a bin's score says, `observe` what its sums say came. */
function reliability(
  histogram: ScoreHistogram,
  bins: number,
  weightOf: (bin: number) => number,
  observedOf: (bin: number) => number,
  predict: (score: number) => number,
): ReliabilityBin[] {
  let total = 0;
  for (let bin = 0; bin < histogram.keys.length; bin++) total += weightOf(bin);
  const out: ReliabilityBin[] = [];
  let filled = 0;
  let seen = 0;
  let weight = 0;
  let predicted = 0;
  let observed = 0;
  for (let bin = 0; bin < histogram.keys.length; bin++) {
    const w = weightOf(bin);
    weight += w;
    seen += w;
    predicted += w * predict(binScore(histogram, bin));
    observed += observedOf(bin);
    const reached = Math.floor((seen / total) * bins + 1e-9);
    if ((reached > filled || bin === histogram.keys.length - 1) && weight > 0) {
      out.push({ predicted: predicted / weight, observed: observed / weight, weight });
      filled = reached;
      weight = 0;
      predicted = 0;
      observed = 0;
    }
  }
  return out;
}

/** Reliability of probabilities sigmoid(margin). */
export function reliabilityOfMargins(histogram: ScoreHistogram, bins = 15): ReliabilityBin[] {
  const [negatives, positives] = histogram.sums;
  return reliability(
    histogram,
    bins,
    (bin) => negatives[bin] + positives[bin],
    (bin) => positives[bin],
    sigmoid,
  );
}

/** Reliability of predicted numbers: channels are weight and weight·label. */
export function reliabilityOfValues(histogram: ScoreHistogram, bins = 15): ReliabilityBin[] {
  const [weights, sums] = histogram.sums;
  return reliability(
    histogram,
    bins,
    (bin) => weights[bin],
    (bin) => sums[bin],
    (score) => score,
  );
}

/** Σ weight·|observed − predicted| / Σ weight. */
export function expectedCalibrationError(bins: readonly ReliabilityBin[]): number {
  let sum = 0;
  let weight = 0;
  for (const bin of bins) {
    sum += bin.weight * Math.abs(bin.observed - bin.predicted);
    weight += bin.weight;
  }
  return weight > 0 ? sum / weight : 0;
}

/** Calibrated margin = slope · margin + intercept. */
export interface PlattScaling {
  readonly slope: number;
  readonly intercept: number;
}

/**
 * Slope and intercept that minimise the log loss of sigmoid(slope·margin + intercept) on the histogram's rows,
 * with Platt's smoothed targets. Undefined unless both classes have weight. Damped Newton, at most 50 steps.
 */
export function plattScaling(histogram: ScoreHistogram): PlattScaling | undefined {
  const [negatives, positives] = histogram.sums;
  const margins = Float64Array.from(histogram.keys, (_, bin) => binScore(histogram, bin));
  let negative = 0;
  let positive = 0;
  for (let bin = 0; bin < margins.length; bin++) {
    negative += negatives[bin];
    positive += positives[bin];
  }
  if (!(negative > 0 && positive > 0)) return undefined;
  const high = (positive + 1) / (positive + 2);
  const low = 1 / (negative + 2);
  const targets = positives.map((weight, bin) => high * weight + low * negatives[bin]);
  const weights = positives.map((weight, bin) => weight + negatives[bin]);
  return newtonPlatt(margins, targets, weights, log((positive + 1) / (negative + 1)));
}

function newtonPlatt(
  margins: Float64Array,
  targets: Float64Array,
  weights: Float64Array,
  prior: number,
): PlattScaling {
  const lossAt = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < margins.length; i++) {
      const m = a * margins[i] + b;
      sum += weights[i] * softplus(m) - targets[i] * m;
    }
    return sum;
  };
  let a = 0;
  let b = prior;
  let loss = lossAt(a, b);
  for (let round = 0; round < 50; round++) {
    let ga = 0;
    let gb = 0;
    let haa = 1e-12;
    let hab = 0;
    let hbb = 1e-12;
    for (let i = 0; i < margins.length; i++) {
      const p = sigmoid(a * margins[i] + b);
      const residual = weights[i] * p - targets[i];
      const curvature = weights[i] * p * (1 - p);
      ga += residual * margins[i];
      gb += residual;
      haa += curvature * margins[i] * margins[i];
      hab += curvature * margins[i];
      hbb += curvature;
    }
    const determinant = haa * hbb - hab * hab;
    if (!(determinant > 0)) break;
    const da = -(hbb * ga - hab * gb) / determinant;
    const db = -(haa * gb - hab * ga) / determinant;
    const slope = ga * da + gb * db;
    if (-slope <= 1e-13 * (1 + Math.abs(loss))) break;
    let step = 1;
    let next = lossAt(a + da, b + db);
    while (!(next <= loss + 1e-4 * step * slope) && step > 1e-10) {
      step /= 2;
      next = lossAt(a + step * da, b + step * db);
    }
    a += step * da;
    b += step * db;
    loss = next;
  }
  return { slope: a, intercept: b };
}

/**
 * The best split of a node, read from its histogram: second-order gain G²/(H + λ) of the sides less that of the node
 * (Chen & Guestrin 2016, equation 7). Missing values are tried on both sides. Categories are ordered by G/(H + s) and
 * split as if they were numbers, from both ends (Fisher 1958; the smoothing is LightGBM's).
 * Pure; O(features × bins). Among equal gains the first feature, then the first bin, wins.
 */
import type { KernelRun } from '../../kernel/mode.ts';
import { FEATURE_WORDS } from '../../kernel/tree.ts';
import {
  featureSums,
  NO_THRESHOLD,
  type Scan,
  SPARE_WORDS,
  searchByScan,
  searchThresholds,
  type ThresholdRules,
} from '../../kernel/tree-search.ts';
import type { FeatureBins } from './bins.ts';
import { placesOf, type RecordLayout } from './layout.ts';
import type { Split } from './round.ts';

/** Limits and penalties of splits. */
export interface SplitRules {
  readonly l2: number;
  /** Least rows of a child, estimated from the node's rows by their Hessians. */
  readonly minRows: number;
  /** Least Σ Hessian of a child. */
  readonly minHessian: number;
  readonly minGain: number;
}

/** What the values of a node's leaves must lie between. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** Monotone constraints at a node: by feature 1 (margins must not fall with it), −1 (not rise) or 0; and bounds so far. */
export interface Monotone {
  readonly directions: ArrayLike<number>;
  readonly bounds: Bounds;
}

/** What is known of a node. Sums are of small integers times the units. */
export interface NodeSums {
  readonly rows: number;
  readonly gradient: number;
  readonly hessian: number;
}

/** A split that would be made, and the sums of its left side. */
export interface Candidate {
  readonly gain: number;
  readonly split: Omit<Split, 'node'>;
  readonly left: NodeSums;
  readonly right: NodeSums;
}

/** Units of the integers in a histogram: 1 / scale. */
export interface Units {
  readonly gradient: number;
  readonly hessian: number;
}

/** More penalty and rows, where categories are split: few rows a category look better than they are. */
const CATEGORY_L2 = 10;
const CATEGORY_SMOOTHING = 10;
const MOST_CATEGORIES = 32;
/** Up to here each category is tried against the rest. */
const ONE_AGAINST_REST = 4;

/** Sums of a whole node: those of any one feature. */
export function nodeSums(histogram: Int32Array, units: Units, rows: number): NodeSums {
  let [gradient, hessian] = [0, 0];
  for (let i = 0; i < FEATURE_WORDS; i += 2) {
    hessian += histogram[i] >>> 0;
    gradient += histogram[i + 1];
  }
  return { rows, gradient: gradient * units.gradient, hessian: hessian * units.hessian };
}

/** The features of a fit, as splits are searched among them. */
export interface SearchPlan {
  readonly bins: readonly FeatureBins[];
  /** Where each feature stands in a histogram. */
  readonly places: Int32Array;
  /** 1 for each number that can be split. */
  readonly numeric: Uint8Array;
  /** Those that are categories. */
  readonly categorical: readonly number[];
}

/** The plan for features with these bins, whose records have this layout. */
export function searchPlan(bins: readonly FeatureBins[], layout?: RecordLayout): SearchPlan {
  return {
    bins,
    places: placesOf(bins, layout),
    numeric: Uint8Array.from(bins, ({ categorical, count }) => (!categorical && count > 1 ? 1 : 0)),
    categorical: [...bins.keys()].filter((f) => bins[f].categorical),
  };
}

/** The best split among the features that are allowed; undefined if none gains more than the rules ask. */
export function bestSplit(
  run: KernelRun,
  histogram: Int32Array,
  plan: SearchPlan,
  node: NodeSums,
  units: Units,
  rules: SplitRules,
  allowed?: Uint8Array,
  monotone?: Monotone,
): Candidate | undefined {
  if (node.rows < 2 * rules.minRows) return undefined;
  const number = bestNumber(run, histogram, plan, node, units, rules, allowed, monotone);
  const spare = new Int32Array(plan.categorical.length > 0 ? SPARE_WORDS : 0);
  let best = number;
  for (const f of plan.categorical) {
    if (allowed !== undefined && allowed[f] === 0) continue;
    const sums = featureSums(histogram, plan.places, f, spare);
    const set = bestSet(sums, f, plan.bins[f].count, node, units, rules, monotone?.bounds);
    if (set !== undefined && set.gain > rules.minGain && comesBefore(set, best)) best = set;
  }
  return best;
}

/** Whether a candidate gains more, or as much with an earlier feature. */
function comesBefore(a: Candidate, b: Candidate | undefined): boolean {
  if (b === undefined || a.gain !== b.gain) return b === undefined || a.gain > b.gain;
  return a.split.feature < b.split.feature;
}

/** The best threshold of a number, missing values on either side where there are any. */
function bestNumber(
  run: KernelRun,
  histogram: Int32Array,
  { places, numeric, bins }: SearchPlan,
  node: NodeSums,
  units: Units,
  rules: SplitRules,
  allowed: Uint8Array | undefined,
  monotone: Monotone | undefined,
): Candidate | undefined {
  const threshold = thresholdRules(node, units, rules, monotone?.bounds);
  const asked = allowed === undefined ? numeric : numeric.map((one, f) => one & allowed[f]);
  const scan: Scan | undefined =
    monotone &&
    ((sums, count, from, f) => constrained(sums, count, from, threshold, monotone, monotone.directions[f]));
  const found = scan
    ? searchByScan(histogram, places, asked, scan, rules.minGain)
    : searchThresholds(run, histogram, places, asked, threshold, rules.minGain);
  if (found === undefined) return undefined;
  const { feature, gain, bin, gradient, hessian } = found;
  // Without missing values in training, one that comes later goes with the larger side.
  const { missingLeft = 2 * hessian * units.hessian > node.hessian } = found;
  return candidate(
    gain,
    { feature, bin, missingLeft, bins: bins[feature].count },
    gradient,
    hessian,
    node,
    units,
  );
}

function thresholdRules(node: NodeSums, units: Units, rules: SplitRules, bounds?: Bounds): ThresholdRules {
  const { l2 } = rules;
  return {
    nodeGradient: node.gradient,
    nodeHessian: node.hessian,
    gradientUnit: units.gradient,
    hessianUnit: units.hessian,
    l2,
    least: leastHessian(node, rules),
    whole: scoreOf(node.gradient, node.hessian, l2, bounds),
  };
}

/** Least Hessian of a side: its rows are estimated by their share of the node's Hessian. */
function leastHessian({ rows, hessian }: NodeSums, { minRows, minHessian }: SplitRules): number {
  return hessian > 0 ? Math.max(minHessian, ((minRows - 0.5) * hessian) / rows) : minHessian;
}

/** The value of a leaf: −G / (H + l2), held within bounds. */
export function leafValue(gradient: number, hessian: number, l2: number, bounds?: Bounds): number {
  const value = -gradient / (hessian + l2);
  return bounds === undefined ? value : Math.min(bounds.high, Math.max(bounds.low, value));
}

/** How much a leaf of these sums lowers the objective, twice: G² / (H + l2) where no bound holds its value. */
function scoreOf(gradient: number, hessian: number, l2: number, bounds?: Bounds): number {
  if (bounds === undefined) return (gradient * gradient) / (hessian + l2);
  const value = leafValue(gradient, hessian, l2, bounds);
  return -(2 * gradient * value + (hessian + l2) * value * value);
}

/** The best threshold whose sides keep to the bounds and, by their values, to the direction. As bestThreshold. */
function constrained(
  feature: Int32Array,
  bins: number,
  from: { gradient: number; hessian: number },
  { nodeGradient, nodeHessian, gradientUnit, hessianUnit, l2, least, whole }: ThresholdRules,
  { bounds }: Monotone,
  direction: number,
): ReturnType<Scan> {
  let { gradient, hessian } = from;
  let best = NO_THRESHOLD;
  for (let i = 0; i < 2 * (bins - 1); i += 2) {
    if (feature[i] === 0 && feature[i + 1] === 0) continue;
    hessian += feature[i] >>> 0;
    gradient += feature[i + 1];
    const [g, h] = [gradient * gradientUnit, hessian * hessianUnit];
    const [other, rest] = [nodeGradient - g, nodeHessian - h];
    if (h < least) continue;
    if (rest < least) break;
    const rise = leafValue(other, rest, l2, bounds) - leafValue(g, h, l2, bounds);
    if (rise * direction < 0) continue;
    const gain = scoreOf(g, h, l2, bounds) + scoreOf(other, rest, l2, bounds) - whole;
    if (gain > best.gain) best = { gain, bin: i >> 1, gradient, hessian };
  }
  return best;
}

/** Bounds of both children of a split: where it is by a constrained feature, the middle of their values divides them. */
export function childBounds(
  { split, left, right }: Candidate,
  { directions, bounds }: Monotone,
  l2: number,
): readonly [left: Bounds, right: Bounds] {
  const direction = directions[split.feature] ?? 0;
  if (direction === 0) return [bounds, bounds];
  const middle =
    (leafValue(left.gradient, left.hessian, l2, bounds) +
      leafValue(right.gradient, right.hessian, l2, bounds)) /
    2;
  const below = { low: bounds.low, high: Math.min(bounds.high, middle) };
  const above = { low: Math.max(bounds.low, middle), high: bounds.high };
  return direction > 0 ? [below, above] : [above, below];
}

function candidate(
  gain: number,
  split: Omit<Split, 'node'>,
  gradient: number,
  hessian: number,
  node: NodeSums,
  units: Units,
): Candidate {
  const [g, h] = [gradient * units.gradient, hessian * units.hessian];
  const share = node.hessian > 0 ? h / node.hessian : 0;
  return {
    gain,
    split,
    left: { rows: Math.round(node.rows * share), gradient: g, hessian: h },
    right: {
      rows: node.rows - Math.round(node.rows * share),
      gradient: node.gradient - g,
      hessian: node.hessian - h,
    },
  };
}

/** Sets of categories: the bins in an order, and prefixes of that order (or single bins) as the left side. */
function bestSet(
  histogram: Int32Array,
  feature: number,
  bins: number,
  node: NodeSums,
  units: Units,
  rules: SplitRules,
  bounds?: Bounds,
): Candidate | undefined {
  const rowsPerHessian = node.hessian > 0 ? node.rows / node.hessian : 0;
  const hessianOf = (bin: number): number => (histogram[2 * bin] >>> 0) * units.hessian;
  const present: number[] = [];
  // The bin of missing values is a category like any other.
  for (let bin = 0; bin <= bins; bin++) if (histogram[2 * bin] !== 0) present.push(bin);
  if (present.length < 2) return undefined;
  const few = present.length <= ONE_AGAINST_REST;
  const ratio = (bin: number): number =>
    (histogram[2 * bin + 1] * units.gradient) / (hessianOf(bin) + CATEGORY_SMOOTHING);
  const ordered = few
    ? present
    : present
        .filter((bin) => hessianOf(bin) * rowsPerHessian >= CATEGORY_SMOOTHING)
        .sort((a, b) => ratio(a) - ratio(b) || a - b);
  const strict = few ? rules : { ...rules, l2: rules.l2 + CATEGORY_L2 };
  let best: { gain: number; set: number[]; gradient: number; hessian: number } | undefined;
  for (const list of few ? [ordered] : [ordered, [...ordered].reverse()]) {
    let [gradient, hessian] = [0, 0];
    const most = few ? list.length : Math.min(MOST_CATEGORIES, list.length - 1);
    for (let i = 0; i < most; i++) {
      if (few) [gradient, hessian] = [0, 0];
      hessian += histogram[2 * list[i]] >>> 0;
      gradient += histogram[2 * list[i] + 1];
      const gain = gainOf(gradient * units.gradient, hessian * units.hessian, node, strict, bounds);
      if (gain > (best?.gain ?? 0)) {
        best = { gain, set: few ? [list[i]] : list.slice(0, i + 1), gradient, hessian };
      }
    }
  }
  if (best === undefined) return undefined;
  const { gain, set, gradient, hessian } = best;
  const missingLeft = set.includes(bins);
  const members = set.filter((bin) => bin !== bins).sort((a, b) => a - b);
  return candidate(
    gain,
    { feature, bin: 0, set: members, missingLeft, bins },
    gradient,
    hessian,
    node,
    units,
  );
}

function gainOf(g: number, h: number, node: NodeSums, rules: SplitRules, bounds?: Bounds): number {
  const { l2 } = rules;
  const least = leastHessian(node, rules);
  const [rest, other] = [node.hessian - h, node.gradient - g];
  if (h < least || rest < least) return Number.NEGATIVE_INFINITY;
  const whole = scoreOf(node.gradient, node.hessian, l2, bounds);
  return scoreOf(g, h, l2, bounds) + scoreOf(other, rest, l2, bounds) - whole;
}

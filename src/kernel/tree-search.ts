/**
 * The search for the best threshold of a node, every numeric feature of its histogram in one call: kernels/search.ts,
 * or the twin here, which gives the same bits. Features that share a byte of the record are told apart first.
 */
import type { KernelRun } from './mode.ts';
import { FEATURE_WORDS } from './tree.ts';

/**
 * Words a feature has in `places`: byte of the record; bins of present values; code of its first bin in its digit of that
 * byte, or −1 where codes are bins; its usual bin, where they are not; divisor and radix of the digit, which is
 * ⌊byte / divisor⌋ mod radix, or radix 0 where the byte has no other.
 */
export const PLACE_WORDS = 6;

/** What a threshold is chosen by. Units are those of the whole numbers in a histogram. */
export interface ThresholdRules {
  readonly nodeGradient: number;
  readonly nodeHessian: number;
  readonly gradientUnit: number;
  readonly hessianUnit: number;
  readonly l2: number;
  /** Least Hessian of a side. */
  readonly least: number;
  /** Score of the node itself, which gains are over. */
  readonly whole: number;
}

/** Sums of one side of a threshold as whole numbers, and the gain; gain −infinity and bin −1: there is none. */
export interface Threshold {
  readonly gain: number;
  readonly bin: number;
  readonly gradient: number;
  readonly hessian: number;
}

/** The best threshold of a node. */
export interface FoundThreshold extends Threshold {
  readonly feature: number;
  /** Side of the missing values; absent where no value is missing. */
  readonly missingLeft?: boolean;
}

/** No threshold. */
export const NO_THRESHOLD: Threshold = { gain: Number.NEGATIVE_INFINITY, bin: -1, gradient: 0, hessian: 0 };

/** Scans the bins of a feature, its left side beginning with these sums. */
export type Scan = (
  sums: Int32Array,
  bins: number,
  from: { readonly gradient: number; readonly hessian: number },
  feature: number,
) => Threshold;

/**
 * The best threshold of the features with 1 in `asked`: the last bin that goes left, by G² / (H + l2) of both sides,
 * missing values tried on both. Undefined where none gains more than `floor`. Among equal gains the first feature, then
 * missing values to the right, then the first bin. `histogram` is resident on the WebAssembly path.
 * O(features × bins): 1–2 ns a bin that is not empty.
 */
export function searchThresholds(
  run: KernelRun,
  histogram: Int32Array,
  places: Int32Array,
  asked: Uint8Array,
  rules: ThresholdRules,
  floor: number,
): FoundThreshold | undefined {
  const { wasm } = run;
  if (!wasm || !run.inPlace(histogram)) {
    const scan: Scan = (sums, bins, from) => scanThresholds(sums, bins, from, rules);
    return searchByScan(histogram, places, asked, scan, floor);
  }
  const { nodeGradient, nodeHessian, gradientUnit, hessianUnit, l2, least, whole } = rules;
  const numbers = run.zeros(Float64Array, 14);
  numbers.set([nodeGradient, nodeHessian, gradientUnit, hessianUnit, l2, least, whole, floor]);
  const out = numbers.subarray(8);
  wasm.treeSearch(
    histogram.byteOffset,
    run.place(places).byteOffset,
    run.place(asked).byteOffset,
    asked.length,
    run.zeros(Int32Array, SPARE_WORDS).byteOffset,
    numbers.byteOffset,
    out.byteOffset,
  );
  if (out[0] < 0) return undefined;
  const [feature, gain, bin, gradient, hessian, side] = out;
  return { feature, gain, bin, gradient, hessian, ...(side === 0 ? {} : { missingLeft: side === 2 }) };
}

/** The same by a scan of one's own, in plain TypeScript. */
export function searchByScan(
  histogram: Int32Array,
  places: Int32Array,
  asked: Uint8Array,
  scan: Scan,
  floor: number,
): FoundThreshold | undefined {
  const spare = new Int32Array(SPARE_WORDS);
  let best: FoundThreshold | undefined;
  for (let feature = 0; feature < asked.length; feature++) {
    if (asked[feature] === 0) continue;
    const bins = places[PLACE_WORDS * feature + 1];
    const sums = featureSums(histogram, places, feature, spare);
    const missing = { hessian: sums[2 * bins] >>> 0, gradient: sums[2 * bins + 1] };
    const anyMissing = missing.hessian !== 0 || missing.gradient !== 0;
    const right = scan(sums, bins, { gradient: 0, hessian: 0 }, feature);
    const left = anyMissing ? scan(sums, bins, missing, feature) : NO_THRESHOLD;
    const missingLeft = left.gain > right.gain;
    const found = missingLeft ? left : right;
    if (found.bin < 0 || !(found.gain > (best?.gain ?? floor))) continue;
    best = { feature, ...found, ...(anyMissing ? { missingLeft } : {}) };
  }
  return best;
}

function scanThresholds(
  sums: Int32Array,
  bins: number,
  from: { readonly gradient: number; readonly hessian: number },
  { nodeGradient, nodeHessian, gradientUnit, hessianUnit, l2, least, whole }: ThresholdRules,
): Threshold {
  let { gradient, hessian } = from;
  let best = NO_THRESHOLD;
  for (let i = 0; i < 2 * (bins - 1); i += 2) {
    // An empty bin changes nothing; in small leaves most are.
    if (sums[i] === 0 && sums[i + 1] === 0) continue;
    hessian += sums[i] >>> 0;
    gradient += sums[i + 1];
    const h = hessian * hessianUnit;
    if (h < least) continue;
    const rest = nodeHessian - h;
    if (rest < least) break;
    const g = gradient * gradientUnit;
    const other = nodeGradient - g;
    const gain = (g * g) / (h + l2) + (other * other) / (rest + l2) - whole;
    if (gain > best.gain) best = { gain, bin: i >> 1, gradient, hessian };
  }
  return best;
}

/** Words of scratch that {@link featureSums} needs. */
export const SPARE_WORDS = 2 * FEATURE_WORDS;

/**
 * The sums of one feature from the histogram of a node, by bin: a part of the histogram, or of `spare`
 * ({@link SPARE_WORDS} words), as far as the feature has bins. Sums of 32 bits wrap, and come out right. O(bins), and
 * O(256) where features share the byte: a digit has the sums of all bytes that have it, and of several features that share
 * a digit, the usual bin of each has what its others leave of the node.
 */
export function featureSums(
  histogram: Int32Array,
  places: Int32Array,
  feature: number,
  spare: Int32Array,
): Int32Array {
  const [column, bins, first, usual, divisor, radix] = places.subarray(
    PLACE_WORDS * feature,
    PLACE_WORDS * (feature + 1),
  );
  const byte = histogram.subarray(column * FEATURE_WORDS, (column + 1) * FEATURE_WORDS);
  const digit = radix > 0 ? digitSums(byte, divisor, radix, spare) : byte;
  if (first < 0) return digit;
  const out = spare.subarray(FEATURE_WORDS);
  let [hessian, gradient] = [0, 0];
  for (let i = 0; i < FEATURE_WORDS; i += 2) {
    hessian += byte[i];
    gradient += byte[i + 1];
  }
  for (let bin = 0, at = 2 * first; bin <= bins; bin++) {
    if (bin === usual) continue;
    out[2 * bin] = digit[at++];
    out[2 * bin + 1] = digit[at++];
    hessian -= out[2 * bin];
    gradient -= out[2 * bin + 1];
  }
  out[2 * usual] = hessian;
  out[2 * usual + 1] = gradient;
  return out;
}

/** The sums of the codes c with ⌊c / divisor⌋ mod radix = 0, 1 …, into `out`. */
function digitSums(byte: Int32Array, divisor: number, radix: number, out: Int32Array): Int32Array {
  out.fill(0, 0, 2 * radix);
  for (let code = 0; code < FEATURE_WORDS / 2; code++) {
    const digit = Math.floor(code / divisor) % radix;
    out[2 * digit] += byte[2 * code];
    out[2 * digit + 1] += byte[2 * code + 1];
  }
  return out;
}

/**
 * What is measured of opaque bytes, whatever they hold: log length, entropy, and how often values of each range stand.
 * Byte frequencies and entropy are how file types are told apart without knowing a format (McDaniel and Heydari 2003),
 * and the format-free features of EMBER (Anderson and Roth 2018). Shares enter as square roots (Hellinger), so that a
 * range of few bytes is not drowned by one of many; their squares add up to 1.
 */
import { log, log1p } from '../kernel/elementary.ts';

/** Ranges of byte values, 8 values each: 00–07, 08–0f, … f8–ff. */
const RANGES = 32;
const VALUES_PER_RANGE = 256 / RANGES;

/** Measures of a value: log length, entropy, then the ranges. */
export const BYTE_FEATURES = 2 + RANGES;

const counts = new Uint32Array(256);
const INV_LN2 = Math.LOG2E;
/** c · ln c of small counts, most of those of values up to many kilobytes. */
const WEIGHED_LOGS = Float64Array.from({ length: 1024 }, (_, count) => (count > 1 ? count * log(count) : 0));

/**
 * Writes the measures of `bytes`, measure k to `out[at + k * stride]`: log(1 + length), entropy in bits a byte
 * (0 … 8), and √(share) of each range. Empty values have 0 everywhere. O(length + 256).
 */
export function byteFeatures(bytes: Uint8Array, out: Float64Array, at = 0, stride = 1): void {
  const { length } = bytes;
  counts.fill(0);
  for (let i = 0; i < length; i++) counts[bytes[i]]++;
  out[at] = log1p(length);
  out[at + stride] = length === 0 ? 0 : entropy(length);
  for (let range = 0; range < RANGES; range++) {
    let count = 0;
    const first = range * VALUES_PER_RANGE;
    for (let value = first; value < first + VALUES_PER_RANGE; value++) count += counts[value];
    out[at + (2 + range) * stride] = count === 0 ? 0 : Math.sqrt(count / length);
  }
}

/** Shannon entropy of `counts`, which add up to `total`: log₂ n − Σ c·log₂ c / n. */
function entropy(total: number): number {
  let sum = 0;
  for (let value = 0; value < 256; value++) {
    const count = counts[value];
    sum += count < WEIGHED_LOGS.length ? WEIGHED_LOGS[count] : count * log(count);
  }
  return Math.max(0, log(total) - sum / total) * INV_LN2;
}

/** Name of a measure: `log length`, `entropy`, `bytes 48–4f`. */
export function byteFeatureName(index: number): string {
  if (index < 2) return index === 0 ? 'log length' : 'entropy';
  const first = (index - 2) * VALUES_PER_RANGE;
  return `bytes ${hex(first)}–${hex(first + VALUES_PER_RANGE - 1)}`;
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0');
}

/**
 * ADWIN: a window of the latest values that is cut when its older part differs from its newer one.
 * Bifet & Gavaldà, "Learning from Time-Changing Data with Adaptive Windowing", SDM 2007 (ADWIN2). The window is kept as an
 * exponential histogram: buckets of 2^r values, at most M of each size, so memory and time are O(M log width).
 *   cut where |mean₀ − mean₁| > √(2 m σ² δ′) + ⅔ m δ′,  δ′ = ln(2 ln(width) / δ),
 *   m = 1 / (n₀ − L + 1) + 1 / (n₁ − L + 1)             (L: shortest part)
 * False alarms: at most about δ a test. Delay: grows as the square of σ over the change of the mean.
 */
import { log } from '../../../kernel/elementary.ts';
import type { Arrays } from '../learner.ts';
import { fill } from '../state.ts';
import type { DriftEvidence } from './detector.ts';

/** Buckets of one size at most; one more before two of them merge. */
const MOST = 5;
const PLACES = MOST + 1;
/** Sizes 2^0 … 2^39. */
const SIZES = 40;
/** Values between tests, values before the first, and the shortest part that is compared. */
const CLOCK = 32;
const GRACE = 10;
const SHORTEST = 5;

const WIDTH = 0;
const TOTAL = 1;
const VARIANCE = 2;
const TICKS = 3;

/** A detector of changes of the mean of numbers, of any scale. */
export class Adwin {
  readonly #delta: number;
  /** Sum and n · variance of bucket b of size r at [r · PLACES + b], oldest first. */
  readonly #sums = new Float64Array(SIZES * PLACES);
  readonly #spreads = new Float64Array(SIZES * PLACES);
  readonly #counts = new Uint32Array(SIZES);
  /** Width, sum, n · variance of the window, and values since the start. */
  readonly #window = new Float64Array(4);
  /** Of the cut last made: distance of the means, its bound, means before and after, values after. */
  readonly #cut = new Float64Array(5);

  constructor(delta = 0.002) {
    this.#delta = delta;
  }

  /** Values in the window. */
  get width(): number {
    return this.#window[WIDTH];
  }

  /** Mean of the window; 0 while it is empty. */
  get mean(): number {
    return this.#window[WIDTH] > 0 ? this.#window[TOTAL] / this.#window[WIDTH] : 0;
  }

  /** Sum of squared distances of the window's values from their mean. */
  get spread(): number {
    return this.#window[VARIANCE];
  }

  /** What the cut last made was made for; no part of the state. */
  get cut(): DriftEvidence {
    const [statistic, threshold, before, after, delay] = this.#cut;
    return { statistic, threshold, before, after, delay };
  }

  /** Takes a value; true if the mean has changed, and the older part was cut off. */
  update(value: number): boolean {
    this.#insert(value);
    this.#compress();
    const window = this.#window;
    window[TICKS] += 1;
    if (window[TICKS] % CLOCK !== 0 || window[WIDTH] <= GRACE) return false;
    let changed = false;
    while (this.#differs()) {
      changed = true;
      this.#dropOldest();
    }
    return changed;
  }

  /** As new. */
  reset(): void {
    this.#sums.fill(0);
    this.#spreads.fill(0);
    this.#counts.fill(0);
    this.#window.fill(0);
  }

  save(): Arrays {
    return { sums: this.#sums, spreads: this.#spreads, counts: this.#counts, window: this.#window };
  }

  restore(arrays: Arrays): void {
    fill(this.#sums, arrays, 'sums');
    fill(this.#spreads, arrays, 'spreads');
    fill(this.#counts, arrays, 'counts');
    fill(this.#window, arrays, 'window');
  }

  #insert(value: number): void {
    const window = this.#window;
    this.#push(0, value, 0);
    window[WIDTH] += 1;
    if (window[WIDTH] > 1) {
      const others = window[WIDTH] - 1;
      const d = value - window[TOTAL] / others;
      window[VARIANCE] += (others * d * d) / window[WIDTH];
    }
    window[TOTAL] += value;
  }

  #push(size: number, sum: number, spread: number): void {
    const at = size * PLACES + this.#counts[size]++;
    this.#sums[at] = sum;
    this.#spreads[at] = spread;
  }

  /** Merges the two oldest buckets of a size of which there are too many, size by size. */
  #compress(): void {
    for (let size = 0; size < SIZES - 1 && this.#counts[size] > MOST; size++) {
      const at = size * PLACES;
      const n = 2 ** size;
      const d = this.#sums[at] / n - this.#sums[at + 1] / n;
      const spread = this.#spreads[at] + this.#spreads[at + 1] + (n * d * d) / 2;
      this.#push(size + 1, this.#sums[at] + this.#sums[at + 1], spread);
      this.#remove(size, 2);
    }
  }

  /** Takes away the oldest buckets of a size. */
  #remove(size: number, howMany: number): void {
    const at = size * PLACES;
    this.#sums.copyWithin(at, at + howMany, at + PLACES);
    this.#spreads.copyWithin(at, at + howMany, at + PLACES);
    this.#counts[size] -= howMany;
    this.#sums.fill(0, at + this.#counts[size], at + PLACES);
    this.#spreads.fill(0, at + this.#counts[size], at + PLACES);
  }

  /** Whether some older part of the window differs from the rest. */
  #differs(): boolean {
    const [width, total, variance] = this.#window;
    if (width <= 1) return false;
    const delta = log((2 * log(width)) / this.#delta);
    const spread = variance / width;
    let n = 0;
    let sum = 0;
    for (let size = SIZES - 1; size >= 0; size--) {
      for (let b = 0; b < this.#counts[size]; b++) {
        n += 2 ** size;
        sum += this.#sums[size * PLACES + b];
        const rest = width - n;
        if (rest < SHORTEST) return false;
        if (n < SHORTEST) continue;
        const m = 1 / (n - SHORTEST + 1) + 1 / (rest - SHORTEST + 1);
        const bound = Math.sqrt(2 * m * spread * delta) + (2 / 3) * delta * m;
        const [before, after] = [sum / n, (total - sum) / rest];
        const distance = Math.abs(before - after);
        if (distance <= bound) continue;
        this.#cut.set([distance, bound, before, after, rest]);
        return true;
      }
    }
    return false;
  }

  #dropOldest(): void {
    const window = this.#window;
    let size = SIZES - 1;
    while (size > 0 && this.#counts[size] === 0) size--;
    const n = 2 ** size;
    const sum = this.#sums[size * PLACES];
    window[WIDTH] -= n;
    window[TOTAL] -= sum;
    if (window[WIDTH] > 0) {
      const d = sum / n - window[TOTAL] / window[WIDTH];
      const spread = this.#spreads[size * PLACES] + (n * window[WIDTH] * d * d) / (n + window[WIDTH]);
      window[VARIANCE] = Math.max(0, window[VARIANCE] - spread);
    } else window[VARIANCE] = 0;
    this.#remove(size, 1);
  }
}

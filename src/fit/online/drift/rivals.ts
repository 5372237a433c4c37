/**
 * Two learners on the same rows: which makes the smaller errors? The mean of the differences of their errors against its
 * standard error, asked at 1, 2, 4 … times `least` rows, so that looking often does not make chance win.
 */
import type { DriftSettings } from './settings.ts';

/** Places in the sums: rows, errors of the old and the new, differences and their squares. */
const ROWS = 0;
const OLD = 1;
const NEW = 2;
const SQUARES = 3;

export class Rivals {
  readonly sums = new Float64Array(4);
  readonly #settings: DriftSettings;

  constructor(settings: DriftSettings) {
    this.#settings = settings;
  }

  get rows(): number {
    return this.sums[ROWS];
  }

  /** Takes the errors of a row. */
  add(old: number, other: number): 'undecided' | 'wins' | 'loses' {
    const { sums } = this;
    const { least, most, better } = this.#settings;
    sums[ROWS] += 1;
    sums[OLD] += old;
    sums[NEW] += other;
    sums[SQUARES] += (old - other) * (old - other);
    const times = sums[ROWS] / least;
    const isTurn = Number.isInteger(times) && (times & (times - 1)) === 0;
    if (isTurn && this.#score() > better) return 'wins';
    return sums[ROWS] >= most ? 'loses' : 'undecided';
  }

  /** Mean difference in standard errors; 0 where there is none. */
  #score(): number {
    const [rows, old, other, squares] = this.sums;
    const mean = (old - other) / rows;
    const variance = Math.max(0, squares / rows - mean * mean);
    return variance > 0 ? mean / Math.sqrt(variance / rows) : mean > 0 ? Number.MAX_VALUE : 0;
  }

  /** Mean errors of both, and what was compared. */
  evidence() {
    const [rows, old, other] = this.sums;
    return {
      statistic: this.#score(),
      threshold: this.#settings.better,
      before: old / rows,
      after: other / rows,
      delay: rows,
    };
  }

  reset(): void {
    this.sums.fill(0);
  }
}

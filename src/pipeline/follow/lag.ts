/** How long rows waited from the moment they could be read until they were committed; for people, never for results. */

/** Quantiles in milliseconds. */
export interface LagReport {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** Buckets a factor of e. */
const FINENESS = 20;

export class Lag {
  readonly #buckets = new Map<number, number>();
  #rows = 0;
  #max = 0;

  /** Counts `rows` that waited for so long. */
  add(milliseconds: number, rows: number): void {
    const bucket = Math.round(FINENESS * Math.log(Math.max(milliseconds, 1)));
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + rows);
    this.#rows += rows;
    this.#max = Math.max(this.#max, milliseconds);
  }

  report(): LagReport {
    const sorted = [...this.#buckets].sort(([a], [b]) => a - b);
    const quantile = (share: number) => {
      let seen = 0;
      for (const [bucket, rows] of sorted) {
        seen += rows;
        if (seen >= share * this.#rows) return Math.round(Math.min(Math.exp(bucket / FINENESS), this.#max));
      }
      return 0;
    };
    return { p50: quantile(0.5), p99: quantile(0.99), max: Math.round(this.#max) };
  }
}

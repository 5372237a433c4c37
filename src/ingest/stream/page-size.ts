/**
 * How many rows to ask for next, so that a batch has a certain size in bytes whatever the rows are: few to begin with,
 * then at most twice as many each time.
 */

const FIRST_ROWS = 64;
const PAGE_BYTES = 2 << 20;

/** The rows of the next page; `most` bounds them. */
export class PageSize {
  rows: number;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
    this.rows = Math.min(FIRST_ROWS, most);
  }

  /** Learns from a page that came. */
  came(rows: number, bytes: number): void {
    if (rows === 0) return;
    const fitting = Math.max(1, Math.floor(PAGE_BYTES / Math.max(1, bytes / rows)));
    this.rows = Math.min(this.#most, fitting, 2 * this.rows);
  }
}

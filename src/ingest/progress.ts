/**
 * How far a read is: rows, and bytes where sources have a size. Told at most ten times a second; the clock reaches
 * no result.
 */

/** One report. */
export interface ReadProgress {
  readonly rows: number;
  readonly rowsPerSecond: number;
  /** Bytes of the sources that have been read, about, and all of them; absent for queries and rows. */
  readonly bytesRead?: number;
  readonly totalBytes?: number;
}

const INTERVAL_MS = 100;

export class ProgressMeter {
  readonly #sizes: readonly (number | undefined)[];
  readonly #total: number | undefined;
  readonly #tell: ((progress: ReadProgress) => void) | undefined;
  readonly #started = performance.now();
  #last = 0;
  #index = 0;
  #share = 0;
  #rows = 0;

  constructor(sizes: readonly (number | undefined)[], tell: ((progress: ReadProgress) => void) | undefined) {
    this.#sizes = sizes;
    this.#tell = tell;
    this.#total = sizes.includes(undefined)
      ? undefined
      : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  }

  /** What was told of more than the first `rows` rows does not count. */
  restart(rows: number): void {
    this.#rows = rows;
  }

  /** Source `index` begins. */
  begin(index: number): void {
    this.#index = index;
    this.#share = 0;
  }

  /** Share of the source that has been read; of some (packed ones) it is not known, so it stays 0 and no bytes are told. */
  share(share: number | undefined): void {
    if (share !== undefined) this.#share = Math.max(this.#share, Math.min(1, share));
  }

  /** Further rows. */
  add(rows: number): void {
    this.#rows += rows;
    const now = performance.now();
    if (this.#tell === undefined || now - this.#last < INTERVAL_MS) return;
    this.#last = now;
    this.#report(this.#index + this.#share > 0 ? this.#bytes(this.#share) : undefined);
  }

  /** The last report. */
  end(rows: number): void {
    this.#rows = rows;
    this.#report(this.#total);
  }

  #bytes(share: number): number | undefined {
    if (this.#total === undefined) return undefined;
    const before = this.#sizes.slice(0, this.#index).reduce<number>((sum, size) => sum + (size ?? 0), 0);
    return Math.round(before + share * (this.#sizes[this.#index] ?? 0));
  }

  #report(bytesRead: number | undefined): void {
    const seconds = Math.max(1e-3, (performance.now() - this.#started) / 1000);
    const bytes = bytesRead === undefined ? {} : { bytesRead, totalBytes: this.#total };
    this.#tell?.({ rows: this.#rows, rowsPerSecond: this.#rows / seconds, ...bytes });
  }
}

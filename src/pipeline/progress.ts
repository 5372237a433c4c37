/** What long work says of itself while it runs; who shows it (a terminal, a page, a log) is not its concern. */

/** One report of progress. `done` and `total` count `unit`s; `total` is absent while it is unknown. */
export interface Progress {
  /** Stage in a word or two: `reading`, `profile`, `fitting`. */
  readonly stage: string;
  readonly done: number;
  readonly total?: number;
  readonly unit: 'rows' | 'bytes' | 'rounds' | 'files';
  /** Short extra fact, e.g. the objective. */
  readonly note?: string;
}

export type OnProgress = (progress: Progress) => void;

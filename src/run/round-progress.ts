/**
 * Progress of a round in rows: monotone, throttled, complete at the end. Time decides when it is told, never what
 * is computed.
 */
import type { Task } from './plan.ts';
import type { RoundProgress } from './session.ts';

const INTERVAL_MS = 100;

/** Adds up the rows of tasks and tells a listener now and then. */
export class RoundRows {
  readonly #label: string;
  readonly #totalRows: number;
  readonly #tell: ((progress: RoundProgress) => void) | undefined;
  readonly #running = new Map<number, number>();
  #finished: number;
  #shown = 0;
  #lastTold = 0;

  /** Rows outside the tasks are taken as done: the cache had them. */
  constructor(
    label: string,
    totalRows: number,
    tasks: readonly (readonly Task[])[],
    tell: ((progress: RoundProgress) => void) | undefined,
  ) {
    this.#label = label;
    this.#totalRows = totalRows;
    this.#tell = tell;
    this.#finished = totalRows;
    for (const list of tasks) for (const task of list) this.#finished -= task.rows;
  }

  /** A task has observed so many rows. */
  observed(first: number, rows: number): void {
    if (this.#tell === undefined) return;
    this.#running.set(first, rows);
    this.#show();
  }

  /** A task is done. */
  finished(task: Task): void {
    this.#running.delete(task.first);
    this.#finished += task.rows;
    if (this.#tell !== undefined) this.#show();
  }

  /** The round is done. */
  end(): void {
    this.#tell?.({ label: this.#label, rows: this.#totalRows, totalRows: this.#totalRows });
  }

  #show(): void {
    const now = performance.now();
    if (now - this.#lastTold < INTERVAL_MS) return;
    this.#lastTold = now;
    let rows = this.#finished;
    for (const running of this.#running.values()) rows += running;
    // A task that starts again on another worker counts from nothing; what was shown stays.
    this.#shown = Math.min(this.#totalRows, Math.max(this.#shown, rows));
    this.#tell?.({ label: this.#label, rows: this.#shown, totalRows: this.#totalRows });
  }
}

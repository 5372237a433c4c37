/** What a session needs of whatever runs its tasks: this thread, worker threads, later machines. */
import type { RoundBody, SessionBody, TaskResult } from './messages.ts';
import type { Task } from './plan.ts';

/** A round: run every task, hand in each result once. */
export interface Job {
  readonly session: SessionBody;
  readonly round: RoundBody;
  /** Tasks of each worker, in the order in which they had best be run. */
  readonly tasks: readonly (readonly Task[])[];
  readonly signal: AbortSignal | undefined;
  onResult(task: Task, result: TaskResult): void;
  /** Rows observed so far of the unfinished task that begins at particle `first`. */
  onProgress(first: number, rows: number): void;
}

/** Runs the tasks of one round of a lane at a time. */
export interface Backend {
  readonly workers: number;
  /** Whether tasks run while the caller's thread does something else. */
  readonly concurrent: boolean;
  /** Rejects with the first error of a task, `worker-lost`, or promptly with `cancelled`. */
  play(job: Job): Promise<void>;
  /** After `over-budget`: goes on with fewer workers of at least this much each; false if that cannot be. */
  shrink(needBytes: number): boolean;
  /** A session has begun: what takes long to start may start now. */
  expect?(session: SessionBody): void;
  /** The session has ended: frees what is held for it. */
  forget(session: SessionBody): Promise<void>;
}

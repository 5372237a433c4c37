/**
 * The inline executor: everything on the caller's own thread, through the same plan, the same tasks and the same
 * encoding as threads. For tests, small data and places without threads.
 */
import { SoraError, throwIfAborted } from '../errors.ts';
import type { Backend, Job } from './backend.ts';
import { TaskHost } from './host.ts';
import type { SessionBody } from './messages.ts';
import type { Task } from './plan.ts';
import { ReduceSession } from './reduce.ts';
import type { Executor, Session, SessionOptions } from './session.ts';
import { Turns } from './turns.ts';

/** Longest time between two looks at the event loop, in milliseconds. */
const BREATH_MS = 10;

/** An executor that runs tasks on the calling thread, letting the event loop breathe between particles. */
export function inlineExecutor(): Executor {
  const backend = new InlineBackend();
  return {
    workers: 1,
    open: async (options: SessionOptions): Promise<Session> => new ReduceSession(backend, options),
    close: async () => backend.close(),
  };
}

class InlineBackend implements Backend {
  readonly workers = 1;
  readonly concurrent = false;
  readonly #turns = new Turns();
  readonly #open = new Set<number>();
  readonly #host = new TaskHost({
    shares: true,
    onProgress: ({ first, rows }) => this.#job?.onProgress(first, rows),
    between: () => this.#breathe(),
  });
  #job: Job | undefined;
  #lastBreath = 0;
  #closed = false;

  play(job: Job): Promise<void> {
    return this.#turns.take(job.signal, async () => {
      this.#begin(job);
      for (const task of job.tasks.flat()) await this.#run(job, task);
    });
  }

  shrink(): boolean {
    return false;
  }

  async forget({ session }: SessionBody): Promise<void> {
    this.#open.delete(session);
    await this.#host.closeSession(session);
  }

  close(): void {
    this.#closed = true;
    for (const session of this.#open) void this.#host.closeSession(session);
    this.#open.clear();
  }

  #begin(job: Job): void {
    if (this.#closed) throw new SoraError('cancelled', 'The executor was closed.');
    if (!this.#open.has(job.session.session)) this.#host.openSession(job.session);
    this.#open.add(job.session.session);
    this.#host.beginRound(job.round);
    // Rounds may be shorter than a breath is long: the clock runs on from one to the next.
    this.#job = job;
  }

  async #run(job: Job, task: Task): Promise<void> {
    throwIfAborted(job.signal);
    const { session, round } = job.round;
    const result = await this.#host.runTask({
      session,
      round,
      first: task.first,
      count: task.count,
      pin: true,
    });
    job.onResult(task, result);
  }

  #breathe(): Promise<void> | undefined {
    throwIfAborted(this.#job?.signal);
    if (performance.now() - this.#lastBreath < BREATH_MS) return undefined;
    return new Promise<void>((resolve) => {
      setImmediate(() => {
        this.#lastBreath = performance.now();
        resolve();
      });
    }).then(() => throwIfAborted(this.#job?.signal));
  }
}

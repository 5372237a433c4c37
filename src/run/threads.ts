/**
 * The thread executor: the same rounds on all cores. Workers share nothing but bytes; particles stay with the
 * worker that holds their views. Threads start with the first session, one a particle at most, and do not keep the
 * process alive while idle.
 */
import { availableParallelism } from 'node:os';
import { SoraError } from '../errors.ts';
import type { Backend, Job } from './backend.ts';
import { divideMemory, ENDED_THREAD, heapLimit, type Shares, youngLimit } from './budget.ts';
import type { ExecutorHooks } from './hooks.ts';
import { Lane } from './lane.ts';
import type { SessionBody, TaskProgress } from './messages.ts';
import { ReduceSession } from './reduce.ts';
import { type DispatchCounter, RoundRun } from './round-run.ts';
import type { Executor, Session, SessionOptions } from './session.ts';
import { Turns } from './turns.ts';

export interface ThreadOptions {
  /** Worker threads; default: the processors of the machine. Fewer run where the memory budget wants it. */
  readonly workers?: number;
  /** Bytes for the whole process, all threads together; default: half of the machine's memory. */
  readonly memory?: number;
  /** Disturbances, for tests. */
  readonly hooks?: ExecutorHooks;
}

/** An executor on worker threads. Throws `over-budget` where not one worker fits the memory budget. */
export function threadExecutor(options: ThreadOptions = {}): Executor {
  const backend = new ThreadBackend(options);
  return {
    get workers() {
      return backend.workers;
    },
    open: async (session: SessionOptions): Promise<Session> => new ReduceSession(backend, session),
    close: () => backend.close(),
  };
}

class ThreadBackend implements Backend {
  readonly concurrent = true;
  readonly #options: ThreadOptions;
  #processBytes = process.memoryUsage.rss();
  /** By the lane of the round. */
  readonly #turns = new Map<number, Turns>();
  readonly #counter: DispatchCounter = { dispatched: 0 };
  #shares: Shares;
  #lanes: Lane[];
  readonly #running = new Map<Job, RoundRun>();
  #closed = false;

  constructor(options: ThreadOptions) {
    const { workers = availableParallelism(), memory } = options;
    if (!Number.isInteger(workers) || workers < 1) {
      throw new SoraError('bad-option', `workers is ${workers}; give an integer of at least 1.`);
    }
    if (memory !== undefined && !(memory > 0)) {
      throw new SoraError('bad-option', `memory is ${memory}; give a number of bytes above 0.`);
    }
    this.#options = options;
    this.#shares = divideMemory(workers, memory, this.#processBytes);
    this.#lanes = this.#makeLanes();
  }

  get workers(): number {
    return this.#shares.workers;
  }

  play(job: Job): Promise<void> {
    const { lane = 0 } = job.round;
    const turns = this.#turns.get(lane) ?? new Turns();
    this.#turns.set(lane, turns);
    return turns.take(job.signal, () => this.#play(job));
  }

  shrink(needBytes: number): boolean {
    const before = this.#shares;
    if (needBytes <= before.shareBytes || before.workers === 1) return false;
    // What the allocator keeps of the threads that end here is not there for others.
    this.#processBytes += before.workers * ENDED_THREAD;
    this.#shares = divideMemory(before.workers - 1, this.#options.memory, this.#processBytes, needBytes);
    const lanes = this.#lanes;
    this.#lanes = this.#makeLanes();
    for (const lane of lanes) void lane.terminate();
    return true;
  }

  expect(session: SessionBody): void {
    if (this.#closed) return;
    for (const lane of this.#lanes.slice(0, session.particles.length)) lane.expect(session);
  }

  async forget(session: SessionBody): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.forget(session.session)));
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const run of this.#running.values())
      run.fail(new SoraError('cancelled', 'The executor was closed.'));
    await Promise.all(this.#lanes.map((lane) => lane.terminate()));
  }

  async #play(job: Job): Promise<void> {
    if (this.#closed) throw new SoraError('cancelled', 'The executor was closed.');
    const run = new RoundRun(job, this.#lanes, this.#options.hooks ?? {}, this.#counter);
    const onAbort = (): void => {
      run.fail(new SoraError('cancelled', 'Stopped on request.', { cause: job.signal?.reason }));
      for (const lane of this.#lanes) if (lane.busy) void lane.terminate();
    };
    job.signal?.addEventListener('abort', onAbort, { once: true });
    this.#running.set(job, run);
    try {
      await run.play();
    } finally {
      this.#running.delete(job);
      job.signal?.removeEventListener('abort', onAbort);
    }
  }

  #makeLanes(): Lane[] {
    const { workers, shareBytes } = this.#shares;
    const isBounded = this.#options.memory !== undefined;
    const heapBytes = isBounded ? heapLimit(shareBytes) : undefined;
    const youngBytes = isBounded ? youngLimit(shareBytes) : undefined;
    const onProgress = (progress: TaskProgress): void => this.#onProgress(progress);
    return Array.from(
      { length: workers },
      (_, index) => new Lane(index, { shareBytes, heapBytes, youngBytes, onProgress }),
    );
  }

  #onProgress({ session, round, first, rows }: TaskProgress): void {
    for (const job of this.#running.keys()) {
      if (job.round.session === session && job.round.round === round) job.onProgress(first, rows);
    }
  }
}

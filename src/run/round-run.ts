/**
 * One round on worker threads: who runs which task when. Each worker runs its own tasks in order; one that has
 * nothing left takes a task from the worker with the most left, unless its views lie or will lie in that one's memory.
 * The first result of a task wins. A task whose worker dies is run again, at most three times.
 */
import { SoraError } from '../errors.ts';
import type { Job } from './backend.ts';
import type { ExecutorHooks } from './hooks.ts';
import type { Lane } from './lane.ts';
import type { TaskResult } from './messages.ts';
import type { Task } from './plan.ts';
import { ThreadDeath } from './thread.ts';

/** How many workers may die under one task. */
const TRIES = 3;
/** Tasks given to a worker at a time where they are short, so that it never waits for the next. */
const SHORT_TASKS_AHEAD = 2;

/** Counts over the life of an executor, for hooks. */
export interface DispatchCounter {
  dispatched: number;
}

/** Runs the tasks of one job on the lanes. */
export class RoundRun {
  readonly #job: Job;
  readonly #lanes: readonly Lane[];
  readonly #hooks: ExecutorHooks;
  readonly #counter: DispatchCounter;
  readonly #own: Task[][];
  readonly #flights: Task[][];
  readonly #homes = new Map<Task, Lane>();
  readonly #deaths = new Map<Task, number>();
  readonly #results = new Map<Task, Uint8Array | undefined>();
  #left: number;
  #settled = false;
  #resolve: () => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(job: Job, lanes: readonly Lane[], hooks: ExecutorHooks, counter: DispatchCounter) {
    this.#job = job;
    this.#lanes = lanes;
    this.#hooks = hooks;
    this.#counter = counter;
    this.#own = job.tasks.map((tasks) => [...(hooks.order?.(tasks) ?? tasks)]);
    this.#flights = lanes.map(() => []);
    this.#left = 0;
    for (const lane of lanes) {
      for (const task of this.#own[lane.index]) this.#homes.set(task, lane);
      this.#left += this.#own[lane.index].length;
    }
  }

  /** Resolves when every task has handed in its result. */
  play(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
      if (this.#left === 0) this.#settle();
      for (const lane of this.#lanes) this.#pump(lane);
    });
  }

  /** Gives up: rejects with the error, ignores what still comes. */
  fail(error: unknown): void {
    this.#settle(error);
  }

  #settle(error?: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    if (error === undefined) this.#resolve();
    else this.#reject(error);
  }

  #pump(lane: Lane): void {
    const flight = this.#flights[lane.index];
    while (!this.#settled) {
      const next = this.#own[lane.index][0];
      const ahead = next !== undefined && lane.holds(this.#job, next) ? SHORT_TASKS_AHEAD : 1;
      if (flight.length >= ahead) return;
      const task = this.#own[lane.index].shift() ?? this.#steal();
      if (task === undefined) return;
      flight.push(task);
      void this.#dispatch(lane, task);
    }
  }

  /** The last task of the longest list that its worker may lend. */
  #steal(): Task | undefined {
    const lists = [...this.#own].sort((a, b) => b.length - a.length);
    for (const list of lists) {
      const at = list.findLastIndex((task) => this.#homes.get(task)?.lends(this.#job, task) ?? true);
      if (at < 0) continue;
      const [task] = list.splice(at, 1);
      this.#homes.get(task)?.lend(this.#job, task);
      return task;
    }
    return undefined;
  }

  async #dispatch(lane: Lane, task: Task): Promise<void> {
    try {
      const running = lane.run(this.#job, task, this.#homes.get(task) === lane);
      if (this.#hooks.kill?.(lane.index, this.#counter.dispatched++)) void lane.terminate();
      const result = await running;
      const delay = this.#hooks.delay?.(task) ?? 0;
      if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay));
      this.#land(lane, task);
      this.#accept(task, result);
    } catch (error) {
      if (error instanceof ThreadDeath) this.#bury(lane, task, error);
      else this.fail(error);
    }
    this.#pump(lane);
  }

  #land(lane: Lane, task: Task): void {
    const flight = this.#flights[lane.index];
    const at = flight.indexOf(task);
    if (at >= 0) flight.splice(at, 1);
  }

  /** The first result wins; another must be the same. */
  #accept(task: Task, result: TaskResult): void {
    if (this.#settled) return;
    if (this.#results.has(task)) {
      const first = this.#results.get(task);
      if (first === undefined) return;
      if (Buffer.compare(first, result.bytes) !== 0) throw differs(task);
      this.#results.set(task, undefined);
      this.#countDown();
      return;
    }
    const repeat = this.#hooks.repeat?.(task) ?? false;
    // A copy: a state that was decoded in place changes the bytes when it is merged.
    this.#results.set(task, repeat ? result.bytes.slice() : undefined);
    this.#job.onResult(task, result);
    if (repeat) this.#repeat(task);
    else this.#countDown();
  }

  /** Runs a finished task again, on another worker if there is one. */
  #repeat(task: Task): void {
    const home = this.#homes.get(task)?.index ?? 0;
    const other = this.#lanes[(home + 1) % this.#lanes.length];
    this.#own[other.index].push(task);
    this.#pump(other);
  }

  #countDown(): void {
    this.#left--;
    if (this.#left === 0) this.#settle();
  }

  /** A worker died: the task it was at is tried again, and those that waited behind it as if never given. */
  #bury(lane: Lane, task: Task, death: ThreadDeath): void {
    const flight = this.#flights[lane.index];
    if (!flight.includes(task)) return;
    const [first, ...waiting] = flight.splice(0);
    const deaths = (this.#deaths.get(first) ?? 0) + 1;
    this.#deaths.set(first, deaths);
    if (deaths >= TRIES) this.fail(lost(this.#job, first, death));
    this.#own[lane.index].unshift(first, ...waiting);
  }
}

function lost(job: Job, task: Task, cause: ThreadDeath): SoraError {
  const hashes = job.session.particles.slice(task.first, task.first + task.count).map((ref) => ref.hash);
  return new SoraError(
    'worker-lost',
    `${TRIES} worker threads died on the ${task.count} particle(s) from number ${task.first}: ${cause.message}`,
    { cause, details: { first: task.first, count: task.count, particles: hashes } },
  );
}

function differs(task: Task): SoraError {
  return new SoraError(
    'internal',
    `Two runs of the task at particle ${task.first} (${task.count} particles) gave different bytes: ` +
      'its summary or view is not a pure function.',
  );
}

/**
 * A worker's place in the executor: its thread, what that thread has been told, and which tasks' views it holds.
 * When the thread dies the lane stays, and starts another one when it is next needed.
 */
import type { Job } from './backend.ts';
import type { RoundBody, SessionBody, TaskBody, TaskProgress, TaskResult } from './messages.ts';
import type { Task } from './plan.ts';
import { Thread, threadReference } from './thread.ts';

export interface LaneOptions {
  readonly shareBytes: number;
  readonly heapBytes: number | undefined;
  readonly youngBytes: number | undefined;
  readonly onProgress: (progress: TaskProgress) => void;
}

/** What is known of the views of a task of one's own: in memory, too many for it, or with another the first time. */
type Home = 'resident' | 'streamed' | 'lent';

/** One worker of an executor. */
export class Lane {
  readonly index: number;
  readonly #options: LaneOptions;
  #thread: Thread | undefined;
  #round = -1;
  readonly #sessions = new Set<number>();
  readonly #views = new Set<number>();
  readonly #homes = new Map<string, Home>();

  constructor(index: number, options: LaneOptions) {
    this.index = index;
    this.#options = options;
  }

  /** Whether its thread is working on something. */
  get busy(): boolean {
    return this.#thread?.alive === true && this.#thread.inFlight > 0;
  }

  /** Whether all views of the task lie in its memory, as far as is known. */
  holds(job: Job, task: Task): boolean {
    return this.#homes.get(homeKey(job, task)) === 'resident';
  }

  /** Whether another may run this task of its own; a view that may come to stay here is given away only once. */
  lends(job: Job, task: Task): boolean {
    if (job.round.sticky) return false;
    const home = this.#homes.get(homeKey(job, task));
    return job.round.view === undefined || home === undefined || home === 'streamed';
  }

  /** Notes that another runs this task of its own. */
  lend(job: Job, task: Task): void {
    const key = homeKey(job, task);
    if (!this.#homes.has(key)) this.#homes.set(key, 'lent');
  }

  /** Has the task run; `pin` if this is the worker that shall keep its views. */
  async run(job: Job, task: Task, pin: boolean): Promise<TaskResult> {
    const thread = this.#prepare(job);
    const { session, round } = job.round;
    const begin = this.#round === round ? undefined : this.#roundForThread(job.round);
    this.#round = round;
    const body: TaskBody = { session, round, first: task.first, count: task.count, pin, begin };
    const result = await thread.request<TaskResult>('task', body);
    if (pin && thread === this.#thread) {
      this.#homes.set(homeKey(job, task), result.resident ? 'resident' : 'streamed');
    }
    return result;
  }

  /** Has the thread start and load what the session's source needs, while others prepare the first round. */
  expect(session: SessionBody): void {
    if (this.#thread?.alive !== true) this.#start();
    this.#introduce(session);
  }

  /** Resolves when its thread has given up what the session had, or is gone. */
  async forget(session: number): Promise<void> {
    if (!this.#sessions.delete(session)) return;
    const closed = this.#thread?.request('close', session);
    if (this.#sessions.size === 0) {
      this.#homes.clear();
      this.#views.clear();
    }
    await closed?.catch(() => {});
  }

  async terminate(): Promise<void> {
    const thread = this.#thread;
    this.#reset();
    await thread?.terminate();
  }

  /** The thread, told of the session. */
  #prepare(job: Job): Thread {
    if (this.#thread?.alive !== true) this.#start();
    this.#introduce(job.session);
    return this.#thread as Thread;
  }

  #introduce(session: SessionBody): void {
    if (this.#sessions.has(session.session)) return;
    this.#thread?.notify('session', sessionForThread(session));
    this.#sessions.add(session.session);
  }

  #start(): void {
    this.#reset();
    const { shareBytes, heapBytes, youngBytes, onProgress } = this.#options;
    const onNotice = (notice: unknown): void => onProgress(notice as TaskProgress);
    this.#thread = new Thread({ heapBytes, youngBytes, onNotice });
    this.#thread.notify('configure', { bytes: shareBytes });
  }

  #reset(): void {
    this.#thread = undefined;
    this.#round = -1;
    this.#sessions.clear();
    this.#views.clear();
    this.#homes.clear();
  }

  #roundForThread(round: RoundBody): RoundBody {
    const { view } = round;
    const known = view !== undefined && this.#views.has(view.number);
    if (view !== undefined) this.#views.add(view.number);
    return {
      ...round,
      summary: threadReference(round.summary),
      view: view && {
        number: view.number,
        reference: known || view.reference === undefined ? undefined : threadReference(view.reference),
      },
    };
  }
}

function sessionForThread(session: SessionBody): SessionBody {
  return { ...session, source: threadReference(session.source) };
}

function homeKey(job: Job, task: Task): string {
  return `${job.session.session} ${job.round.view?.number} ${task.first} ${task.level}`;
}

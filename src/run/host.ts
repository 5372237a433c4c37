/**
 * What runs tasks: one in each worker thread, or in the caller's own thread when inline.
 * Keeps the source of each session and its latest round; observing and merging is the shared core (task.ts).
 */
import { SoraError } from '../errors.ts';
import type { InputNotes, Summary } from '../summary/summary.ts';
import { Inputs } from './inputs.ts';
import type { NodePartial, RoundBody, SessionBody, TaskBody, TaskProgress, TaskResult } from './messages.ts';
import { resolveReference } from './reference.ts';
import type { Scratch, Source, ViewKind } from './session.ts';
import { SharedBytes } from './shared-bytes.ts';
import { type Observe, type OnNode, observeTask } from './task.ts';

export interface HostOptions {
  /** Most bytes for views and what is decoded to derive them; absent: what the kernel memory holds. */
  readonly bytes?: number;
  readonly onProgress?: (progress: TaskProgress) => void;
  /** Whether results may lie in memory that is shared with the thread that merges. */
  readonly shares?: boolean;
  /** Called after each particle: may wait, to let others run, or throw, to stop. */
  readonly between?: () => Promise<void> | undefined;
}

interface HostSession {
  readonly body: SessionBody;
  readonly source: Promise<Source>;
  /** Memory for results, by the lane of their rounds. */
  readonly shared: Map<number, SharedBytes>;
  round?: { readonly body: RoundBody; readonly ready: Promise<HostRound> };
}

interface HostRound {
  readonly summary: Summary<unknown, unknown, unknown>;
  readonly kind: ViewKind<unknown> | undefined;
}

/** A task and what it belongs to. */
interface Running extends HostRound {
  readonly session: HostSession;
  readonly round: RoundBody;
  readonly task: TaskBody;
}

const PROGRESS_INTERVAL_MS = 50;

/** Runs the tasks of sessions, one at a time. */
export class TaskHost {
  readonly #options: HostOptions;
  readonly #inputs: Inputs;
  readonly #sessions = new Map<number, HostSession>();
  readonly #kinds = new Map<number, Promise<ViewKind<unknown>>>();
  #lastProgress = 0;

  constructor(options: HostOptions = {}) {
    this.#options = options;
    this.#inputs = new Inputs(options.bytes);
  }

  /** Opens a session; what goes wrong is thrown by its first task. */
  openSession(body: SessionBody): void {
    const source = quiet(resolveReference<Source>(body.source, body.sourceData));
    this.#sessions.set(body.session, { body, source, shared: new Map() });
  }

  /** Begins a round; what goes wrong is thrown by its first task. */
  beginRound(body: RoundBody): void {
    const session = this.#session(body.session);
    if (body.lane !== undefined) sharedBytes(session, body.lane).beginRound(body.round);
    session.round = { body, ready: quiet(this.#prepare(body)) };
  }

  /** Ends a session; with the last one all views and view kinds go. */
  async closeSession(session: number): Promise<void> {
    const source = this.#sessions.get(session)?.source;
    if (!this.#sessions.delete(session)) return;
    if (this.#sessions.size === 0) {
      this.#inputs.clear();
      this.#kinds.clear();
    }
    await source?.then(
      ({ scratch }) => scratch?.clear(),
      () => {},
    );
  }

  /** Observes the particles of a task and merges them. */
  async runTask(task: TaskBody): Promise<TaskResult> {
    if (task.begin !== undefined) this.beginRound(task.begin);
    const session = this.#session(task.session);
    const round = session.round;
    if (round?.body.round !== task.round) {
      throw new SoraError('internal', `A task of round ${task.round} came in round ${round?.body.round}.`);
    }
    const { summary, kind } = await round.ready;
    const all = { session, round: round.body, summary, kind, task };
    if (summary.observeAll !== undefined && !round.body.nodes) return this.#runLoose(all);
    const observe = this.#observer(all, await session.source);
    const nodes: NodePartial[] = [];
    const onNode: OnNode<unknown> = (node, state) =>
      nodes.push({ ...node, bytes: ownBytes(summary.codec.encode(state)) });
    const top = await observeTask(summary, task, observe, round.body.nodes ? onNode : undefined);
    const bytes = nodes.pop()?.bytes ?? ownBytes(summary.codec.encode(top));
    return { bytes, nodes, resident: this.#allResident(session.body, kind, task) };
  }

  /** A task of sums that come out the same in any bracketing: all of it goes into one state. */
  async #runLoose(all: Running): Promise<TaskResult> {
    const { session, round, summary, kind, task } = all;
    const refs = session.body.particles.slice(task.first, task.first + task.count);
    const isShared = this.#options.shares === true && round.lane !== undefined;
    const state = summary.empty(isShared ? sharedBytes(session, round.lane as number) : undefined);
    const views = refs.map((ref) => this.#inputs.resident(kind, ref));
    const resident = !views.includes(undefined);
    if (resident) {
      summary.observeAll?.(state, views);
      await this.#options.between?.();
    } else {
      const observe = this.#observer(all, await session.source);
      for (let i = 0; i < refs.length; i++) await observe(state, task.first + i);
    }
    const bytes = ownBytes(summary.codec.encode(state));
    return { bytes, nodes: [], resident: resident || this.#allResident(session.body, kind, task) };
  }

  #observer({ session, summary, kind, task }: Running, source: Source): Observe<unknown> {
    const { particles } = session.body;
    let rows = 0;
    const after = (index: number): Promise<void> | undefined => {
      rows += particles[index].rows;
      this.#report(task, rows);
      return this.#options.between?.();
    };
    return (state, index) => {
      const ref = particles[index];
      const view = this.#inputs.resident(kind, ref);
      if (view === undefined) {
        const notes = notesOf(ref.hash, source.scratch);
        return this.#inputs
          .use(kind, source, ref, task.pin, (input, stays) =>
            summary.observe(state, input, stays ? undefined : notes),
          )
          .then(() => after(index));
      }
      summary.observe(state, view);
      return after(index);
    };
  }

  async #prepare(body: RoundBody): Promise<HostRound> {
    const summary = await resolveReference<Summary<unknown, unknown, unknown>>(body.summary, body.parameters);
    const kind = body.view === undefined ? undefined : await this.#kind(body.view);
    this.#inputs.beginRound(kind);
    return { summary, kind };
  }

  #kind({ number, reference }: NonNullable<RoundBody['view']>): Promise<ViewKind<unknown>> {
    const known = this.#kinds.get(number);
    if (known !== undefined) return known;
    if (reference === undefined) throw new SoraError('internal', `View ${number} was never sent.`);
    const kind = quiet(resolveReference<ViewKind<unknown>>(reference));
    this.#kinds.set(number, kind);
    return kind;
  }

  #session(number: number): HostSession {
    const session = this.#sessions.get(number);
    if (session === undefined) throw new SoraError('internal', `No session ${number} is open here.`);
    return session;
  }

  #allResident({ particles }: SessionBody, kind: ViewKind<unknown> | undefined, task: TaskBody): boolean {
    for (let index = task.first; index < task.first + task.count; index++) {
      if (this.#inputs.resident(kind, particles[index]) === undefined) return false;
    }
    return true;
  }

  #report({ session, round, first }: TaskBody, rows: number): void {
    const { onProgress } = this.#options;
    if (onProgress === undefined) return;
    const now = performance.now();
    if (now - this.#lastProgress < PROGRESS_INTERVAL_MS) return;
    this.#lastProgress = now;
    onProgress({ session, round, first, rows });
  }
}

function sharedBytes({ shared }: HostSession, lane: number): SharedBytes {
  const known = shared.get(lane) ?? new SharedBytes();
  shared.set(lane, known);
  return known;
}

function notesOf(input: string, scratch: Scratch | undefined): InputNotes | undefined {
  return (
    scratch && {
      input,
      read: (name, target) => scratch.read(`${input}.${name}`, target),
      write: (name, bytes) => scratch.write(`${input}.${name}`, bytes),
    }
  );
}

/** Bytes that may go to another thread: shared ones, or a whole buffer of their own, which is moved. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  const { buffer } = bytes;
  if (buffer instanceof SharedArrayBuffer) return bytes;
  return buffer.byteLength === bytes.byteLength ? bytes : new Uint8Array(bytes);
}

/** A promise whose rejection is looked at later, or never. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

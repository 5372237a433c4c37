/**
 * Following a stream: rows become particles of a store, and an online model is asked and taught each of them. With every
 * particle one commit takes the rows, the model, its scores and the place in the source, so that a process killed at any
 * moment goes on as if it had not been.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { SoraError } from '../../errors.ts';
import type { PrequentialScores } from '../../evaluate/prequential.ts';
import { formatCount } from '../../explain/format.ts';
import type { OnlineLabel } from '../../fit/online/classes.ts';
import type { DriftEvent } from '../../fit/online/drift/events.ts';
import type { RowObject } from '../../ingest/inputs.ts';
import { formatSchema } from '../../ingest/schema.ts';
import { openStream } from '../../ingest/stream/registry.ts';
import type { RowStream, StreamBatch, StreamPosition } from '../../ingest/stream/stream.ts';
import { canonicalJson, type Json } from '../../json.ts';
import { MODEL_FILE } from '../../model/model.ts';
import type { LoggedCommit } from '../../store/commit.ts';
import { resolveAt, type Snapshot } from '../../store/snapshot.ts';
import { openStore, type Store } from '../../store/store.ts';
import { type Hooks, removeUnused } from '../data.ts';
import { checkOptions } from '../options.ts';
import { peakMemory } from '../resources.ts';
import { Ahead, type Arrived } from './ahead.ts';
import { catchUp, labelsOf, refuseSameSource } from './catch-up.ts';
import { Follower, type Kept } from './follower.ts';
import { Keeper } from './keeper.ts';
import { Lag, type LagReport } from './lag.ts';
import { type CheckedFollow, type FollowOptions, followShape } from './options.ts';
import { Outages, type SourceOutage } from './outages.ts';
import { givenOptions, makePlan } from './plan.ts';
import {
  type FollowCounts,
  type FollowEvent,
  type FollowPlan,
  folderOf,
  followedNames,
  newestState,
  stateOf,
} from './state.ts';

/** What one commit took. */
export interface FollowCommit {
  readonly commit: number;
  /** Rows of its particle. */
  readonly rows: number;
  readonly counts: Readonly<FollowCounts> & { readonly waiting: number };
  /** Of the whole stream; beside it the stretches that ended since the commit before. */
  readonly scores: PrequentialScores;
  readonly stretches: readonly PrequentialScores[];
  /** Decisions about drift, and classes that came, since the commit before. */
  readonly events: readonly FollowEvent[];
  /** Longest time that a row of it had waited to be committed, in milliseconds. */
  readonly lag: number;
  readonly rowsPerSecond: number;
}

/** What following did until it ended. */
export interface FollowResult {
  readonly store: string;
  readonly name: string;
  readonly source: string;
  readonly learner: string;
  /** Classes that the model knows now; empty where numbers are learned. */
  readonly classes: readonly OnlineLabel[];
  /** The newest commit; 0 if there is none. */
  readonly commit: number;
  /** Commits that this process made. */
  readonly commits: number;
  /** Rows that this process took. */
  readonly rows: number;
  readonly counts: Readonly<FollowCounts> & { readonly waiting: number };
  readonly scores: PrequentialScores;
  /** Decisions about drift that this process committed, by kind. */
  readonly drift: Readonly<Partial<Record<DriftEvent['kind'], number>>>;
  readonly ended: 'source' | 'idle' | 'rows' | 'stopped';
  readonly lag: LagReport;
  readonly seconds: number;
  readonly peakMemory: number;
}

/** What callers may hang on it. */
export interface FollowHooks extends Hooks {
  readonly onCommit?: (commit: FollowCommit) => void;
  /** Told once when the source goes away, and once when it is back. */
  readonly onOutage?: (outage: SourceOutage) => void;
}

/** Batches read ahead of the learner. */
const AHEAD = 4;
/** How long nothing may come before clocks are looked at, in milliseconds. */
const TICK = 100;
/** Rows between reports of progress. */
const REPORT_ROWS = 2000;

/**
 * Follows a source until it ends, is idle for as long as the options say, or the signal aborts; then what was taken is
 * committed. Called again with the same store it goes on where the last commit stands. Throws what the source throws,
 * after what came before has been committed.
 * @example
 * await follow('events.ndjson', { target: 'clicked', untilIdle: 10 });
 */
export async function follow(source: string, given: FollowOptions & FollowHooks): Promise<FollowResult> {
  const { signal, onProgress, onNote, onCommit, onOutage, ...plain } = given;
  const options = checkOptions(followShape, plain);
  const { format, delimiter } = options;
  const stream = await openStream(source, { format, delimiter });
  const directory = options.store ?? storeName(source);
  const isNew = !existsSync(directory);
  const store = await openStore(directory, { create: true });
  try {
    const hooks = { signal, onProgress, onNote, onCommit, onOutage };
    return await new Following(store, stream, options, hooks).run();
  } catch (error) {
    if (isNew) await removeUnused(store);
    throw error;
  } finally {
    await stream.close();
    store.close();
  }
}

/**
 * Store of a source when none is given: its last part without extensions; of a URL the table or stream that it names, else
 * the last part of its path, and no password.
 */
function storeName(source: string): string {
  if (source === '-') return 'stdin.sora';
  const named = /^[a-z]+:\/\/.*[?&](?:table|stream)=(?:[^&#]*\.)?([\p{L}\p{N}_-]+)(?:[&#]|$)/iu.exec(
    source,
  )?.[1];
  if (named !== undefined) return `${named}.sora`;
  const plain = source
    .replace(/\/\/[^/]*@/, '//')
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '');
  const name = basename(plain).replace(/(\.[A-Za-z0-9]+){1,2}$/, '');
  return `${name.replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'stream'}.sora`;
}

type Item = Arrived<StreamBatch>;

/** One run over a stream. */
class Following {
  readonly #store: Store;
  readonly #stream: RowStream;
  readonly #options: CheckedFollow;
  readonly #hooks: FollowHooks;
  readonly #stop = new AbortController();
  readonly #started = performance.now();
  readonly #lag = new Lag();
  readonly #outages: Outages;
  /** Batches that were looked at for the plan, and are still to be taken. */
  readonly #sampled: Item[] = [];
  #queue!: Ahead<StreamBatch>;
  #keeper!: Keeper;
  #follower!: Follower;
  #plan!: FollowPlan;
  #name = '';
  /** Where the source stands, and rows after it that were taken. */
  #position: StreamPosition | null = null;
  #skip = 0;
  /** Rows at the start of what comes that were taken before. */
  #known = 0;
  /** When rows of the particle at hand came, and how many. */
  #arrivals: { at: number; rows: number }[] = [];
  #inFlight: Promise<void> = Promise.resolve();
  #commit = 0;
  #commits = 0;
  #rows = 0;
  #reported = 0;
  readonly #drift: Partial<Record<DriftEvent['kind'], number>> = {};
  /** Of the last commit, in milliseconds. */
  #lastLag = 0;
  /** Milliseconds in which the source had nothing to say, since its last row. */
  #idle = 0;
  /** When it was asked. */
  #asked = 0;
  #ended: FollowResult['ended'] | undefined;

  constructor(store: Store, stream: RowStream, options: CheckedFollow, hooks: FollowHooks) {
    this.#store = store;
    this.#stream = stream;
    this.#options = options;
    this.#hooks = hooks;
    this.#outages = new Outages(stream.name, (outage) => hooks.onOutage?.(outage));
  }

  async run(): Promise<FollowResult> {
    const { signal } = this.#hooks;
    const abort = () => this.#stop.abort();
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) abort();
    try {
      await this.#open();
      await this.#takeAll();
      return this.#result();
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#stop.abort();
      await this.#queue?.stop();
    }
  }

  /** Finds where to go on, or how to begin. */
  async #open(): Promise<void> {
    let log = await this.#store.log();
    this.#name = nameOf(log, this.#options);
    if (existsSync(`${this.#store.root}/${folderOf(this.#name)}${MODEL_FILE}`)) throw modelThere(this.#name);
    this.#keeper = this.#newKeeper(log);
    await this.#keeper.clean();
    if (this.#options.fromCommit !== undefined) {
      await this.#goBack(log);
      log = await this.#store.log();
      this.#keeper = this.#newKeeper(log);
    }
    const newest = newestState(log, this.#name);
    this.#commit = newest?.commit.commit ?? 0;
    if (newest === undefined) return this.#begin();
    checkSame(newest.state.plan.given, newest.state.source, this.#stream.name, this.#options, this.#name);
    this.#resume(await this.#keeper.load(newest));
  }

  #newKeeper(log: readonly LoggedCommit[]): Keeper {
    const { keep } = this.#options;
    return new Keeper(this.#store, log, { name: this.#name, source: this.#stream.name, keep });
  }

  async #goBack(log: readonly LoggedCommit[]): Promise<void> {
    const commit = log[resolveAt(log, this.#options.fromCommit) - 1];
    const state = stateOf(commit, this.#name);
    if (state === undefined) {
      const numbers = log.filter((one) => stateOf(one, this.#name) !== undefined).map((one) => one.commit);
      throw new SoraError(
        'not-found',
        `Commit ${commit.commit} holds no state of "${this.#name}"; those that do: ${numbers.slice(-20).join(', ') || 'none'}.`,
      );
    }
    await this.#keeper.load({ commit, state });
    await this.#keeper.goBack({ commit, state });
  }

  #resume(kept: Kept): void {
    const { state } = kept;
    this.#plan = state.plan;
    this.#position = state.position;
    this.#known = state.skip;
    this.#follower = new Follower(state.plan, this.#stream.name, this.#options.badRows, kept);
    this.#queue = new Ahead(this.#stream.read(state.position, this.#stop.signal), AHEAD);
    this.#hooks.onNote?.(`${this.#name}: goes on after ${state.counts.taken} rows (commit ${this.#commit})`);
  }

  /** Looks at the first rows. They are as many as asked for however slowly they come, so that the plan does not depend on it. */
  async #begin(): Promise<void> {
    this.#queue = new Ahead(this.#stream.read(null, this.#stop.signal), AHEAD);
    const wanted = Math.min(this.#options.sampleRows, this.#options.maxRows ?? Number.POSITIVE_INFINITY);
    const rows: RowObject[] = [];
    while (rows.length < wanted) {
      const item = await this.#nextItem();
      if (item === 'end') break;
      if (item === undefined) continue;
      this.#sampled.push(item);
      rows.push(...item.value.rows);
      const done = Math.min(rows.length, wanted);
      this.#hooks.onProgress?.({ stage: 'first rows', done, total: wanted, unit: 'rows' });
    }
    if (this.#ended === 'stopped') {
      throw new SoraError(
        'cancelled',
        `Stopped after ${rows.length} rows, before the first ${wanted} from which columns are told (--sample-rows): nothing was committed.`,
      );
    }
    const snapshot = await this.#store.snapshot();
    const stored = snapshot.particles.length > 0 ? snapshot.schema : undefined;
    const isBehind = this.#options.catchUp && stored !== undefined;
    if (isBehind) refuseSameSource(snapshot, this.#stream.name);
    const labels = isBehind ? await labelsOf(this.#store, snapshot, this.#options) : [];
    const { plan, notes } = makePlan(rows.slice(0, wanted), this.#options, stored, labels);
    this.#plan = plan;
    this.#follower = new Follower(plan, this.#stream.name, this.#options.badRows);
    this.#hooks.onNote?.(`${formatSchema(plan.schema)}\n`);
    for (const note of notes) this.#hooks.onNote?.(note);
    if (isBehind) await this.#catchUp(snapshot);
    else if (stored !== undefined) {
      this.#hooks.onNote?.(
        `${formatCount(snapshot.rows)} rows that the store has already are not learned; begin with --catch-up to learn them first.`,
      );
    }
  }

  /** Learns what the store has, and commits that, so that it need not be done again after a kill. */
  async #catchUp(snapshot: Snapshot): Promise<void> {
    await catchUp(this.#store, snapshot, this.#plan.schema, this.#follower, this.#hooks);
    const { caughtUp = 0 } = this.#follower.counts;
    await this.#close();
    await this.#inFlight;
    this.#hooks.onNote?.(`caught up: ${formatCount(caughtUp)} rows of the store learned`);
  }

  /** The next batch; undefined after a moment without one. Notes why the stream ends. */
  async #nextItem(): Promise<Item | undefined | 'end'> {
    this.#asked = performance.now();
    const item = await this.#queue.next(TICK);
    if (item === 'end') {
      this.#ended ??= this.#hooks.signal?.aborted ? 'stopped' : 'source';
      return 'end';
    }
    const now = performance.now();
    if (item !== undefined) this.#outages.see(item.value);
    if (item !== undefined && item.value.rows.length > 0) this.#idle = 0;
    else {
      // A machine that is too busy to ask is not a source that is silent.
      this.#idle += Math.min(now - this.#asked, 2 * TICK);
      if (this.#idle > 1000 * (this.#options.untilIdle ?? Number.POSITIVE_INFINITY)) {
        this.#ended = 'idle';
        return 'end';
      }
    }
    return item;
  }

  async #takeAll(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    try {
      while (this.#ended !== 'rows') {
        const item = this.#sampled.shift() ?? (this.#ended === undefined ? await this.#nextItem() : 'end');
        if (item === 'end') break;
        if (item !== undefined) await this.#takeBatch(item);
        if (this.#isDue()) await this.#close();
      }
    } catch (error) {
      failure = { error };
    }
    // What came before a failure counts, unless it was the commit that failed.
    await this.#inFlight;
    if (this.#hasNews()) await this.#close();
    await this.#inFlight;
    if (failure !== undefined) throw failure.error;
  }

  async #takeBatch({ value: { rows, position }, at }: Item): Promise<void> {
    const { particleRows, maxRows = Number.POSITIVE_INFINITY } = this.#options;
    const known = Math.min(this.#known, rows.length);
    this.#known -= known;
    this.#skip += known;
    for (let from = known; from < rows.length; ) {
      const left = Math.min(particleRows - this.#follower.since, maxRows - this.#follower.counts.taken);
      const part = rows.slice(from, from + left);
      const before = this.#follower.counts.taken;
      try {
        this.#follower.take(part);
      } finally {
        const taken = this.#follower.counts.taken - before;
        from += taken;
        this.#skip += taken;
        this.#rows += taken;
        this.#arrivals.push({ at, rows: taken });
      }
      if (from === rows.length) this.#moveTo(position);
      if (this.#follower.since >= particleRows) await this.#close();
      if (this.#follower.counts.taken >= maxRows) {
        this.#ended = 'rows';
        return;
      }
      this.#report();
    }
    if (rows.length === 0 || known === rows.length) this.#moveTo(position);
  }

  #moveTo(position: StreamPosition): void {
    this.#position = position;
    this.#skip = 0;
  }

  #hasNews(): boolean {
    return this.#follower.since > 0;
  }

  #isDue(): boolean {
    const [first] = this.#arrivals;
    return first !== undefined && performance.now() - first.at >= 1000 * this.#options.particleSeconds;
  }

  /** Closes the particle and begins its commit, once the one before is done; learning goes on meanwhile. */
  async #close(): Promise<void> {
    await this.#inFlight;
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    const position = this.#position;
    const closed = this.#follower.close(position, this.#skip);
    const counts = { ...closed.state.counts, waiting: this.#follower.waiting };
    const scores = this.#follower.scores.total;
    this.#inFlight = this.#keeper.commit(closed).then(async ({ commit }) => {
      this.#commit = commit;
      this.#commits++;
      if (position !== null) await this.#stream.taken?.(position);
      const now = performance.now();
      for (const { at, rows } of arrivals) this.#lag.add(now - at, rows);
      for (const { kind } of closed.state.events) {
        if (kind !== 'class') this.#drift[kind] = (this.#drift[kind] ?? 0) + 1;
      }
      this.#lastLag = Math.round(now - (arrivals[0]?.at ?? now));
      this.#hooks.onCommit?.({
        commit,
        rows: closed.particle?.rows ?? 0,
        counts,
        scores,
        stretches: closed.state.stretches,
        events: closed.state.events,
        lag: this.#lastLag,
        rowsPerSecond: Math.round((1000 * this.#rows) / (now - this.#started)),
      });
    });
    this.#inFlight.catch(() => {});
  }

  #report(): void {
    if (this.#rows - this.#reported < REPORT_ROWS) return;
    this.#reported = this.#rows;
    this.#hooks.onProgress?.({
      stage: 'following',
      done: this.#rows,
      unit: 'rows',
      note: `${scoreText(this.#follower.scores.latest)} · lag ${this.#lastLag} ms`,
    });
  }

  #result(): FollowResult {
    return {
      store: this.#store.root as string,
      name: this.#name,
      source: this.#stream.name,
      learner: String((this.#plan.learner as { name?: string }).name),
      classes: this.#follower.model.classes,
      commit: this.#commit,
      commits: this.#commits,
      rows: this.#rows,
      counts: { ...this.#follower.counts, waiting: this.#follower.waiting },
      scores: this.#follower.scores.total,
      drift: { ...this.#drift },
      ended: this.#ended ?? 'source',
      lag: this.#lag.report(),
      seconds: (performance.now() - this.#started) / 1000,
      peakMemory: peakMemory(),
    };
  }
}

/** The score of a stretch beside that of repeating the last label. */
function scoreText({ accuracy, mae, sameAsLast, rows }: PrequentialScores): string {
  const [name, value] = accuracy === undefined ? ['error', mae ?? 0] : ['accuracy', accuracy];
  return `last ${rows}: ${name} ${value.toPrecision(3)} (same as last ${sameAsLast.toPrecision(3)})`;
}

function nameOf(log: readonly LoggedCommit[], { name, target }: CheckedFollow): string {
  const [known, more] = followedNames(log);
  const found = name ?? target ?? (more === undefined ? known : undefined);
  if (found !== undefined) return found;
  throw new SoraError(
    'bad-option',
    more === undefined
      ? 'Name the column to learn with --target.'
      : `The store follows ${followedNames(log).join(', ')}: choose one with --name, or begin another with --target.`,
  );
}

function modelThere(name: string): SoraError {
  return new SoraError(
    'conflict',
    `models/${name} holds a trained model, which following would stand beside: give the followed one another --name.`,
  );
}

/** Throws `bad-option` for an option that says something else than when the stream began. */
function checkSame(given: Json, before: string, source: string, options: CheckedFollow, name: string): void {
  const usual = givenOptions(followShape.parse({}));
  const pinned = given as Record<string, Json>;
  const now = givenOptions(options);
  for (const [key, value] of Object.entries(now)) {
    const text = canonicalJson(value);
    if (text === canonicalJson(usual[key] ?? null) || text === canonicalJson(pinned[key] ?? null)) continue;
    const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new SoraError(
      'bad-option',
      `Option --${flag} is ${text}, and "${name}" was begun with ${key in pinned ? canonicalJson(pinned[key]) : 'none'}: leave it out to go on, or begin another model with --name.`,
      { details: { option: key } },
    );
  }
  if (before === source) return;
  throw new SoraError(
    'bad-option',
    `"${name}" follows ${before}, and the source is ${source}: give the same one, or begin another model with --name.`,
    { details: { before, source } },
  );
}

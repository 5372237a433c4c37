/** One run over a stream: opens it, takes its rows in order, closes particles when they are full or due, and tells how it ended. */
import { formatCount } from '../../explain/format.ts';
import type { RowStream, StreamPosition } from '../../ingest/stream/stream.ts';
import type { Snapshot } from '../../store/snapshot.ts';
import type { Store } from '../../store/store.ts';
import { peakMemory } from '../resources.ts';
import { catchUp } from './catch-up.ts';
import { Commits } from './commits.ts';
import { Feed, type Item } from './feed.ts';
import { type Opened, openRun } from './opening.ts';
import type { CheckedFollow } from './options.ts';
import type { FollowHooks, FollowResult } from './result.ts';
import { scoreText } from './scores.ts';

/** Rows between reports of progress. */
const REPORT_ROWS = 2000;

/** Follows a stream into a store until it ends; what was taken by then is committed. Throws what the stream throws after that. */
export async function followStream(
  store: Store,
  stream: RowStream,
  options: CheckedFollow,
  hooks: FollowHooks,
): Promise<FollowResult> {
  const started = performance.now();
  const feed = new Feed(stream, options.untilIdle, hooks);
  try {
    const opened = await openRun({ store, stream, options, hooks, feed });
    const commits = new Commits(opened.keeper, stream, hooks, started, opened.commit);
    const following = new Following(opened, feed, commits, options, hooks);
    if (opened.behind !== undefined) await following.catchUp(store, opened.behind);
    await following.takeAll();
    return {
      store: store.root as string,
      name: opened.name,
      source: stream.name,
      ...following.result(),
      seconds: (performance.now() - started) / 1000,
      peakMemory: peakMemory(),
    };
  } finally {
    await feed.stop();
  }
}

class Following {
  readonly #opened: Opened;
  readonly #feed: Feed;
  readonly #commits: Commits;
  readonly #options: CheckedFollow;
  readonly #hooks: FollowHooks;
  /** Where the source stands, and rows after it that were taken. */
  #position: StreamPosition | null;
  #skip = 0;
  /** Rows at the start of what comes that were taken before. */
  #known: number;
  #reported = 0;
  /** Whether as many rows as asked for were taken. */
  #isFull = false;

  constructor(opened: Opened, feed: Feed, commits: Commits, options: CheckedFollow, hooks: FollowHooks) {
    this.#opened = opened;
    this.#feed = feed;
    this.#commits = commits;
    this.#options = options;
    this.#hooks = hooks;
    this.#position = opened.position;
    this.#known = opened.known;
  }

  /** Learns what the store has, and commits that, so that it need not be done again after a kill. */
  async catchUp(store: Store, behind: Snapshot): Promise<void> {
    const { plan, follower } = this.#opened;
    await catchUp(store, behind, plan.schema, follower, this.#hooks);
    const { caughtUp = 0 } = follower.counts;
    await this.#close();
    await this.#commits.settled();
    this.#hooks.onNote?.(`caught up: ${formatCount(caughtUp)} rows of the store learned`);
  }

  async takeAll(): Promise<void> {
    let failure: { readonly error: unknown } | undefined;
    try {
      while (!this.#isFull) {
        const item = await this.#feed.next();
        if (item === 'end') break;
        if (item !== undefined) await this.#takeBatch(item);
        if (this.#commits.isDue(this.#options.particleSeconds)) await this.#close();
      }
    } catch (error) {
      failure = { error };
    }
    // What came before a failure counts, unless it was the commit that failed.
    await this.#commits.settled();
    if (this.#opened.follower.since > 0) await this.#close();
    await this.#commits.settled();
    if (failure !== undefined) throw failure.error;
  }

  async #takeBatch({ value: { rows, position }, at }: Item): Promise<void> {
    const { particleRows, maxRows = Number.POSITIVE_INFINITY } = this.#options;
    const { follower } = this.#opened;
    const known = Math.min(this.#known, rows.length);
    this.#known -= known;
    this.#skip += known;
    for (let from = known; from < rows.length; ) {
      const left = Math.min(particleRows - follower.since, maxRows - follower.counts.taken);
      const part = rows.slice(from, from + left);
      const before = follower.counts.taken;
      try {
        follower.take(part);
      } finally {
        const taken = follower.counts.taken - before;
        from += taken;
        this.#skip += taken;
        this.#commits.arrived(at, taken);
      }
      if (from === rows.length) this.#moveTo(position);
      if (follower.since >= particleRows) await this.#close();
      if (follower.counts.taken >= maxRows) {
        this.#isFull = true;
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

  #close(): Promise<void> {
    return this.#commits.close(this.#opened.follower, this.#position, this.#skip);
  }

  #report(): void {
    const { rows, lastLag } = this.#commits;
    if (rows - this.#reported < REPORT_ROWS) return;
    this.#reported = rows;
    this.#hooks.onProgress?.({
      stage: 'following',
      done: rows,
      unit: 'rows',
      note: `${scoreText(this.#opened.follower.scores.latest)} · lag ${lastLag} ms`,
    });
  }

  /** What is known of the run but for its place and its cost. */
  result(): Omit<FollowResult, 'store' | 'name' | 'source' | 'seconds' | 'peakMemory'> {
    const { plan, follower } = this.#opened;
    const { newest, made, rows, drift, lag } = this.#commits;
    return {
      learner: String((plan.learner as { name?: string }).name),
      classes: follower.model.classes,
      commit: newest,
      commits: made,
      rows,
      counts: { ...follower.counts, waiting: follower.waiting },
      scores: follower.scores.total,
      drift: { ...drift },
      ended: this.#isFull ? 'rows' : (this.#feed.ended ?? 'source'),
      lag: lag.report(),
    };
  }
}

/** The commits of one run: one in flight while learning goes on, with what is told of each: lag, rate and decisions. */
import type { RowStream, StreamPosition } from '../../ingest/stream/stream.ts';
import type { Follower } from './follower.ts';
import type { Keeper } from './keeper.ts';
import { Lag } from './lag.ts';
import type { DriftCounts, FollowHooks } from './result.ts';

export class Commits {
  /** The newest commit, those made here, and rows that came for them. */
  newest: number;
  made = 0;
  rows = 0;
  /** Of the last commit, in milliseconds. */
  lastLag = 0;
  readonly lag = new Lag();
  readonly drift: DriftCounts = {};
  readonly #keeper: Keeper;
  readonly #stream: RowStream;
  readonly #onCommit: FollowHooks['onCommit'];
  readonly #started: number;
  /** When rows of the particle at hand came, and how many. */
  #arrivals: { at: number; rows: number }[] = [];
  #inFlight: Promise<void> = Promise.resolve();

  /** `started`: when the run began (`performance.now()`); `newest`: the commit that it goes on from. */
  constructor(keeper: Keeper, stream: RowStream, { onCommit }: FollowHooks, started: number, newest: number) {
    this.#keeper = keeper;
    this.#stream = stream;
    this.#onCommit = onCommit;
    this.#started = started;
    this.newest = newest;
  }

  /** Counts rows that came at `at` and were taken. */
  arrived(at: number, rows: number): void {
    this.#arrivals.push({ at, rows });
    this.rows += rows;
  }

  /** Whether the first row of the particle at hand has waited for so many seconds. */
  isDue(seconds: number): boolean {
    const [first] = this.#arrivals;
    return first !== undefined && performance.now() - first.at >= 1000 * seconds;
  }

  /** Resolves when no commit is in flight. Throws what the last one threw. */
  settled(): Promise<void> {
    return this.#inFlight;
  }

  /** Closes the particle at hand and begins its commit, once the one before is done; learning goes on meanwhile. */
  async close(follower: Follower, position: StreamPosition | null, skip: number): Promise<void> {
    await this.#inFlight;
    const arrivals = this.#arrivals;
    this.#arrivals = [];
    const closed = follower.close(position, skip);
    const counts = { ...closed.state.counts, waiting: follower.waiting };
    const scores = follower.scores.total;
    const { stretches, events } = closed.state;
    this.#inFlight = this.#keeper.commit(closed).then(async ({ commit }) => {
      this.newest = commit;
      this.made++;
      if (position !== null) await this.#stream.taken?.(position);
      const now = performance.now();
      for (const { at, rows } of arrivals) this.lag.add(now - at, rows);
      for (const { kind } of events) if (kind !== 'class') this.drift[kind] = (this.drift[kind] ?? 0) + 1;
      this.lastLag = Math.round(now - (arrivals[0]?.at ?? now));
      this.#onCommit?.({
        commit,
        rows: closed.particle?.rows ?? 0,
        counts,
        scores,
        stretches,
        events,
        lag: this.lastLag,
        rowsPerSecond: Math.round((1000 * this.rows) / (now - this.#started)),
      });
    });
    this.#inFlight.catch(() => {});
  }
}

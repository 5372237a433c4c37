/** How a run begins: from the newest state of the stream, an earlier one, or the first rows of it. */
import { existsSync } from 'node:fs';
import { SoraError } from '../../errors.ts';
import { formatCount } from '../../explain/format.ts';
import type { RowObject } from '../../ingest/inputs.ts';
import { formatSchema } from '../../ingest/schema.ts';
import type { RowStream, StreamPosition } from '../../ingest/stream/stream.ts';
import { MODEL_FILE } from '../../model/model.ts';
import type { Snapshot } from '../../store/snapshot.ts';
import type { Store } from '../../store/store.ts';
import { labelsOf, refuseSameSource } from './catch-up.ts';
import { checkSame, modelThere, nameOf, stateBack } from './checks.ts';
import type { Feed } from './feed.ts';
import { Follower } from './follower.ts';
import { Keeper } from './keeper.ts';
import type { CheckedFollow } from './options.ts';
import { makePlan } from './plan.ts';
import type { FollowHooks } from './result.ts';
import { type FollowPlan, folderOf, newestState } from './state.ts';

/** What a run works with. */
export interface Run {
  readonly store: Store;
  readonly stream: RowStream;
  readonly options: CheckedFollow;
  readonly hooks: FollowHooks;
  readonly feed: Feed;
}

/** Where a run goes on. */
export interface Opened {
  readonly name: string;
  readonly keeper: Keeper;
  readonly plan: FollowPlan;
  readonly follower: Follower;
  /** The newest commit; 0 if there is none. */
  readonly commit: number;
  /** Where the source stands, and rows after it that were taken before. */
  readonly position: StreamPosition | null;
  readonly known: number;
  /** Rows of the store that are to be learned first. */
  readonly behind?: Snapshot;
}

/** Finds where to go on, or how to begin, and starts the feed there. */
export async function openRun(run: Run): Promise<Opened> {
  const { store, stream, options, hooks, feed } = run;
  let log = await store.log();
  const name = nameOf(log, options);
  if (existsSync(`${store.root}/${folderOf(name)}${MODEL_FILE}`)) throw modelThere(name);
  const newKeeper = () => new Keeper(store, log, { name, source: stream.name, keep: options.keep });
  let keeper = newKeeper();
  await keeper.clean();
  if (options.fromCommit !== undefined) {
    const back = stateBack(log, name, options.fromCommit);
    await keeper.load(back);
    await keeper.goBack(back);
    log = await store.log();
    keeper = newKeeper();
  }
  const newest = newestState(log, name);
  if (newest === undefined)
    return { name, keeper, commit: 0, position: null, known: 0, ...(await begin(run)) };
  const { commit } = newest.commit;
  checkSame(newest.state.plan.given, newest.state.source, stream.name, options, name);
  const kept = await keeper.load(newest);
  const { plan, position, skip, counts } = kept.state;
  const follower = new Follower(plan, stream.name, options.badRows, kept);
  feed.start(position);
  hooks.onNote?.(`${name}: goes on after ${counts.taken} rows (commit ${commit})`);
  return { name, keeper, plan, follower, commit, position, known: skip };
}

/** Makes the plan of a stream that starts, and says what it is. */
async function begin(run: Run): Promise<Pick<Opened, 'plan' | 'follower' | 'behind'>> {
  const { store, stream, options, hooks } = run;
  const rows = await firstRows(run);
  const snapshot = await store.snapshot();
  const stored = snapshot.particles.length > 0 ? snapshot.schema : undefined;
  const isBehind = options.catchUp && stored !== undefined;
  if (isBehind) refuseSameSource(snapshot, stream.name);
  const labels = isBehind ? await labelsOf(store, snapshot, options) : [];
  const { plan, notes } = makePlan(rows, options, stored, labels);
  const follower = new Follower(plan, stream.name, options.badRows);
  hooks.onNote?.(`${formatSchema(plan.schema)}\n`);
  for (const note of notes) hooks.onNote?.(note);
  if (isBehind) return { plan, follower, behind: snapshot };
  if (stored !== undefined) {
    hooks.onNote?.(
      `${formatCount(snapshot.rows)} rows that the store has already are not learned; begin with --catch-up to learn them first.`,
    );
  }
  return { plan, follower };
}

/** The first rows. They are as many as asked for however slowly they come, so that the plan does not depend on it. */
async function firstRows({ options, hooks, feed }: Run): Promise<RowObject[]> {
  feed.start(null);
  const wanted = Math.min(options.sampleRows, options.maxRows ?? Number.POSITIVE_INFINITY);
  const rows: RowObject[] = [];
  while (rows.length < wanted) {
    const item = await feed.look();
    if (item === 'end') break;
    if (item === undefined) continue;
    rows.push(...item.value.rows);
    const done = Math.min(rows.length, wanted);
    hooks.onProgress?.({ stage: 'first rows', done, total: wanted, unit: 'rows' });
  }
  if (feed.ended !== 'stopped') return rows.slice(0, wanted);
  throw new SoraError(
    'cancelled',
    `Stopped after ${rows.length} rows, before the first ${wanted} from which columns are told (--sample-rows): nothing was committed.`,
  );
}

/**
 * What a commit of a followed stream says beside its particle: where the source stands, what was counted and scored,
 * and which files hold the model and the rows that wait. All of it is in one commit, so all of it or nothing counts.
 */
import { SoraError } from '../../errors.ts';
import type { PrequentialScores, PrequentialSums } from '../../evaluate/prequential.ts';
import type { OnlineLabel } from '../../fit/online/classes.ts';
import type { DriftEvent } from '../../fit/online/drift/events.ts';
import type { StreamPosition } from '../../ingest/stream/stream.ts';
import type { DateFormat } from '../../ingest/time.ts';
import type { Json } from '../../json.ts';
import type { Schema } from '../../particle/schema.ts';
import type { LoggedCommit } from '../../store/commit.ts';

/** How rows are read and learned; fixed by the first commit. */
export interface FollowPlan {
  /** Options as they were given, those alone that rows and model depend on. */
  readonly given: Json;
  readonly schema: Schema;
  /** How dates are written, and further strings that mean missing, by column. */
  readonly formats: Readonly<Record<string, DateFormat>>;
  readonly markers: Readonly<Record<string, readonly string[]>>;
  /** Classes from the start, of which the model may know more by now; empty where numbers are learned. */
  readonly classes: readonly OnlineLabel[];
  /** What is done about others; absent: they are learned. */
  readonly newClasses?: 'refuse';
  readonly learner: Json;
  /** What the model does about drift; absent: nothing. */
  readonly drift?: Json;
  /** Logarithm of the number of slots that categories and words are hashed into. */
  readonly hashBits: number;
  readonly seed: number;
  readonly stretch: number;
  /** Bounds of waiting for labels; absent where none is waited for. */
  readonly wait?: { readonly rows: number; readonly seconds?: number };
}

/** Rows by what became of them. `taken` is all but those that still wait. */
export interface FollowCounts {
  /** Rows that came from the source. */
  taken: number;
  /** Rows in the particles of all commits. */
  stored: number;
  learned: number;
  /** Stored without a label, and so not learned. */
  unlabelled: number;
  /** Left out or set aside, as the options say. */
  bad: number;
  /** Labels that came later and found their row. */
  joined: number;
  /** Rows whose label did not come in time; they are among the unlabelled. */
  expired: number;
  /** Labels that found no row. */
  unmatched: number;
  /** Rows of the store that were learned before those of the source; in no other count. */
  caughtUp?: number;
}

/** A class that had not come before, and is learned from here on. */
export interface ClassEvent {
  readonly kind: 'class';
  /** Number of the learned row that brought it. */
  readonly row: number;
  readonly label: OnlineLabel;
  /** Classes that are known with it; it is the last. */
  readonly classes: number;
}

/** What the model decided, with what it was decided for. */
export type FollowEvent = DriftEvent | ClassEvent;

/** What is kept of a stream after some of its rows. */
export interface FollowState {
  readonly version: 1;
  /** Name of the model. */
  readonly follow: string;
  /** Name of the source. */
  readonly source: string;
  /** Where the source stands, and how many rows after it were taken too. */
  readonly position: StreamPosition | null;
  readonly skip: number;
  readonly plan: FollowPlan;
  readonly counts: FollowCounts;
  readonly scores: { readonly total: PrequentialSums; readonly stretch: PrequentialSums };
  /** Label of the last row that was learned. */
  readonly last: number;
  /** Largest time that has come, in milliseconds; absent where nothing waits by time. */
  readonly clock?: number;
  /** Stretches that ended since the commit before. */
  readonly stretches: readonly PrequentialScores[];
  /** What the model decided about drift, and classes that came, since the commit before. */
  readonly events: readonly FollowEvent[];
  /** Key of the model's file in the store. */
  readonly model: string;
  /** Key of the file of rows that wait, if any do. */
  readonly waiting?: string;
}

/** A state and the commit that it is in. */
export interface CommittedState {
  readonly commit: LoggedCommit;
  readonly state: FollowState;
}

/**
 * The state that a commit holds of the model `name`, if it does. One that only cut rows anew holds none: what it says of
 * sources is what earlier commits said. Throws `newer-format`.
 */
export function stateOf(
  commit: Pick<LoggedCommit, 'sources' | 'commit' | 'recut'>,
  name: string,
): FollowState | undefined {
  for (const { options } of commit.recut ? [] : commit.sources) {
    const state = options as unknown as Partial<FollowState> | null | undefined;
    if (state === null || typeof state !== 'object' || state.follow !== name) continue;
    if (state.version === 1) return state as FollowState;
    throw new SoraError(
      'newer-format',
      `Commit ${commit.commit} holds a state of "${name}" of version ${state.version}; this version of Sora reads 1: update it.`,
    );
  }
  return undefined;
}

/** The newest state of the model `name` in a log. */
export function newestState(log: readonly LoggedCommit[], name: string): CommittedState | undefined {
  for (let at = log.length - 1; at >= 0; at--) {
    const state = stateOf(log[at], name);
    if (state !== undefined) return { commit: log[at], state };
  }
  return undefined;
}

/** Names of the models that are followed in a log, in order of first appearance. */
export function followedNames(log: readonly LoggedCommit[]): string[] {
  const names = log.flatMap(({ sources }) =>
    sources.map(({ options }) => (options as { follow?: unknown } | null | undefined)?.follow),
  );
  return [...new Set(names.filter((name) => typeof name === 'string'))];
}

/** Folder of the files of a followed model, as a key of the store. */
export function folderOf(name: string): string {
  return `models/${name}/`;
}

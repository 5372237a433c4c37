/** What following tells: of each commit, and at its end; and what callers may hang on it. */
import type { PrequentialScores } from '../../evaluate/prequential.ts';
import type { OnlineLabel } from '../../fit/online/classes.ts';
import type { DriftEvent } from '../../fit/online/drift/events.ts';
import type { Hooks } from '../data.ts';
import type { LagReport } from './lag.ts';
import type { SourceOutage } from './outages.ts';
import type { FollowCounts, FollowEvent } from './state.ts';

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

/** Decisions about drift by kind. */
export type DriftCounts = Partial<Record<DriftEvent['kind'], number>>;

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
  readonly drift: Readonly<DriftCounts>;
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

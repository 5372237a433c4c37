/**
 * How an update is judged. The model before meets all new rows, which it has not seen: test, then train. Both models
 * are then scored on held-out rows of the new particles and of some old ones, evenly spread over the history, so that
 * the cost does not grow with the store; or of all of them, where that is asked for.
 */
import type { EvaluationResult } from '../evaluate/result.ts';
import type { Executor, Session } from '../run/session.ts';
import type { SnapshotParticle } from '../store/snapshot.ts';
import type { Split } from '../summary/split.ts';
import { type Hooks, openSession } from './data.ts';
import { evaluateOn, type Fitted } from './fit.ts';
import type { UpdateData } from './update-data.ts';

/** What the evaluation of an update says. */
export interface UpdateEvaluation {
  /** The model before on all new rows: test, then train. */
  readonly prequential: EvaluationResult;
  /** The model before, and now, on held-out rows; absent where none were held out. */
  readonly before?: EvaluationResult;
  readonly after?: EvaluationResult;
  /** Particles whose held-out rows were looked at. */
  readonly judged?: { readonly old: number; readonly new: number };
}

/** Held-out rows of old particles that are enough: intervals of a share are then within 0.014. */
const ENOUGH_ROWS = 5_000;

/** Old particles that are scored: all, or evenly spread ones with about {@link ENOUGH_ROWS} held-out rows. */
export function judgedParticles(
  old: readonly SnapshotParticle[],
  fraction: number,
  whole: boolean,
): SnapshotParticle[] {
  const rows = old.reduce((sum, particle) => sum + particle.rows, 0);
  const share = whole ? 1 : Math.min(1, ENOUGH_ROWS / Math.max(1, fraction * rows));
  const count = Math.ceil(share * old.length);
  return Array.from({ length: count }, (_, i) => old[Math.floor(((i + 0.5) * old.length) / count)]);
}

/** Scores both models. `executor` is given the particles that {@link judgedParticles} names, and the new ones. */
export async function judge(
  executor: Executor,
  fresh: Session,
  data: UpdateData,
  old: readonly SnapshotParticle[],
  models: { readonly before: Fitted; readonly after: Fitted },
  test: Split | undefined,
  hooks: Hooks,
  cached: boolean,
): Promise<UpdateEvaluation> {
  const prequential = await evaluateOn(fresh, models.before, undefined);
  if (test === undefined) return { prequential };
  const session = await openSession(executor, data, hooks, cached, [...old, ...data.fresh]);
  const before = await evaluateOn(session, models.before, test);
  const after = await evaluateOn(session, models.after, test);
  await session.close();
  return { prequential, before, after, judged: { old: old.length, new: data.fresh.length } };
}

/**
 * The report of an update, written as that of a training. What it says of columns and their strengths is of the new rows,
 * and says so: the rows before were not looked at.
 */
import { verdict } from '../evaluate/verdict.ts';
import { columnStrengths } from '../explain/contribution.ts';
import { gainShares } from '../explain/importance.ts';
import { isFactors } from '../model/scorer.ts';
import type { Session } from '../run/session.ts';
import type { Profile } from '../summary/profile.ts';
import { learnerName } from './describe.ts';
import type { Fitted } from './fit.ts';
import { writeReport } from './report.ts';
import { peakMemory } from './resources.ts';
import type { TrainResult } from './train-result.ts';
import type { UpdateResult } from './update-result.ts';

/** Columns of an updated model by what they do over the new rows, or by their share of the gain of trees. */
export async function updatedStrengths(
  fresh: Session,
  { recipe, view, learner }: Fitted,
): Promise<TrainResult['features']> {
  const { parameters, record } = learner;
  if (isFactors(parameters)) return [];
  if (!(parameters instanceof Float64Array)) return gainShares(recipe, parameters);
  return (await columnStrengths(fresh, recipe, parameters, record.outputs, view)).strengths;
}

/** Writes the report into the directory of the updated model; returns its path. */
export function writeUpdateReport(
  result: UpdateResult,
  fitted: Fitted,
  features: TrainResult['features'],
  profile: Profile,
  workers: number,
): Promise<string> {
  const { model, after, rows, seconds, judged, particles } = result;
  const whole = judged === undefined || judged.old === particles.old;
  const about: Partial<TrainResult> = {
    ...{ directory: result.directory, store: result.store, model, features, workers, evaluation: after },
    target: `${fitted.label.column} · ${fitted.label.note}`,
    learner: `${learnerName(model.learner)}, update ${model.provenance.updates?.length ?? 1}`,
    featureCount: fitted.recipe.width,
    rows: { total: rows.learned + (after?.rows ?? 0), train: rows.learned, test: after?.rows ?? 0 },
    fit: result.fit ?? model.learner,
    verdict: after ? verdict(after).sentence : 'No rows were held out: nothing is known of how good it is.',
    strength: model.learner.name === 'trees' ? 'gain' : 'spread',
    notes: [
      `Updated: ${result.how}. Columns${model.learner.name === 'trees' ? '' : ' and strengths'} are described as they are in the ${rows.new} new rows.`,
      ...(whole
        ? []
        : [
            `Scores are of held-out rows in ${judged.new} new and ${judged.old} of ${particles.old} old particles.`,
          ]),
      ...result.changes,
    ],
    seconds: { ingest: seconds.append, recipe: 0, fit: seconds.fit, evaluate: seconds.evaluate },
    peakMemory: peakMemory(),
  };
  return writeReport(about as TrainResult, { ...fitted, profile });
}

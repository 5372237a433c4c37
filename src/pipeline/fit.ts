/**
 * Recipe and parameters fitted on the rows of a session, and judged on rows of one: the part of training that a
 * hold-out, cross-validation and a refit share. Writes nothing.
 */
import { SoraError } from '../errors.ts';
import { type Baseline, fitBaseline, type Task } from '../evaluate/baseline.ts';
import { evaluate } from '../evaluate/evaluate.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import { loadLoss } from '../fit/own-loss.ts';
import { type LossName, lossOf } from '../loss/registry.ts';
import { recordedLoss } from '../model/model.ts';
import type { Schema } from '../particle/schema.ts';
import { joinRecipes } from '../recipe/join.ts';
import type { LabelSpec } from '../recipe/label.ts';
import type { RecipeOptions } from '../recipe/options.ts';
import { prepareRecipe } from '../recipe/prepare.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { learnerViewReference } from '../recipe/view.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import type { Profile } from '../summary/profile.ts';
import type { Split } from '../summary/split.ts';
import type { StoreHooks } from './data.ts';
import { fitFactors } from './fit-factor.ts';
import { fitLinear } from './fit-linear.ts';
import { fitBoosted } from './fit-trees.ts';
import { askedLearner, chooseLearner, type Family, type FittedLearner } from './learner.ts';
import { askedTask, lossFor } from './loss-choice.ts';
import type { CheckedTrain as Checked } from './options.ts';
import { fitTransfer } from './transfer.ts';

/** A fit of recipe and parameters on some rows, before anything is written. */
export interface Fitted {
  readonly recipe: Recipe;
  readonly profile: Profile;
  readonly label: LabelSpec;
  readonly view: Reference;
  readonly learner: FittedLearner;
  readonly baseline: Baseline;
}

const TASK: Record<LabelSpec['kind'], Task> = {
  binary: 'binary',
  multiclass: 'multiclass',
  number: 'regression',
  count: 'count',
};

/** Machines learn something of every category, however rare, as they shrink what few rows say. */
const EVERY_LEVEL = { onehotLevels: 100_000, minCount: 1 };

function recipeOptions(options: Checked, family: Family): RecipeOptions {
  const { encode, numeric, timed = false } = options;
  const parents = Object.entries(options.parents ?? {}).map(([name, list]) => [name, list.split('+')]);
  const { textNgrams, textCharacters, textTfidf, textSegmenter } = options;
  return {
    textNgrams,
    textCharacters,
    textTfidf,
    textSegmenter,
    ...(encode ? { encode: encode as RecipeOptions['encode'] } : {}),
    parents: Object.fromEntries(parents) as Record<string, string[]>,
    numeric,
    for: family,
    calendarFromTime: timed,
    ...(family === 'factor' ? { ...EVERY_LEVEL, rowBands: options.rowBands ?? [] } : {}),
  };
}

/** Plays the rounds of recipe, baseline and fit. `clock` is told when the recipe is ready. */
export async function fitOn(
  session: Session,
  schema: Schema,
  options: Checked,
  split: Split | undefined,
  hooks: StoreHooks,
  clock: () => void = () => {},
): Promise<Fitted> {
  const { seed } = options;
  const own = options.ownLoss && (await loadLoss(options.ownLoss));
  const task = askedTask(options, schema);
  const rows = session.particles.reduce((sum, particle) => sum + particle.rows, 0);
  const family = askedLearner(options) ?? chooseLearner(schema, rows).family;
  const { fromModel } = options;
  const prepared = await prepareRecipe(session, {
    schema,
    split,
    options: recipeOptions(options, family),
    label: task === undefined ? {} : { task },
    seed,
  });
  const { profile } = prepared;
  const joined =
    options.transferModel && joinRecipes(options.transferModel.recipe, prepared.recipe, options.map);
  const recipe = fromModel?.recipe ?? joined?.recipe ?? prepared.recipe;
  const label = recipe.label as LabelSpec;
  const { ageing: decay } = options;
  const view = learnerViewReference({ recipe, split, purpose: 'fit', ...(decay ? { decay } : {}) });
  clock();
  const loss = fromModel ? recordedLoss(fromModel.learner) : lossFor(options, label, schema, own);
  if (options.calibrate) requireProbability(label, loss.name);
  const outputs = loss.name === 'softmax' ? (label.classes?.length ?? 1) : 1;
  const baseline = await fitBaseline(session, {
    task: loss.name === 'lambdarank' ? 'ranking' : TASK[label.kind],
    classes: label.classes?.length ?? 0,
    view,
    quantile: lossOf(loss).leafQuantile,
  });
  const problem = { recipe, view, loss, outputs, split };
  const learn = { linear: fitLinear, trees: fitBoosted, factor: fitFactors }[family];
  const { transferModel } = options;
  const learner =
    transferModel && joined
      ? await fitTransfer(session, problem, { ...options, transferModel }, joined, hooks, baseline)
      : await learn(session, problem, options, hooks, baseline);
  return { recipe, profile, label, view, learner, baseline };
}

/** Throws `bad-option` where there is no probability to calibrate: before the fit, which may be long. */
function requireProbability({ kind }: LabelSpec, loss: LossName): void {
  if (kind === 'binary' && loss === 'logistic') return;
  throw new SoraError(
    'bad-option',
    `Option --calibrate is for a target of two classes and logistic loss; this is a ${kind} target with ${loss} loss: leave the option out.`,
  );
}

/** Evaluates a fit on the rows of `split`, or on all rows of the session. */
export function evaluateOn(
  session: Session,
  fitted: Fitted,
  split: Split | undefined,
): Promise<EvaluationResult> {
  const { recipe, baseline } = fitted;
  const { record, parameters } = fitted.learner;
  const { name, loss, outputs, features } = record;
  const view = learnerViewReference({ recipe, split, purpose: 'score' });
  const spec = recordedLoss(record);
  return evaluate(session, { learner: name, loss, spec, outputs, features, parameters, view, baseline });
}

/**
 * Recipe and parameters fitted on the rows of a session, and judged on rows of one: the part of training that a
 * hold-out, cross-validation and a refit share. Writes nothing.
 */
import type { z } from 'zod';
import { SoraError } from '../errors.ts';
import { type Baseline, fitBaseline, type Task } from '../evaluate/baseline.ts';
import { evaluate } from '../evaluate/evaluate.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import { fitGlm, type GlmResult } from '../fit/glm/glm.ts';
import type { Schema } from '../particle/schema.ts';
import type { LabelSpec } from '../recipe/label.ts';
import type { RecipeOptions } from '../recipe/options.ts';
import { prepareRecipe } from '../recipe/prepare.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { learnerViewReference } from '../recipe/view.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import type { Profile } from '../summary/profile.ts';
import type { Split } from '../summary/split.ts';
import type { Hooks } from './data.ts';
import type { trainShape } from './options.ts';

type Checked = z.output<typeof trainShape>;

/** A fit of recipe and parameters on some rows, before anything is written. */
export interface Fitted {
  readonly recipe: Recipe;
  readonly profile: Profile;
  readonly label: LabelSpec;
  readonly view: Reference;
  readonly loss: Loss;
  readonly outputs: number;
  readonly result: GlmResult;
  readonly baseline: Baseline;
}

export type Loss = 'squared' | 'huber' | 'logistic' | 'softmax' | 'poisson';

const TASK: Record<LabelSpec['kind'], Task> = {
  binary: 'binary',
  multiclass: 'multiclass',
  number: 'regression',
  count: 'count',
};

function recipeOptions({ encode, numeric }: Checked): RecipeOptions {
  return { ...(encode ? { encode: encode as RecipeOptions['encode'] } : {}), numeric };
}

/** Plays the rounds of recipe, baseline and fit. `clock` is told when the recipe is ready. */
export async function fitOn(
  session: Session,
  schema: Schema,
  options: Checked,
  split: Split | undefined,
  hooks: Hooks,
  clock: () => void = () => {},
): Promise<Fitted> {
  const { task, seed } = options;
  const { recipe, profile } = await prepareRecipe(session, {
    schema,
    split,
    options: recipeOptions(options),
    label: task === 'auto' ? {} : { task },
    seed,
  });
  const label = recipe.label as LabelSpec;
  const view = learnerViewReference({ recipe, split, purpose: 'fit' });
  clock();
  const loss = options.loss === 'auto' ? label.loss : options.loss;
  if (options.calibrate) requireProbability(label, loss);
  const outputs = loss === 'softmax' ? (label.classes?.length ?? 1) : 1;
  const baseline = await fitBaseline(session, {
    task: TASK[label.kind],
    classes: label.classes?.length ?? 0,
    view,
  });
  const result = await fitGlm(session, {
    loss,
    outputs,
    features: recipe.width,
    view,
    l1: options.l1,
    l2: options.l2,
    classWeight: options.classWeight,
    maxRounds: options.maxRounds,
    tolerance: options.tolerance,
    signal: hooks.signal,
    onRound: ({ round, objective }) =>
      hooks.onProgress?.({
        stage: 'fitting',
        done: round,
        unit: 'rounds',
        note: `objective ${objective.toFixed(6)}`,
      }),
  });
  return { recipe, profile, label, view, loss, outputs, result, baseline };
}

/** Throws `bad-option` where there is no probability to calibrate: before the fit, which may be long. */
function requireProbability({ kind }: LabelSpec, loss: Loss): void {
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
  const { recipe, loss, outputs, result, baseline } = fitted;
  const view = learnerViewReference({ recipe, split, purpose: 'score' });
  return evaluate(session, {
    learner: 'glm',
    loss,
    outputs,
    features: recipe.width,
    parameters: result.parameters,
    view,
    baseline,
  });
}

/**
 * The linear part of an update: what is kept of the rows before is read from the model, or observed once where a model
 * was trained and never updated; the fit then goes on from the new rows, and from all rows as often as is asked.
 */
import { SoraError } from '../errors.ts';
import type { Baseline } from '../evaluate/baseline.ts';
import { type ClassWeight, classFactors, classWeightedReference } from '../fit/glm/class-weights.ts';
import { fitGlm } from '../fit/glm/glm.ts';
import {
  curvatureKind,
  observePast,
  type Past,
  packCurvature,
  stationaryPast,
  unpackCurvature,
} from '../fit/glm/past.ts';
import type { Problem } from '../fit/glm/problem.ts';
import { labelWeight, updateGlm } from '../fit/glm/update.ts';
import { glmParameters, type LearnerRecord, type Model, recordedLoss } from '../model/model.ts';
import type { Tensors } from '../model/safetensors.ts';
import { type Recipe, transformNamed } from '../recipe/recipe.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import type { Fitted } from './fit.ts';

type GlmRecord = Extract<LearnerRecord, { name: 'glm' }>;

/** Sessions over the same rows: those before, the new ones, and both. */
export interface UpdateSessions {
  readonly old: () => Promise<Session>;
  readonly fresh: Session;
  readonly all: () => Promise<Session>;
}

/** An updated model's parameters, record, and what it keeps of its rows. */
export interface LinearUpdate {
  readonly parameters: Float64Array;
  readonly record: GlmRecord;
  /** What is kept beside the parameters; empty after full passes, since those rows' cache holds it. */
  readonly kept: Tensors;
  readonly rows: number;
  readonly weight: number;
  readonly how: string;
}

/** Full passes that wide models make by default: a diagonal says too little of rows not looked at (docs/update.md). */
const WIDE_PASSES = 6;

/** Full passes that an update makes: as many as are asked for, or as its kind needs. */
export function passesOf({ learner }: Pick<Model, 'learner'>, polish: number | undefined): number {
  return polish ?? (curvatureKind(learner) === 'diagonal' ? WIDE_PASSES : 0);
}

/** What was learned from before, as a problem of the old rows. */
export function problemOf(model: Pick<Model, 'learner'>, view: Reference, baseline: Baseline): Problem {
  const { options, outputs, features } = model.learner;
  const number = (key: string) => (typeof options[key] === 'number' ? (options[key] as number) : 0);
  const factors = classFactors((options.classWeight ?? 'none') as ClassWeight, {
    weight: 1,
    classes: Float64Array.from(baseline.shares),
  });
  return {
    ...{ loss: recordedLoss(model.learner), outputs, features },
    view: factors === undefined ? view : classWeightedReference(view, factors),
    l1: number('l1'),
    l2: number('l2'),
  };
}

/** Goes on from the model. `polish`: full passes; absent: as many as its kind needs. */
export async function updateLinear(
  sessions: UpdateSessions,
  model: Model,
  view: Reference,
  baseline: Baseline,
  { polish, signal }: { readonly polish?: number; readonly signal?: AbortSignal },
): Promise<LinearUpdate> {
  const before = problemOf(model, view, baseline);
  const { rows, weight } = learnedRows(model, baseline);
  const record = model.learner as GlmRecord;
  const start = glmParameters(model);
  const passes = passesOf(model, polish);
  // The default strength is one over the weight of the rows, and stays that.
  const isDefault = Math.abs(before.l2 * weight - 1) < 1e-9;
  if (passes > 0 && curvatureKind(before) === 'diagonal')
    return polished(sessions, before, record, view, start, passes, isDefault, signal);
  const past =
    keptPast(model, before) ??
    (await firstPast(await sessions.old(), model, before, { rows, weight }, start));
  const added = await labelWeight(sessions.fresh, before);
  const l2 = isDefault ? 1 / (past.weight + added) : before.l2;
  const result = await updateGlm(sessions.fresh, { ...before, l2, past, signal });
  if (passes > 0)
    return polished(sessions, before, record, view, result.parameters, passes, isDefault, signal);
  const { parameters, past: now, ...ended } = result;
  return {
    parameters,
    record: { ...record, options: { ...record.options, l2 }, ...ended },
    kept: pastTensors(now),
    ...{ rows: now.rows, weight: now.weight },
    how: 'new rows',
  };
}

/** What is kept of the rows that a model was trained on; of a linear model with a cache, its training observed it. */
export async function firstPast(
  session: Session,
  { recipe, provenance }: Model,
  problem: Problem,
  totals: { readonly rows: number; readonly weight: number },
  at: Float64Array,
): Promise<Past> {
  const past = await observePast(session, problem, totals, at);
  // A penalty that pulled elsewhere than to 0 differs from one that does by a linear term.
  const isOther = isStripped(recipe) || provenance.transfer !== undefined;
  return isOther ? stationaryPast(past, problem) : past;
}

/** Whether a model's rows showed other features while it was fitted than they do now. */
export function isStripped({ steps }: Recipe): boolean {
  return steps.some(({ transform }) => transformNamed(transform).strip !== undefined);
}

async function polished(
  { all }: UpdateSessions,
  { loss, outputs, features, l1, l2 }: Problem,
  record: GlmRecord,
  view: Reference,
  start: Float64Array,
  passes: number,
  isDefault: boolean,
  signal: AbortSignal | undefined,
): Promise<LinearUpdate> {
  const { options } = record;
  const delta = typeof loss === 'object' ? loss.delta : undefined;
  const fitted = await fitGlm(await all(), {
    ...{ loss: loss as never, outputs, features, view, l1, warmStart: start, maxRounds: passes, signal },
    ...(isDefault ? {} : { l2 }),
    ...(delta === undefined ? {} : { delta }),
    classWeight: (options.classWeight ?? 'none') as ClassWeight,
    tolerance: typeof options.tolerance === 'number' ? options.tolerance : undefined,
  });
  const { parameters, converged, reason, rounds, objective, gradientNorm, rows, weight } = fitted;
  return {
    parameters,
    record: {
      ...record,
      options: { ...options, l2: fitted.l2 },
      converged,
      reason,
      rounds,
      objective,
      gradientNorm,
    },
    kept: {},
    ...{ rows, weight },
    how: `${rounds} passes over all rows`,
  };
}

/** Rows that a model has learned from, and their weight. */
export function learnedRows({ provenance }: Model, baseline: Baseline): { rows: number; weight: number } {
  const last = provenance.updates?.at(-1);
  return last === undefined
    ? { rows: baseline.rows, weight: baseline.weight }
    : { rows: last.rows, weight: last.weight };
}

const LOSS = 'past.loss';
const GRADIENT = 'past.gradient';
const CURVATURE = 'past.curvature';

function pastTensors({ loss, gradient, curvature, at }: Past): Tensors {
  const packed = packCurvature(curvature, at.length);
  return {
    [LOSS]: { shape: [1], values: Float64Array.of(loss) },
    [GRADIENT]: { shape: [gradient.length], values: gradient },
    [CURVATURE]: { shape: [packed.length], values: packed },
  };
}

/** What the model keeps of its rows; undefined where it keeps nothing. Throws `corrupt` where it is of another shape. */
function keptPast(model: Model, problem: Problem): Past | undefined {
  const { [LOSS]: loss, [GRADIENT]: gradient, [CURVATURE]: packed } = model.tensors;
  const last = model.provenance.updates?.at(-1);
  if (loss === undefined || gradient === undefined || packed === undefined || last === undefined)
    return undefined;
  const at = glmParameters(model);
  const curvature =
    packed.values instanceof Float64Array ? unpackCurvature(packed.values, problem) : undefined;
  if (
    curvature === undefined ||
    !(gradient.values instanceof Float64Array) ||
    gradient.values.length !== at.length
  ) {
    throw new SoraError(
      'corrupt',
      'What the model keeps of the rows it learned from is not of its own shape.',
    );
  }
  return {
    ...{ rows: last.rows, weight: last.weight, at },
    loss: loss.values[0],
    gradient: gradient.values,
    curvature,
  };
}

/** Observes what an update will ask of a model's rows, so that a cache has it; nothing where that would be dear. */
export async function preparePast(session: Session, fitted: Fitted): Promise<void> {
  const { learner, baseline, recipe, view } = fitted;
  if (learner.record.name !== 'glm' || isStripped(recipe)) return;
  const problem = problemOf({ learner: learner.record }, view, baseline);
  if (curvatureKind(problem) === 'diagonal') return;
  await observePast(session, problem, baseline, learner.parameters as Float64Array);
}

/**
 * An update: a model goes on from the rows that came since it was fitted, under its recipe, and is judged on rows that
 * neither the model before nor the update has learned from. A row's side of the hold-out follows from its content, so
 * it stays what it was as data is appended. The model before stays beside the new one.
 */
import { resolve } from 'node:path';
import { SoraError } from '../errors.ts';
import { type Baseline, fitBaseline } from '../evaluate/baseline.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import { holdOut } from '../evaluate/split.ts';
import type { Json } from '../json.ts';
import { finishSave, loadModel, parametersHash, saveModel } from '../model/files.ts';
import { type Model, modelParameters, parameterTensors } from '../model/model.ts';
import type { Tensors } from '../model/safetensors.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { learnerViewReference } from '../recipe/view.ts';
import { inlineExecutor } from '../run/inline.ts';
import type { Executor, Session } from '../run/session.ts';
import { summaryReference } from '../summary/catalog.ts';
import type { Profile } from '../summary/profile.ts';
import type { Split } from '../summary/split.ts';
import { type Hooks, type Inputs, openSession } from './data.ts';
import { dataChanges } from './data-change.ts';
import type { Fitted } from './fit.ts';
import type { FittedLearner } from './learner.ts';
import { counted, type Observed } from './observed.ts';
import { type CheckedUpdate, checkOptions, type UpdateOptions, updateShape } from './options.ts';
import { removeReport } from './report.ts';
import { openExecutor } from './resources.ts';
import { checkModel } from './update-check.ts';
import { openUpdate, type UpdateData } from './update-data.ts';
import { judge, judgedParticles, type UpdateEvaluation } from './update-evaluate.ts';
import { learnedRows, passesOf, type UpdateSessions, updateLinear } from './update-linear.ts';
import { refitted } from './update-refit.ts';
import { updatedStrengths, writeUpdateReport } from './update-report.ts';
import type { UpdateResult } from './update-result.ts';
import { updateTrees } from './update-trees.ts';
import { keepVersion } from './update-versions.ts';
import { VERSION } from './version.ts';

/**
 * Brings a model up to its store, or appends the inputs to the store first.
 * @example
 * const { before, after } = await update('people.sora/models/income', 'march.csv');
 */
export async function update(
  directory: string,
  inputs?: Inputs,
  given: UpdateOptions & Hooks = {},
): Promise<UpdateResult> {
  const { signal, onProgress, onNote, ...plain } = given;
  const hooks: Hooks = { signal, onProgress, onNote };
  const options = checkOptions(updateShape, plain);
  if (options.undo) {
    throw new SoraError(
      'bad-option',
      'Option --undo learns from nothing and takes no rows: call undoUpdate(directory), or sora update MODEL --undo.',
      { details: { option: 'undo' } },
    );
  }
  const model = await loadModel(directory);
  const identity = parametersHash(model);
  checkModel(model, directory, options);
  const started = performance.now();
  const data = await openUpdate(directory, model, inputs, options, hooks, identity, sidesOf(model)?.train);
  const opened = performance.now();
  if (data.fresh.length === 0) {
    await finishSave(directory, model);
    return nothingNew(directory, model, data, (opened - started) / 1000);
  }
  const sides = sidesOf(model);
  const executor = isShort(model, data, options) ? inlineExecutor() : openExecutor(options, data.snapshot);
  try {
    const open = (particles: UpdateData['old']) =>
      openSession(executor, data, hooks, options.cache, particles);
    const [fresh, old, all] = [
      counted(await open(data.fresh)),
      lazily(() => open(data.old)),
      lazily(() => open(data.snapshot.particles)),
    ];
    const sessions: UpdateSessions = { fresh: fresh.session, old: old.get, all: all.get };
    const fitted = await fitUpdate(sessions, model, data, options, sides?.train, hooks);
    const observed = {
      old: Math.max(old.observed(), Math.max(0, all.observed() - data.fresh.length)),
      new: Math.max(fresh.observed.particles, Math.min(all.observed(), data.fresh.length)),
    };
    const profile = await profileOf(fresh.session, sides?.train);
    const changes = dataChanges(await profileOf(await old.get(), sides?.train), profile);
    const fitEnd = performance.now();
    const before = fittedOf(model);
    const evaluations =
      options.evaluate &&
      (await evaluated(executor, fresh.session, data, { before, after: fitted }, sides, options, hooks));
    const features = options.report ? await updatedStrengths(fresh.session, fitted) : [];
    await Promise.all([fresh.session.close(), old.close(), all.close()]);
    const updated = assemble(model, fitted, data, identity, evaluations ? evaluations.after : undefined);
    const { target, previous } = await keepVersion(directory, model, options.out);
    const { converged, reason, rounds } = updated.learner;
    const result: UpdateResult = {
      directory: target,
      ...(previous === undefined ? {} : { previous }),
      store: data.store.root as string,
      commits: data.commits,
      ...(data.held.length > 0 ? { held: data.held } : {}),
      how: fitted.how,
      particles: { old: data.old.length, new: data.fresh.length },
      observed,
      rows: { learned: fitted.rows, new: data.fresh.reduce((sum, { rows }) => sum + rows, 0) },
      fit: { converged, reason, rounds },
      changes,
      ...(evaluations || {}),
      seconds: {
        append: (opened - started) / 1000,
        fit: (fitEnd - opened) / 1000,
        evaluate: (performance.now() - fitEnd) / 1000,
      },
      model: updated,
    };
    // The model comes last: once it is there, nothing is left to do again.
    const report = options.report
      ? await writeUpdateReport(result, fitted, features, profile, executor.workers)
      : undefined;
    if (report === undefined) await removeReport(target);
    await saveModel(target, updated);
    return report === undefined ? result : { ...result, report };
  } finally {
    await executor.close();
  }
}

/** Scores both models, on threads of their own where there is much to score and the fit needed none. */
async function evaluated(
  executor: Executor,
  fresh: Session,
  data: UpdateData,
  models: { readonly before: Fitted; readonly after: Fitted },
  sides: ReturnType<typeof sidesOf>,
  options: CheckedUpdate,
  hooks: Hooks,
): Promise<UpdateEvaluation> {
  const old = sides ? judgedParticles(data.old, sides.test.fraction, options.heldOut === 'all') : [];
  const play = (on: Executor) => judge(on, fresh, data, old, models, sides?.test, hooks, options.cache);
  if (executor.workers > 0 || isLight([...old, ...data.fresh])) return play(executor);
  const threads = openExecutor(options, data.snapshot);
  try {
    return await play(threads);
  } finally {
    await threads.close();
  }
}

interface UpdatedFit extends Fitted {
  readonly kept: Tensors;
  readonly rows: number;
  readonly weight: number;
  readonly how: string;
}

async function fitUpdate(
  sessions: UpdateSessions,
  model: Model,
  data: UpdateData,
  options: CheckedUpdate,
  split: Split | undefined,
  hooks: Hooks,
): Promise<UpdatedFit> {
  const before = fittedOf(model);
  if (options.recipe === 'refit') return refitted(await sessions.all(), model, data.schema, split, hooks);
  const view = learnerViewReference({ recipe: model.recipe, split, purpose: 'fit' });
  const baseline = await mergedBaseline(sessions.fresh, model, before.baseline, view);
  if (model.learner.name === 'glm') {
    const { parameters, record, ...rest } = await updateLinear(sessions, model, view, before.baseline, {
      polish: options.polish,
      signal: hooks.signal,
    });
    const learner: FittedLearner = { parameters, record, history: [] };
    return { ...before, learner, baseline: { ...baseline, rows: rest.rows, weight: rest.weight }, ...rest };
  }
  const session = options.rows === 'new' ? sessions.fresh : await sessions.all();
  const seed = model.provenance.seed ?? 1;
  const { learner, how } = await updateTrees(
    session,
    model,
    view,
    baseline,
    { ...options, seed },
    {
      ...hooks,
      store: data.store.root,
    },
  );
  return { ...before, learner, baseline, kept: {}, rows: baseline.rows, weight: baseline.weight, how };
}

/** The baseline with the new rows; its median and rate stay those of the first training. */
async function mergedBaseline(
  fresh: Session,
  model: Model,
  before: Baseline,
  view: Fitted['view'],
): Promise<Baseline> {
  const { rows, weight } = learnedRows(model, before);
  const classes = before.shares.length;
  let now: Baseline;
  try {
    now = await fitBaseline(fresh, { task: before.task, classes, view, quantile: undefined });
  } catch (error) {
    if (error instanceof SoraError && error.code === 'bad-data') return { ...before, rows, weight };
    throw error;
  }
  const total = weight + now.weight;
  const mixed = (a: number, b: number) => (a * weight + b * now.weight) / total;
  return {
    ...before,
    rows: rows + now.rows,
    weight: total,
    shares: before.shares.map((share, c) => mixed(share, now.shares[c])),
    mean: mixed(before.mean, now.mean),
  };
}

function assemble(
  model: Model,
  fitted: UpdatedFit,
  data: UpdateData,
  identity: string,
  after: EvaluationResult | undefined,
): Model {
  const { learner, baseline, recipe, kept, how, rows, weight } = fitted;
  const { metrics: _, ...rest } = model;
  const entry = {
    from: identity,
    snapshot: data.before,
    commits: [...(data.commits as [number, number])] as [number, number],
  };
  return {
    ...rest,
    recipe,
    learner: learner.record,
    baseline: baseline as unknown as Json,
    ...(after ? { metrics: after as unknown as Json } : {}),
    provenance: {
      ...model.provenance,
      sora: VERSION,
      snapshot: data.snapshot.id,
      updates: [...(model.provenance.updates ?? []), { ...entry, how, rows, weight }],
    },
    tensors: { ...parameterTensors(learner.parameters, learner.record), ...kept },
  };
}

function sidesOf({ provenance }: Model): { train: Split; test: Split } | undefined {
  const split = provenance.split as { seed: number; fraction: number } | undefined;
  return split === undefined ? undefined : holdOut(split);
}

/** New particles of so many bytes, compressed, are gone over a few times before threads have started. */
const SHORT_BYTES = 8 << 20;

/** Whether a fit looks at few rows only. */
function isShort(model: Model, { fresh }: UpdateData, options: CheckedUpdate): boolean {
  const isAsked = options.workers !== undefined || options.memory !== undefined;
  const onlyNew =
    model.learner.name === 'glm' && passesOf(model, options.polish) === 0 && options.recipe === 'keep';
  return !isAsked && onlyNew && isLight(fresh);
}

function isLight(particles: UpdateData['fresh']): boolean {
  return particles.reduce((sum, { bytes }) => sum + bytes, 0) <= SHORT_BYTES;
}

function fittedOf(model: Model): Fitted {
  const learner: FittedLearner = { parameters: modelParameters(model), record: model.learner, history: [] };
  const { recipe, baseline } = model;
  const view = learnerViewReference({ recipe: recipe as Recipe, purpose: 'score' });
  const nothing: Profile = { rows: 0, columns: [] };
  const label = recipe.label as Fitted['label'];
  return { recipe, label, view, learner, baseline: baseline as unknown as Baseline, profile: nothing };
}

async function profileOf(session: Session, split: Split | undefined): Promise<Profile> {
  const summary = summaryReference('profile', split === undefined ? {} : { split });
  const { value } = await session.reduce<unknown, Profile>({ summary, keep: 'nodes', label: 'profile' });
  return value;
}

/** A session that is opened when it is first asked for. */
function lazily(open: () => Promise<Session>): {
  get(): Promise<Session>;
  observed(): number;
  close(): Promise<void>;
} {
  let made: Promise<Session> | undefined;
  let known: Observed | undefined;
  const begin = async () => {
    const { session, observed } = counted(await open());
    known = observed;
    return session;
  };
  return {
    get: () => (made ??= begin()),
    observed: () => known?.particles ?? 0,
    close: async () => (await made)?.close(),
  };
}

function nothingNew(directory: string, model: Model, data: UpdateData, seconds: number): UpdateResult {
  return {
    directory: resolve(directory),
    store: data.store.root as string,
    how: 'nothing new',
    ...(data.held.length > 0 ? { held: data.held } : {}),
    particles: { old: data.old.length, new: 0 },
    observed: { old: 0, new: 0 },
    rows: { learned: learnedRows(model, model.baseline as unknown as Baseline).rows, new: 0 },
    changes: [],
    seconds: { append: seconds, fit: 0, evaluate: 0 },
    model,
  };
}

/**
 * An update: a model goes on from the rows that came since it was fitted, under its recipe, and is judged on rows that
 * neither the model before nor the update has learned from. A row's side of the hold-out follows from its content, so
 * it stays what it was as data is appended. The model before stays beside the new one.
 */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { SoraError } from '../errors.ts';
import { type Baseline, fitBaseline } from '../evaluate/baseline.ts';
import type { EvaluationResult } from '../evaluate/result.ts';
import { holdOut } from '../evaluate/split.ts';
import type { Json } from '../json.ts';
import { loadModel, parametersHash, saveModel } from '../model/files.ts';
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
import { counted } from './observed.ts';
import { checkOptions, flagName, type UpdateOptions, updateShape } from './options.ts';
import { removeReport } from './report.ts';
import { openExecutor } from './resources.ts';
import { openUpdate, type UpdateData } from './update-data.ts';
import { judge, judgedParticles, type UpdateEvaluation } from './update-evaluate.ts';
import { learnedRows, passesOf, type UpdateSessions, updateLinear } from './update-linear.ts';
import { refitted } from './update-refit.ts';
import { updatedStrengths, writeUpdateReport } from './update-report.ts';
import type { UpdateResult } from './update-result.ts';
import { updateTrees } from './update-trees.ts';
import { VERSION } from './version.ts';

type Checked = ReturnType<typeof checkOptions<typeof updateShape>>;

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
  if (data.fresh.length === 0) return nothingNew(directory, model, data, (opened - started) / 1000);
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
    const { target, previous } = await write(directory, model, updated, options);
    const { converged, reason, rounds } = updated.learner;
    const result: UpdateResult = {
      directory: target,
      ...(previous === undefined ? {} : { previous }),
      store: data.store.root as string,
      commits: data.commits,
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
    if (!options.report) return result;
    const report = await writeUpdateReport(result, fitted, features, profile, executor.workers);
    return { ...result, report };
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
  options: Checked,
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

/** Puts back the model before the last update. Throws `not-found` where it is not there any more. */
export async function undoUpdate(directory: string): Promise<{ directory: string; model: Model }> {
  const model = await loadModel(directory);
  const last = model.provenance.updates?.at(-1);
  if (last === undefined)
    throw new SoraError('bad-option', `The model ${directory} was never updated: there is nothing to undo.`);
  const place = versionName(directory, (model.provenance.updates?.length ?? 0) - 1);
  const before = await loadModel(place);
  if (parametersHash(before) !== last.from) {
    throw new SoraError(
      'not-found',
      `The model in ${place} is not the one that ${directory} was updated from: restore it from a backup.`,
    );
  }
  await removeReport(directory);
  await saveModel(directory, before);
  rmSync(place, { recursive: true, force: true });
  return { directory, model: before };
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
  options: Checked,
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

/** Writes the new model, the one before first beside it if it is to be replaced. */
async function write(
  directory: string,
  before: Model,
  now: Model,
  { out }: Checked,
): Promise<{ target: string; previous?: string }> {
  const target = resolve(out ?? directory);
  if (target !== resolve(directory)) {
    await removeReport(target);
    await saveModel(target, now);
    return { target };
  }
  const previous = versionName(target, before.provenance.updates?.length ?? 0);
  await saveModel(previous, before);
  await removeReport(target);
  await saveModel(target, now);
  return { target, previous };
}

/** Where a model goes that has had so many updates. */
function versionName(directory: string, updates: number): string {
  return `${resolve(directory)}.${updates + 1}`;
}

function checkModel(model: Model, directory: string, options: Checked): void {
  const refuse = (message: string): never => {
    throw new SoraError('bad-option', message);
  };
  const { learner, baseline } = model;
  if (learner.loss === 'own')
    refuse(`The model ${directory} has a loss of its own, which is not in it: train it anew.`);
  if (baseline === undefined)
    refuse(`The model ${directory} says of no rows that it learned from: train it anew.`);
  if (model.history !== undefined)
    refuse(
      `The model ${directory} has features over time, which new rows would start anew: train it on all rows (sora train).`,
    );
  if (model.provenance.ageing !== undefined || isTimed(model))
    refuse(
      `The model ${directory} learned from rows chosen or weighed by their time (--split time, --window, --half-life, --gap), which change as rows come: train it anew, or try policies with sora backtest.`,
    );
  if (learner.name === 'factor')
    refuse(
      `The model ${directory} is a factorization machine, which has no update: train it anew, or follow the rows with a learner of sora follow.`,
    );
  if (learner.options.calibrate === true)
    refuse(`The model ${directory} was calibrated on rows that an update would not look at: train it anew.`);
  const isLinear = learner.name === 'glm';
  const fallback = updateShape.parse({});
  for (const key of isLinear
    ? (['trees', 'rows', 'rounds', 'dropRounds', 'decay'] as const)
    : (['polish', 'recipe'] as const)) {
    if (options[key] === fallback[key]) continue;
    refuse(
      `Option --${flagName(key)} is for ${isLinear ? 'trees' : 'linear models'}, and ${directory} is a model of ${isLinear ? 'the other kind' : 'trees, which keep their recipe'}: leave it out.`,
    );
  }
}

/** Whether rows were chosen by their time, so that their sides would move with every append. */
function isTimed({ provenance }: Model): boolean {
  return (provenance.split as { within?: unknown } | undefined)?.within !== undefined;
}

function sidesOf({ provenance }: Model): { train: Split; test: Split } | undefined {
  const split = provenance.split as { seed: number; fraction: number } | undefined;
  return split === undefined ? undefined : holdOut(split);
}

/** New particles of so many bytes, compressed, are gone over a few times before threads have started. */
const SHORT_BYTES = 8 << 20;

/** Whether a fit looks at few rows only. */
function isShort(model: Model, { fresh }: UpdateData, options: Checked): boolean {
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
  let made: Promise<ReturnType<typeof counted>> | undefined;
  let looked = 0;
  return {
    async get() {
      made ??= open().then((session) => counted(session));
      const { session, observed } = await made;
      looked = observed.particles;
      return {
        ...session,
        async reduce(round) {
          const result = await session.reduce(round);
          looked = observed.particles;
          return result as never;
        },
      };
    },
    observed: () => looked,
    close: async () => (await made)?.session.close(),
  };
}

function nothingNew(directory: string, model: Model, data: UpdateData, seconds: number): UpdateResult {
  return {
    directory: resolve(directory),
    store: data.store.root as string,
    how: 'nothing new',
    particles: { old: data.old.length, new: 0 },
    observed: { old: 0, new: 0 },
    rows: { learned: learnedRows(model, model.baseline as unknown as Baseline).rows, new: 0 },
    changes: [],
    seconds: { append: seconds, fit: 0, evaluate: 0 },
    model,
  };
}

/**
 * Fitting a factorization machine over the particles of a session: a round counts the rows of each feature, then passes
 * (pass.ts) until rows kept back are predicted no better. Numbers are learned in standard deviations from their mean,
 * other losses from their best constant. The result is a function of particles, view and options: rounds that a cache
 * holds are not played again.
 */
import { throwIfAborted } from '../../errors.ts';
import type { Json } from '../../json.ts';
import type { FactorSteps } from '../../kernel/factor.ts';
import { type LossSpec, lossOf } from '../../loss/registry.ts';
import { encodeFactors, type FactorModel } from '../../model/factor.ts';
import type { Reference } from '../../run/reference.ts';
import type { Session } from '../../run/session.ts';
import { type LabelTotals, learnableTotals } from '../labels.ts';
import { strengthsOf, variances } from './components.ts';
import type { Likeness, LikenessOptions } from './likeness.ts';
import { type MachineOptions, modelOf, startState } from './machine.ts';
import type { PassValue } from './pass.ts';
import { CURVATURES, type PolishOptions, type PolishSums } from './polish.ts';

// The summaries of the rounds, exported from here so that references to them name this module.
/** @byReference */
export { heldLoss } from './held.ts';
/** @byReference */
export { likeness } from './likeness.ts';
/** @byReference */
export { machinePass } from './pass.ts';
/** @byReference */
export { polish } from './polish.ts';
/** @byReference */
export { visits } from './visits.ts';

/** What to fit, and how. */
export interface FitFactorOptions extends FactorSteps {
  readonly loss: LossSpec;
  readonly outputs: number;
  readonly features: number;
  /** Reference of sparse views: the rows to learn from. */
  readonly view: Reference;
  /** Rows to stop by; absent: all passes are made. */
  readonly holdOut?: Reference;
  readonly factors: number;
  /** Most passes. */
  readonly epochs: number;
  /** Passes without a lower loss of the rows kept back after which to stop. */
  readonly patience: number;
  readonly spread: number;
  /** Column whose levels each feature is one of, 1 … n; 0: of none. Absent: all priors are of the same strength. */
  readonly columnOf?: readonly number[];
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onPass?: (pass: FactorPass) => void;
}

/** Mean losses of a pass: of each row before its step, and of the rows kept back after it. */
export interface FactorPass {
  readonly pass: number;
  readonly trainLoss: number;
  readonly holdOutLoss?: number;
}

export interface FactorResult {
  readonly model: FactorModel;
  /** Passes that the model has made. */
  readonly passes: number;
  readonly stopped: 'early' | 'epochs';
  readonly history: readonly FactorPass[];
  /** What priors of a column's levels were multiplied by, from column 1. */
  readonly strengths: readonly number[];
}

/** Losses whose margin is the number itself. */
const NUMBERS: readonly string[] = ['squared', 'huber'];

/** Fits the machine. Throws `bad-data` when there is nothing to learn from. */
export async function fitFactor(session: Session, options: FitFactorOptions): Promise<FactorResult> {
  const { view, holdOut, epochs, patience, seed, spread, signal, onPass } = options;
  const { machine, totals } = await machineOf(session, options);
  const counts = await play<Float64Array>(session, 'visits', view, { features: options.features });
  const { columnOf, strengths } = await strengthsFound(session, options, counts, totals.rows);
  const ofFeature = Float64Array.from(counts, (_, i) => (columnOf[i] > 0 ? strengths[columnOf[i] - 1] : 1));
  let state = startState(machine, counts, seed, spread, ofFeature);
  let best = { pass: 0, loss: Number.POSITIVE_INFINITY, state };
  const history: FactorPass[] = [];
  for (let pass = 1; pass <= epochs; pass++) {
    throwIfAborted(signal);
    const bytes = new Uint8Array(state.slice().buffer);
    const told = await play<PassValue>(session, 'machinePass', view, { ...machine, round: pass }, bytes);
    state = told.state;
    const holdOutLoss =
      holdOut &&
      (await play<number>(session, 'heldLoss', holdOut, machine, encodeFactors(modelOf(machine, state))));
    history.push({
      pass,
      trainLoss: told.loss / told.weight,
      ...(holdOutLoss === undefined ? {} : { holdOutLoss }),
    });
    onPass?.(history[history.length - 1]);
    const loss = holdOutLoss ?? Number.NEGATIVE_INFINITY;
    if (loss < best.loss || holdOutLoss === undefined) best = { pass, loss, state };
    else if (pass - best.pass >= patience) break;
  }
  const model = modelOf(machine, best.state);
  await polished(session, options, machine, model, ofFeature);
  return {
    model,
    passes: best.pass,
    stopped: history.length < epochs || best.pass < history.length ? 'early' : 'epochs',
    history,
    strengths,
  };
}

/** Rounds over all groups of features in which weights are made exact; each takes a reduce a group. */
const SWEEPS = 6;

/** Makes the weights of the model exact in place, by polish.ts, for losses that it is for. */
async function polished(
  session: Session,
  { columnOf, view, features, factors, outputs, signal }: FitFactorOptions,
  { loss, prior }: MachineOptions,
  model: FactorModel,
  strengths: ArrayLike<number>,
): Promise<void> {
  const { name } = lossOf(loss);
  if (columnOf === undefined || outputs > 1 || !Object.hasOwn(CURVATURES, name)) return;
  const groups = [{ from: 0, to: 0 }, ...runsOf(columnOf)];
  for (let round = 0; round < SWEEPS * groups.length; round++) {
    throwIfAborted(signal);
    const { from, to } = groups[round % groups.length];
    const problem: PolishOptions = { loss: name, factors, outputs, features, from, to };
    const { slopes, curvatures } = await play<PolishSums>(
      session,
      'polish',
      view,
      problem,
      encodeFactors(model),
    );
    if (from === to) model.intercepts[0] -= slopes[0] / curvatures[0];
    for (let i = from; i < to; i++) {
      if (!(curvatures[i] > 0)) continue;
      const held = prior * strengths[i];
      model.weights[i] -= (slopes[i] + held * model.weights[i]) / (curvatures[i] + held);
    }
  }
}

/** Runs of features of the same column. */
function runsOf(columnOf: readonly number[]): { from: number; to: number }[] {
  const starts = [...columnOf.keys()].filter((i) => i === 0 || columnOf[i] !== columnOf[i - 1]);
  return starts.map((from, i) => ({ from, to: starts[i + 1] ?? columnOf.length }));
}

/** Most columns whose components are estimated, and entries of a row in one: what a round costs is their square. */
const MOST_COLUMNS = 64;
const MOST_ENTRIES = 16;
/** Fewer levels say nothing of how levels differ. */
const LEAST_LEVELS = 3;

/** Strengths of the columns; 1 of those that are too many, too wide or of too few levels to be asked. */
async function strengthsFound(
  session: Session,
  { columnOf = [], outputs, view }: FitFactorOptions,
  counts: Float64Array,
  rows: number,
): Promise<{ columnOf: readonly number[]; strengths: number[] }> {
  const columns = Math.max(0, ...columnOf);
  const [levels, entries] = [new Float64Array(columns + 1), new Float64Array(columns + 1)];
  for (const [feature, column] of columnOf.entries()) {
    levels[column] += counts[feature] > 0 ? 1 : 0;
    entries[column] += counts[feature];
  }
  const asked = Array.from({ length: columns }, (_, i) => i + 1)
    .filter((column) => levels[column] >= LEAST_LEVELS && entries[column] <= MOST_ENTRIES * rows)
    .slice(0, MOST_COLUMNS);
  const strengths = Array.from({ length: columns }, () => 1);
  if (asked.length < 2) return { columnOf, strengths };
  const among = columnOf.map((column) => asked.indexOf(column) + 1);
  const problem: LikenessOptions = { outputs, columns: asked.length, columnOf: among };
  const bytes = new Uint8Array(counts.slice().buffer);
  const found = strengthsOf(variances(await play<Likeness>(session, 'likeness', view, problem, bytes)));
  for (const [i, column] of asked.entries()) strengths[column - 1] = found[i];
  return { columnOf, strengths };
}

/** Where margins start and what a unit of them is. */
async function machineOf(
  session: Session,
  options: FitFactorOptions,
): Promise<{ machine: MachineOptions; totals: LabelTotals }> {
  const { outputs, features, factors, rate, factorRate, prior, factorPrior } = options;
  const loss = lossOf(options.loss);
  const totals = await learnableTotals(session, loss, outputs, options.view);
  const deviation = Math.sqrt(totals.m2 / totals.weight);
  const scale = NUMBERS.includes(loss.name) && deviation > 0 ? deviation : 1;
  const centres = [...loss.bestConstant(totals, outputs)];
  const steps = { rate, factorRate, prior, factorPrior };
  const shape = { loss: options.loss, outputs, features, factors };
  return { machine: { ...shape, ...steps, centres, scale, slopeScale: scale }, totals };
}

async function play<Value>(
  session: Session,
  name: string,
  view: Reference,
  options: object,
  parameters?: Uint8Array,
): Promise<Value> {
  const summary: Reference = { module: import.meta.url, name, options: options as Json };
  const { value } = await session.reduce<unknown, Value>({
    summary,
    view,
    ...(parameters ? { parameters } : {}),
    keep: 'root',
    label: name === 'machinePass' ? 'pass' : name,
  });
  return value;
}

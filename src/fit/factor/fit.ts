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
import { learnableTotals } from '../labels.ts';
import { type MachineOptions, modelOf, startState } from './machine.ts';
import type { PassValue } from './pass.ts';

// The summaries of the rounds, exported from here so that references to them name this module.
/** @byReference */
export { heldLoss } from './held.ts';
/** @byReference */
export { machinePass } from './pass.ts';
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
}

/** Losses whose margin is the number itself. */
const NUMBERS: readonly string[] = ['squared', 'huber'];

/** Fits the machine. Throws `bad-data` when there is nothing to learn from. */
export async function fitFactor(session: Session, options: FitFactorOptions): Promise<FactorResult> {
  const { view, holdOut, epochs, patience, seed, spread, signal, onPass } = options;
  const machine = await machineOf(session, options);
  const counts = await play<Float64Array>(session, 'visits', view, { features: options.features });
  let state = startState(machine, counts, seed, spread);
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
  return {
    model: modelOf(machine, best.state),
    passes: best.pass,
    stopped: history.length < epochs || best.pass < history.length ? 'early' : 'epochs',
    history,
  };
}

/** Where margins start and what a unit of them is. */
async function machineOf(session: Session, options: FitFactorOptions): Promise<MachineOptions> {
  const { outputs, features, factors, rate, factorRate, prior, factorPrior } = options;
  const loss = lossOf(options.loss);
  const totals = await learnableTotals(session, loss, outputs, options.view);
  const deviation = Math.sqrt(totals.m2 / totals.weight);
  const scale = NUMBERS.includes(loss.name) && deviation > 0 ? deviation : 1;
  const centres = [...loss.bestConstant(totals, outputs)];
  const steps = { rate, factorRate, prior, factorPrior };
  return { loss: options.loss, outputs, features, factors, ...steps, centres, scale, slopeScale: scale };
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

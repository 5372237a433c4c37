/** A factorization machine as a learner of the pipeline. */
import { type FactorPass, fitFactor } from '../fit/factor/fit.ts';
import { levelGroups, type Recipe } from '../recipe/recipe.ts';
import { learnerViewReference } from '../recipe/view.ts';
import type { Session } from '../run/session.ts';
import type { Split } from '../summary/split.ts';
import type { Hooks } from './data.ts';
import type { FittedLearner, LearnerProblem } from './learner.ts';
import { lossOptions } from './loss-choice.ts';
import type { CheckedTrain as Checked } from './options.ts';

/** Standard deviation of the numbers of a vector before it is learned. */
const SPREAD = 0.05;

/** Plays the rounds of the fit: with rows kept back to learn how many passes help, then so many with all rows. */
export async function fitFactors(
  session: Session,
  { recipe, view, loss, outputs, split }: LearnerProblem,
  options: Checked,
  hooks: Hooks,
): Promise<FittedLearner> {
  const { factors, epochs, patience, stepSize, prior, factorPrior, seed, stoppingShare, fitAgain } = options;
  const problem = {
    ...{ loss, outputs, features: recipe.width, factors, epochs, patience, prior, factorPrior, seed },
    ...{ rate: stepSize, factorRate: stepSize, spread: SPREAD, signal: hooks.signal },
    columnOf: levelGroups(recipe),
  };
  const sides = patience > 0 ? stoppingSides(split, seed, stoppingShare) : undefined;
  const viewOf = (side: Split, purpose: 'fit' | 'score') =>
    learnerViewReference({ recipe, split: side, purpose });
  const onPass = (total: number) => (pass: FactorPass) =>
    hooks.onProgress?.({ stage: 'fitting', done: pass.pass, total, unit: 'rounds', note: noteOf(pass) });
  const found = await fitFactor(session, {
    ...problem,
    view: sides ? viewOf(sides.learn, 'fit') : view,
    ...(sides ? { holdOut: viewOf(sides.stop, 'score') } : {}),
    onPass: onPass(epochs),
  });
  const passes = Math.max(1, found.passes);
  const again = sides !== undefined && fitAgain !== false;
  const { model, strengths } = again
    ? await fitFactor(session, { ...problem, view, epochs: passes, onPass: onPass(passes) })
    : found;
  const last = found.history[passes - 1];
  return {
    parameters: model,
    record: {
      name: 'factor',
      loss: loss.name,
      outputs,
      features: recipe.width,
      options: {
        ...{ factors, epochs, patience, stepSize, prior, factorPrior, stoppingShare, fitAgain: again },
        strengths: namedStrengths(recipe, strengths),
        ...lossOptions(loss),
      },
      converged: found.stopped === 'early',
      reason: found.stopped === 'early' ? 'early' : 'epochs',
      rounds: passes,
      trainLoss: last.trainLoss,
      ...(last.holdOutLoss === undefined ? {} : { holdOutLoss: last.holdOutLoss }),
    },
    history: found.history.map(({ pass, trainLoss, holdOutLoss }) => ({
      round: pass,
      objective: trainLoss,
      ...(holdOutLoss === undefined ? {} : { holdOut: holdOutLoss }),
    })),
  };
}

/** Strengths of the priors by column, of those that have levels; four digits, as reports show them. */
function namedStrengths({ steps }: Recipe, strengths: readonly number[]): Record<string, number> {
  const nameOf = (group: number) => {
    const { column } = steps[Math.floor(group / 2)];
    return group % 2 === 0 ? column : `rows(${column})`;
  };
  const named = strengths.map((strength, i) => [nameOf(i), Number(strength.toPrecision(4))] as const);
  return Object.fromEntries(named.filter(([, strength]) => strength !== 1));
}

/** Of the training rows those to learn from, and those next to the test rows' range of hashes to stop by. */
function stoppingSides(
  split: Split | undefined,
  seed: number,
  share: number,
): { learn: Split; stop: Split } | undefined {
  if (split?.from !== undefined || split?.side === 'test') return undefined;
  const from = split?.fraction ?? 0;
  const range = { seed: split?.seed ?? seed, fraction: from + share * (1 - from) };
  return { learn: { ...range, side: 'train' }, stop: { ...range, from, side: 'test' } };
}

function noteOf({ trainLoss, holdOutLoss }: FactorPass): string {
  return `loss ${trainLoss.toFixed(6)}${holdOutLoss === undefined ? '' : `, ${holdOutLoss.toFixed(6)} on rows kept back`}`;
}

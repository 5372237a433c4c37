/** A generalised linear model as a learner of the pipeline. */
import { fitGlm } from '../fit/glm/glm.ts';
import type { Session } from '../run/session.ts';
import type { Hooks } from './data.ts';
import type { FittedLearner, LearnerProblem } from './learner.ts';
import { lossOptions } from './loss-choice.ts';
import type { CheckedTrain } from './options.ts';

/** Plays the rounds of the fit. */
export async function fitLinear(
  session: Session,
  { recipe, view, loss, outputs }: LearnerProblem,
  options: CheckedTrain,
  hooks: Hooks,
): Promise<FittedLearner> {
  const { l1, classWeight, tolerance, maxRounds, calibrate } = options;
  const result = await fitGlm(session, {
    loss,
    outputs,
    features: recipe.width,
    view,
    l1,
    l2: options.l2,
    classWeight,
    maxRounds,
    tolerance,
    ...(options.centre ? { centre: options.centre } : {}),
    ...(options.start ? { warmStart: options.start(recipe, outputs) } : {}),
    signal: hooks.signal,
    onRound: ({ round, objective }) =>
      hooks.onProgress?.({
        stage: 'fitting',
        done: round,
        unit: 'rounds',
        note: `objective ${objective.toFixed(6)}`,
      }),
  });
  const { parameters, converged, reason, rounds, objective, gradientNorm, history } = result;
  return {
    parameters,
    record: {
      name: 'glm',
      loss: loss.name,
      outputs,
      features: recipe.width,
      options: {
        ...{ l1, l2: result.l2, classWeight, tolerance, maxRounds, calibrate },
        ...lossOptions(loss),
      },
      converged,
      reason,
      rounds,
      objective,
      gradientNorm,
    },
    history: history.map((step, round) => ({ round, objective: step.objective })),
  };
}

/** Which models an update can go on from; the others are refused, with what to do instead, before anything is written. */
import { SoraError } from '../errors.ts';
import type { Model } from '../model/model.ts';
import { type CheckedUpdate, flagName, updateShape } from './options.ts';

/** Throws `bad-option` where the model has no update, or an option is not for its kind. */
export function checkModel(model: Model, directory: string, options: CheckedUpdate): void {
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

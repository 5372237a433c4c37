/** A model of trees that training goes on from: its recipe, its loss and its forest. */
import { SoraError } from '../errors.ts';
import { loadModel } from '../model/files.ts';
import { modelForest } from '../model/model.ts';
import type { LabelSpec } from '../recipe/label.ts';
import type { CheckedTrain as Checked } from './options.ts';

/** The options with the model that they name, whose target and loss are taken over. Throws `bad-option`. */
export async function withModel(options: Checked): Promise<Checked> {
  const { from, refit, target, loss } = options;
  if (from === undefined) {
    if (refit) refuse('refit', 'Option --refit needs --from: the model whose leaves are refitted.');
    return options;
  }
  const fromModel = await loadModel(from);
  const { learner, recipe } = fromModel;
  if (learner.name !== 'trees')
    refuse(
      'from',
      `The model ${from} is no model of trees; only those can be gone on from. Start from a linear one with --transfer.`,
    );
  if (learner.loss === 'own')
    refuse('from', `The model ${from} has a loss of its own, which is not in it: train it anew.`);
  const label = recipe.label as LabelSpec;
  if (target !== undefined && target !== label.column) {
    refuse(
      'target',
      `The target is "${target}", and that of the model ${from} is "${label.column}": leave --target out.`,
    );
  }
  if (loss !== 'auto' && loss !== learner.loss) {
    refuse('loss', `Option --loss is ${loss}, and the model ${from} has loss ${learner.loss}: leave it out.`);
  }
  modelForest(fromModel, from);
  return { ...options, target: label.column, fromModel };
}

function refuse(option: string, message: string): never {
  throw new SoraError('bad-option', message, { details: { option } });
}

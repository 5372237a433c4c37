/**
 * A saved model as what explains it: attributor options, names of its columns and outputs, and the unit that
 * contributions are in.
 */
import { type Model, modelParameters } from '../model/model.ts';
import type { Parameters } from '../model/scorer.ts';
import type { AttributorOptions } from './attributor.ts';
import { columnsOf } from './contribution.ts';

/** A model, ready for attributors. */
export interface Explained {
  readonly options: AttributorOptions;
  readonly parameters: Parameters;
  /** Columns of the data; with pairs, `a × b` after them. */
  readonly names: readonly string[];
  /** Classes, where each has a margin of its own; else one empty name. */
  readonly outputs: readonly string[];
  /** What a margin is, in words. */
  readonly unit: string;
}

const UNITS: Readonly<Record<string, string>> = {
  logistic: 'log odds',
  softmax: 'log share',
  poisson: 'log count',
};

/** Gathers what explains a model; with `pairs`, interactions too. */
export function explainedModel(model: Model, { pairs = false } = {}): Explained {
  const { learner, recipe } = model;
  const { names, columnOf } = columnsOf(recipe);
  const { name, loss, outputs, features } = learner;
  const together = pairs ? names.flatMap((a, i) => names.slice(i + 1).map((b) => `${a} × ${b}`)) : [];
  return {
    options: {
      ...{ learner: name, loss, outputs, features, columns: names.length, columnOf },
      ...(pairs ? { pairs } : {}),
      ...(name === 'glm' && learner.means ? { means: learner.means } : {}),
    },
    parameters: modelParameters(model),
    names: [...names, ...together],
    outputs: outputs > 1 ? (recipe.label?.classes ?? []) : [''],
    unit: UNITS[loss] ?? `unit of ${recipe.label?.column ?? 'the target'}`,
  };
}

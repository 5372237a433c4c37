/**
 * A saved model as what explains it: attributor options, names of its columns and outputs, and the unit that
 * contributions are in.
 */
import { type Model, modelParameters } from '../model/model.ts';
import type { Parameters } from '../model/scorer.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import { meanAttributions } from './attributions.ts';
import type { AttributorOptions } from './attributor.ts';
import { byStrength, type ColumnStrength, columnsOf } from './contribution.ts';

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
  return { ...explainedParts({ learner, recipe }, pairs), parameters: modelParameters(model) };
}

/** Mean size of each column's contribution over about `rows` rows of a view, summed over outputs; strongest first. */
export async function columnContributions(
  session: Session,
  model: Pick<Model, 'learner' | 'recipe'> & { readonly parameters: Parameters },
  { view, rows }: { readonly view: Reference; readonly rows: number },
): Promise<{ readonly rows: number; readonly unit: string; readonly columns: readonly ColumnStrength[] }> {
  const { options, names, outputs, unit } = explainedParts(model, false);
  const { parameters } = model;
  const means = await meanAttributions(session, { ...options, parameters, view, rows });
  const columns = names.map((name, slot) => ({
    name,
    strength: outputs.reduce((sum, _, k) => sum + means.absolute[k * names.length + slot], 0),
  }));
  return { rows: means.rows, unit, columns: columns.sort(byStrength) };
}

function explainedParts(
  { learner, recipe }: Pick<Model, 'learner' | 'recipe'>,
  pairs: boolean,
): Omit<Explained, 'parameters'> {
  const { names, columnOf } = columnsOf(recipe);
  const { name, loss, outputs, features } = learner;
  const together = pairs ? names.flatMap((a, i) => names.slice(i + 1).map((b) => `${a} × ${b}`)) : [];
  return {
    options: {
      ...{ learner: name, loss, outputs, features, columns: names.length, columnOf },
      ...(pairs ? { pairs } : {}),
      ...(name === 'glm' && learner.means ? { means: learner.means } : {}),
    },
    names: [...names, ...together],
    outputs: outputs > 1 ? (recipe.label?.classes ?? []) : [''],
    unit: UNITS[loss] ?? `unit of ${recipe.label?.column ?? 'the target'}`,
  };
}

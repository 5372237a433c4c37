/**
 * A foreign model as a model of Sora: a schema from the names of its features, a recipe that takes columns as they are
 * (numbers raw, categories as codes), the forest, and where it came from. Pure.
 */
import { SoraError } from '../../errors.ts';
import type { Field, Schema } from '../../particle/schema.ts';
import type { LabelSpec } from '../../recipe/label.ts';
import { RECIPE_VERSION, type Recipe } from '../../recipe/recipe.ts';
import type { Step } from '../../recipe/transform.ts';
import { forestTensors } from '../forest-tensors.ts';
import { type Model, modelForest } from '../model.ts';
import type { Imported, ImportedFeature } from './build.ts';

/** What a foreign file does not say. */
export interface ImportNames {
  /** Name of the column that is predicted. */
  readonly target: string;
  /** Names of the classes, in the order of the outputs; 0, 1, … if not given. */
  readonly classes?: readonly string[];
}

/** The model; throws `bad-option` where the names do not fit it, `corrupt` where its numbers are not finite. */
export function importedModel(imported: Imported, names: ImportNames, sora: string, where: string): Model {
  const { source, objective, loss, features, forest } = imported;
  const label = labelOf(imported, names, where);
  const isClass = label.classes !== undefined;
  const fields = [
    ...features.map(fieldOf),
    { name: names.target, type: isClass ? 'category' : 'number', role: 'label' } as const,
  ];
  checkNames(fields, where);
  const schema: Schema = { fields };
  const recipe: Recipe = {
    version: RECIPE_VERSION,
    layout: 'dense',
    width: features.length,
    fields,
    label,
    steps: features.map((feature) => stepOf(feature, source)),
    dropped: [],
  };
  const model: Model = {
    schema,
    recipe,
    learner: {
      name: 'trees',
      loss,
      outputs: forest.outputs,
      features: forest.features,
      options: { source, objective },
      converged: true,
      reason: 'imported',
      rounds: Math.ceil((forest.starts.length - 1) / forest.outputs),
    },
    provenance: { sora },
    tensors: forestTensors(forest),
  };
  modelForest(model, where);
  return model;
}

function fieldOf({ name, levels }: ImportedFeature): Field {
  return { name, type: levels === undefined ? 'number' : 'category', role: 'feature' };
}

function stepOf({ name, levels, other }: ImportedFeature, source: string): Step {
  if (levels === undefined) {
    return { transform: 'raw', column: name, width: 1, why: `as it is, as ${source} read it` };
  }
  const why = `codes of ${levels.length} levels, as ${source} numbered them`;
  return {
    transform: 'codes',
    column: name,
    width: 1,
    why,
    levels: [...levels],
    other: other === true,
  } as Step;
}

function checkNames(fields: readonly Field[], where: string): void {
  const seen = new Set<string>();
  for (const { name, role } of fields) {
    if (name !== '' && !seen.has(name)) seen.add(name);
    else if (role === 'label') {
      throw new SoraError(
        'bad-option',
        `The target "${name}" is also a feature of ${where}: give it another name (--target).`,
        { details: { option: 'target', value: name } },
      );
    } else
      throw new SoraError(
        'bad-input',
        `${where}: feature name "${name}" is empty or stands twice. Name its columns before saving.`,
      );
  }
}

function labelOf(
  { loss, forest, source, objective }: Imported,
  names: ImportNames,
  where: string,
): LabelSpec {
  const column = names.target;
  const note = `imported from ${source}, objective ${objective}`;
  if (loss === 'poisson') return { column, kind: 'count', loss, note };
  if (loss !== 'logistic' && loss !== 'softmax') return { column, kind: 'number', loss, note };
  const count = loss === 'logistic' ? 2 : forest.outputs;
  const classes = names.classes ?? Array.from({ length: count }, (_, k) => String(k));
  if (classes.length !== count || new Set(classes).size !== count) {
    throw new SoraError(
      'bad-option',
      `${where} tells ${count} classes apart, and --classes names ${new Set(classes).size} (${classes.join(', ')}): name each once, in the order of its outputs.`,
      { details: { option: 'classes', value: classes, limit: count } },
    );
  }
  if (loss === 'softmax') return { column, kind: 'multiclass', classes: [...classes], loss, note };
  return { column, kind: 'binary', classes: [...classes], positive: classes[1], loss, note };
}

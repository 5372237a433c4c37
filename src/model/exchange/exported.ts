/** What every export needs to know of a model of trees: its forest, and each feature's name and categories. Pure. */
import { SoraError } from '../../errors.ts';
import { featureNames, type Recipe } from '../../recipe/recipe.ts';
import type { CodesStep } from '../../recipe/transforms/codes.ts';
import type { Forest } from '../forest.ts';
import { type LearnerRecord, type Model, modelForest } from '../model.ts';

/** A feature of an exported model. */
export interface ExportedFeature {
  readonly name: string;
  /** Names of the categories by code. */
  readonly levels?: readonly string[];
}

/** A model of trees, ready to be written in another form. */
export interface Exported {
  readonly forest: Forest;
  readonly loss: LearnerRecord['loss'];
  readonly features: readonly ExportedFeature[];
  readonly classes?: readonly string[];
  /** Probability from which a row is of the positive class. */
  readonly threshold: number;
  /** What the other side must know to predict the same. */
  readonly notes: readonly string[];
}

/** The name of the code that stands for all levels without one of their own. */
const OTHER = '(other)';

/** Codes that a categorical node tells apart: those of the feature, or all that a set can hold. */
export function codeCount({ levels }: ExportedFeature): number {
  return levels?.length ?? 256;
}

/** Throws `unsupported-format` for a model that is not of trees. */
export function exportedModel(model: Model, where: string): Exported {
  const { learner, recipe } = model;
  if (learner.name !== 'trees') {
    throw new SoraError(
      'unsupported-format',
      `${where} is a ${learner.name === 'factor' ? 'factorization machine' : 'linear model'}, and only models of trees can be exported: train it with --learner trees.`,
    );
  }
  return {
    forest: modelForest(model, where),
    loss: learner.loss,
    features: featuresOf(recipe),
    classes: recipe.label?.classes ?? (learner.loss === 'logistic' ? ['0', '1'] : undefined),
    threshold: learner.threshold ?? 0.5,
    notes: notesOf(model),
  };
}

function featuresOf(recipe: Recipe): ExportedFeature[] {
  const names = featureNames(recipe);
  return recipe.steps.flatMap((step) => {
    const own = names.splice(0, step.width);
    if (step.transform !== 'codes') return own.map((name) => ({ name }));
    const { levels, other } = step as CodesStep;
    return own.map((name) => ({ name, levels: other ? [...levels, OTHER] : levels }));
  });
}

function notesOf({ recipe: { steps, fields }, learner: { loss }, history }: Model): string[] {
  const made = steps.filter(({ transform }) => transform !== 'raw' && transform !== 'codes');
  const notes: string[] = [];
  if (made.length > 0) {
    const names = made.map(({ column, transform }) => `${column} (${transform})`).join(', ');
    notes.push(`The file reads features, not columns; prepare these as the recipe does: ${names}.`);
  }
  if (history !== undefined) {
    const names = history.spec.features.map(({ name }) => name).join(', ');
    notes.push(`The file does not look back: give it the features over time with each row: ${names}.`);
  }
  if (loss === 'poisson' && fields.some(({ role }) => role === 'exposure')) {
    notes.push('The file predicts counts of exposure 1: multiply by the exposure.');
  }
  return notes;
}

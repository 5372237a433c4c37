/**
 * The learner's view by reference: what a worker derives from each particle for a fit or a score.
 * Its id holds a hash of the recipe, so a cached view is never used with another one. Needs Node (for the hash).
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../json.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import type { Reference } from '../run/reference.ts';
import type { ViewKind } from '../run/session.ts';
import { type Split, splitRows } from '../summary/split.ts';
import { applyRecipe, type Purpose } from './apply.ts';
import { type Recipe, recipeJson } from './recipe.ts';

export interface LearnerViewOptions {
  readonly recipe: Recipe;
  /** Rows of one side of a hold-out only. */
  readonly split?: Split;
  /** Default: `score` on the test side, else `fit`. */
  readonly purpose?: Purpose;
}

/** Names this module for {@link Reference}s. */
export function learnerViewReference(options: LearnerViewOptions): Reference {
  return { module: import.meta.url, name: 'learnerView', options: options as unknown as Json };
}

/** View kind of a recipe: dense or CSR features with labels, weights and offsets of the learnable rows. */
export function learnerView(options: LearnerViewOptions): ViewKind<DenseView | CsrView> {
  const { recipe, split } = options;
  const purpose = options.purpose ?? (split?.side === 'test' ? 'score' : 'fit');
  // Without out-of-fold encodings fit and score give the same view, which is then kept once.
  const kept = purpose === 'score' && recipe.folds === undefined ? 'fit' : purpose;
  const which = canonicalJson({ split, purpose: kept } as Json);
  return {
    id: `learner/1 ${recipeHash(recipe)} ${which}`,
    kept: true,
    derive: (particle, memory) =>
      applyRecipe(recipe, particle, splitRows(particle, split), purpose, memory).view,
  };
}

/** SHA-256 of the recipe's canonical JSON, hexadecimal. */
export function recipeHash(recipe: Recipe): string {
  return createHash('sha256')
    .update(canonicalJson(recipeJson(recipe)))
    .digest('hex');
}

/**
 * The learner's view by reference: what a worker derives from each particle for a fit or a score.
 * Its id holds a hash of the recipe, so a cached view is never used with another one. Needs Node (for the hash).
 */
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from '../json.ts';
import { exp } from '../kernel/elementary.ts';
import type { Particle } from '../particle/particle.ts';
import { fieldIndex } from '../particle/schema.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import type { Reference } from '../run/reference.ts';
import type { ViewKind } from '../run/session.ts';
import { columnNumbers } from '../summary/label-values.ts';
import { type Split, splitRows } from '../summary/split.ts';
import { applyRecipe, type Purpose } from './apply.ts';
import { type Recipe, recipeJson } from './recipe.ts';

export interface LearnerViewOptions {
  readonly recipe: Recipe;
  /** Rows of one side of a hold-out only. */
  readonly split?: Split;
  /** Default: `score` on the test side, else `fit`. */
  readonly purpose?: Purpose;
  /** Weights fall with age; for `fit` only. */
  readonly decay?: Decay;
}

/** A row weighs half as much as one whose number or time in the column is `halfLife` more; 1 at `newest`. */
export type Decay = { readonly column: string; readonly newest: number; readonly halfLife: number };

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
  const decay = purpose === 'fit' ? options.decay : undefined;
  const which = canonicalJson({ split, purpose: kept, ...(decay ? { decay } : {}) } as Json);
  return {
    id: `learner/1 ${recipeHash(recipe)} ${which}`,
    kept: true,
    derive(particle, memory) {
      const { view, rows } = applyRecipe(recipe, particle, splitRows(particle, split), purpose, memory);
      return decay ? { ...view, weights: decayed(particle, rows, view, decay) } : view;
    },
  };
}

/** Least weight: half-lives beyond it make no difference. */
const LEAST_WEIGHT = 2 ** -40;

/** Weights of the rows of a view, less by age; a row whose age is not known counts as the oldest. */
function decayed(
  { schema, columns }: Particle,
  rows: Uint32Array | undefined,
  { rows: count, weights }: DenseView | CsrView,
  { column, newest, halfLife }: Decay,
): Float64Array {
  const times = columnNumbers(columns[fieldIndex(schema, column)], column);
  const rate = -Math.LN2 / halfLife;
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const weight = exp(rate * (newest - times[rows === undefined ? i : rows[i]]));
    result[i] = (weight > LEAST_WEIGHT ? weight : LEAST_WEIGHT) * (weights?.[i] ?? 1);
  }
  return result;
}

/** SHA-256 of the recipe's canonical JSON, hexadecimal. */
export function recipeHash(recipe: Recipe): string {
  return createHash('sha256')
    .update(canonicalJson(recipeJson(recipe)))
    .digest('hex');
}

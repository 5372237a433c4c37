/** Options that Hoeffding trees have, alone and in ensembles; each learner has its own defaults. */
import { z } from 'zod';
import { SoraError } from '../../../errors.ts';
import type { Shape } from '../learner.ts';

/** The fields of a tree's options, with the defaults of grace and δ. */
export function treeFields(grace: number, delta: number) {
  return {
    /** Weight that a leaf sees between attempts to split. */
    grace: z.number().positive().default(grace),
    /** Share of wrong splits that is accepted. */
    delta: z.number().gt(0).lt(1).default(delta),
    /** Width of the Hoeffding bound below which ties are broken. */
    tie: z.number().nonnegative().default(0.05),
    /** What a leaf says: its majority, naive Bayes, or what of both has been right more often. */
    leaf: z.enum(['majority', 'bayes', 'adaptive']).default('adaptive'),
    /** Questions from the root to a leaf at most. */
    depth: z.int().nonnegative().default(60),
    /** Leaves of a tree at most: its memory is bounded, however long the stream. */
    leaves: z.int().min(1).default(10_000),
  };
}

/** Throws `bad-option` unless there are classes and features. */
export function checkTreeShape(name: string, { classes, width }: Shape): void {
  if (classes < 2) {
    throw new SoraError('bad-option', `The learner ${name} learns classes; give \`classes\`, at least two.`);
  }
  if (width === 0) throw new SoraError('bad-option', `The learner ${name} needs at least one feature.`);
}

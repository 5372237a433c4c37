/**
 * How the values of every column are spread: numbers over fixed edges (`histogram`), categories and booleans by value
 * (`counts`). Two of them over the same edges are compared by `distance.ts`. Law: exact, as both of its parts are.
 */
import { type Counts, counts } from './counts.ts';
import { type Histogram, histogram } from './histogram.ts';
import { product } from './product.ts';

/** Edges of each numeric column that is looked at, and the names of the others. */
export type DistributionOptions = {
  readonly edges: Readonly<Record<string, readonly number[]>>;
  readonly categories: readonly string[];
};

export interface Distribution {
  readonly numbers: Readonly<Record<string, Histogram>>;
  readonly categories: Readonly<Record<string, Counts>>;
}

/** Summary of both kinds of columns in one pass. O(values × log edges). */
export function distribution(options: DistributionOptions) {
  const { edges, categories } = options;
  return product({
    numbers: histogram({ edges }),
    categories: counts({ columns: categories }),
  });
}

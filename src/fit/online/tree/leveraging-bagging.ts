/**
 * Leveraging bagging: Hoeffding trees on rows that each counts a Poisson number of times, of a mean well above 1; when a
 * detector finds that some tree has become worse, the worst of all is replaced by a new one.
 * Bifet, Holmes & Pfahringer, "Leveraging Bagging for Evolving Data Streams", ECML PKDD 2010.
 */
import { z } from 'zod';
import { Adwin } from '../drift/adwin.ts';
import { largestShare } from '../largest.ts';
import type { Arrays, OnlineLearner, Shape } from '../learner.ts';
import type { Row } from '../row.ts';
import { fill, part, prefixed } from '../state.ts';
import { HoeffdingTree, treeKey } from './hoeffding.ts';
import { evenIfEmpty } from './hoeffding-tree.ts';
import { checkTreeShape, treeFields } from './options.ts';
import { Resampler } from './resample.ts';

export const leveragingBaggingOptions = z.strictObject({
  name: z.literal('leveraging-bagging'),
  trees: z.int().min(1).max(1000).default(10),
  /** Mean of the Poisson number that a row counts for a tree. */
  rate: z.number().positive().max(100).default(6),
  /** δ of the detectors. */
  drift: z.number().gt(0).lt(1).default(0.002),
  ...treeFields(200, 1e-7),
});

/** A row is learned so many times over, each time with its own weight. O(trees × rate × (depth + features × classes)) a row. */
export function leveragingBagging(
  options: z.infer<typeof leveragingBaggingOptions>,
  shape: Shape,
): OnlineLearner {
  checkTreeShape(options.name, shape);
  const { classes, seed } = shape;
  const count = options.trees;
  /** Trees that have been made for each place. */
  const made = new Float64Array(count).fill(1);
  const newTree = (place: number) => new HoeffdingTree(options, shape, treeKey(seed, place, made[place] - 1));
  const trees = Array.from({ length: count }, (_, place) => newTree(place));
  const detectors = trees.map(() => new Adwin(options.drift));
  const resampler = new Resampler(options.rate, seed);
  const rows = new Float64Array(1);
  const shares = new Float64Array(classes);

  /** Whether the tree has become worse, as its detector sees it after the row. */
  function becameWorse(place: number, row: Row, label: number): boolean {
    trees[place].predict(row, shares);
    const guess = largestShare(shares);
    if (guess < 0) return false;
    const before = detectors[place].mean;
    const changed = detectors[place].update(guess === label ? 0 : 1);
    if (changed) cut[place] = 1;
    return changed && detectors[place].mean > before;
  }

  /** Detectors that have found a change in this row; they start again after it. */
  const cut = new Uint8Array(count);

  function replaceWorst(): void {
    let worst = 0;
    for (let place = 1; place < count; place++) {
      if (detectors[place].mean > detectors[worst].mean) worst = place;
    }
    made[worst]++;
    trees[worst] = newTree(worst);
    cut[worst] = 1;
  }

  const save = (of: (tree: HoeffdingTree) => Arrays): Arrays =>
    Object.assign(
      { rows, made },
      ...trees.map((tree, i) => prefixed(of(tree), `${i}.tree.`)),
      ...detectors.map((detector, i) => prefixed(detector.save(), `${i}.drift.`)),
    );

  return {
    learn(row, label, weight) {
      let worse = false;
      for (let place = 0; place < count; place++) {
        const times = resampler.times(place, rows[0]);
        for (let time = 0; time < times; time++) trees[place].learn(row, label, weight);
        worse = becameWorse(place, row, label) || worse;
      }
      if (worse) replaceWorst();
      for (let place = 0; place < count; place++) if (cut[place] === 1) detectors[place].reset();
      cut.fill(0);
      rows[0]++;
    },
    predict(row, out) {
      out.fill(0, 0, classes);
      for (const tree of trees) {
        tree.predict(row, shares);
        for (let c = 0; c < classes; c++) out[c] += shares[c];
      }
      evenIfEmpty(out, classes);
    },
    save: () => save((tree) => tree.save()),
    grown: () => save((tree) => tree.grown()),
    restore(arrays) {
      fill(rows, arrays, 'rows');
      fill(made, arrays, 'made');
      for (let place = 0; place < count; place++) {
        trees[place] = newTree(place);
        trees[place].restore(part(arrays, `${place}.tree.`));
        detectors[place].restore(part(arrays, `${place}.drift.`));
      }
    },
  };
}

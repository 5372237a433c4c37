/** One Hoeffding tree as an online learner: `hoeffding.ts` with options. */
import { z } from 'zod';
import type { OnlineLearner, Shape } from '../learner.ts';
import { HoeffdingTree, treeKey } from './hoeffding.ts';
import { checkTreeShape, treeFields } from './options.ts';

export const hoeffdingTreeOptions = z.strictObject({
  name: z.literal('hoeffding-tree'),
  ...treeFields(200, 1e-7),
});

/** O(depth + features × classes) a row. */
export function hoeffdingTree(options: z.infer<typeof hoeffdingTreeOptions>, shape: Shape): OnlineLearner {
  checkTreeShape(options.name, shape);
  const tree = new HoeffdingTree(options, shape, treeKey(shape.seed, 0, 0));
  return {
    learn: (row, label, weight) => tree.learn(row, label, weight),
    predict(row, out) {
      tree.predict(row, out);
      evenIfEmpty(out, shape.classes);
    },
    save: () => tree.save(),
    grown: () => tree.grown(),
    restore: (arrays) => tree.restore(arrays),
  };
}

/** Equal shares where there are none; otherwise shares that add up to 1. In place. */
export function evenIfEmpty(out: Float64Array, classes: number): void {
  let total = 0;
  for (let c = 0; c < classes; c++) total += out[c];
  for (let c = 0; c < classes; c++) out[c] = total > 0 ? out[c] / total : 1 / classes;
}

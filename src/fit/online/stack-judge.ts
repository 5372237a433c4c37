/**
 * The judge of a stack when a class comes: its coordinates and outputs are laid out anew, so that the odds between the
 * known classes stay, and what it thinks of members goes for the new class as well. Coordinate m · n + k is what member m
 * says of class k, the last one the constant; of two classes there is one a member, their log odds, and one output.
 */
import { type FtrlSteps, ftrlSum } from './ftrl.ts';
import type { Arrays } from './learner.ts';

/**
 * Saved arrays of the judge with one class more than `classes`. From two: w · (l₁ − l₀) is w · l₁ for class 1 and w · l₀ for
 * class 0, so the weight of a member stands with each class, the new one too. From n: entries are less their mean, so one
 * more, e, moves the others by −e / n; the mean of a member's weights for an output, with e, makes up for that. The new
 * class has with itself the mean of what the others have. O(members × classes²).
 */
export function grownJudge(
  { weights, squares }: Arrays,
  members: number,
  classes: number,
  steps: FtrlSteps,
): Arrays {
  const newWeights = grownColumn(weights, members, classes, [-0.5, 0.5, 0]);
  const newSquares = grownColumn(squares, members, classes, [1, 1, 0]);
  const sums = newWeights.map((weight, at) => ftrlSum(weight, Math.sqrt(newSquares[at]), steps));
  return { weights: newWeights, sums, squares: newSquares };
}

/** `constant`: what becomes of the one output's constant, by class. */
function grownColumn(
  old: Arrays[string],
  members: number,
  classes: number,
  constant: readonly number[],
): Float64Array {
  const after = classes + 1;
  const result = new Float64Array((members * after + 1) * after);
  const of = (m: number, said: number, output: number) =>
    classes === 2 ? (said === output ? old[m] : 0) : old[(m * classes + said) * classes + output];
  for (let m = 0; m < members; m++) {
    const added = (m * after + classes) * after;
    for (let said = 0; said < classes; said++) {
      for (let k = 0; k < classes; k++) {
        result[(m * after + said) * after + k] = of(m, said, k);
        if (classes > 2) result[added + k] += of(m, said, k) / classes;
      }
      result[added + classes] += of(m, said, said) / classes;
    }
  }
  const last = members * after * after;
  if (classes === 2) for (let k = 0; k < after; k++) result[last + k] = constant[k] * old[members];
  else for (let k = 0; k < classes; k++) result[last + k] = old[members * classes * classes + k];
  return result;
}

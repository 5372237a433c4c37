/**
 * Many classes by learners of two: each class has one that tells it from the rest, and shares are theirs, scaled to add up
 * to 1. Two classes need one learner alone: that of the other class would be its mirror, which it becomes when a third class
 * comes. The learner of a class that comes later begins when it does (as in River's OneVsRestClassifier).
 */
import type { TypedArray } from '../../particle/view.ts';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { part, prefixed } from './state.ts';

/** `make` gives a learner of two classes, `mirror` the state of one whose classes have changed places. */
export function oneVsRest(
  make: (shape: Shape) => OnlineLearner,
  mirror: (arrays: Arrays) => Arrays,
  shape: Shape,
): OnlineLearner {
  const one = () => make({ ...shape, classes: 2 });
  const fresh = (at: number) => prefixed(one().save(), `${at}.`);
  if (shape.classes === 2) {
    const only = one();
    const grown = () => ({
      ...prefixed(mirror(only.save()), '0.'),
      ...prefixed(only.save(), '1.'),
      ...fresh(2),
    });
    return { ...only, grown };
  }
  const members = Array.from({ length: shape.classes }, one);
  const pair = new Float64Array(2);
  const save = (): Arrays =>
    Object.assign({}, ...members.map((member, at) => prefixed(member.save(), `${at}.`)));
  const [first] = members;
  return {
    learn(row, label, weight) {
      for (let at = 0; at < members.length; at++) members[at].learn(row, label === at ? 1 : 0, weight);
    },
    raiseStep: first.raiseStep && ((keep) => forEach(members, (member) => member.raiseStep?.(keep))),
    forget: first.forget && ((keep) => forEach(members, (member) => member.forget?.(keep))),
    predict(row, out) {
      let total = 0;
      for (let at = 0; at < members.length; at++) {
        members[at].predict(row, pair);
        out[at] = pair[1];
        total += pair[1];
      }
      for (let at = 0; at < members.length; at++) out[at] = total > 0 ? out[at] / total : 1 / members.length;
    },
    save,
    grown: () => ({ ...save(), ...fresh(members.length) }),
    restore: (arrays) =>
      members.forEach((member, at) => {
        member.restore(part(arrays, `${at}.`));
      }),
  };
}

function forEach(members: readonly OnlineLearner[], visit: (member: OnlineLearner) => void): void {
  for (const member of members) visit(member);
}

/** The numbers with their signs changed; 0 stays 0. */
export function negated(values: TypedArray): Float64Array {
  return Float64Array.from(values, (value) => 0 - value);
}

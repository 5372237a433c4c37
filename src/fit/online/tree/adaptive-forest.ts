/**
 * Adaptive random forest: Hoeffding trees whose leaves watch random features, on resampled rows, each with a detector that
 * warns (a tree is grown in the background) and one that finds drift (it takes the old one's place).
 * Gomes et al., "Adaptive random forests for evolving data stream classification", Machine Learning 106, 2017.
 * A tree votes with its shares times its accuracy on the rows since it came, each before it was learned.
 */
import { z } from 'zod';
import { Adwin } from '../drift/adwin.ts';
import { largestShare } from '../largest.ts';
import type { Arrays, OnlineLearner, Shape } from '../learner.ts';
import type { Row } from '../row.ts';
import { corrupt, fill, part, prefixed } from '../state.ts';
import { HoeffdingTree, treeKey } from './hoeffding.ts';
import { evenIfEmpty } from './hoeffding-tree.ts';
import { checkTreeShape, treeFields } from './options.ts';
import { Resampler } from './resample.ts';

export const adaptiveForestOptions = z.strictObject({
  name: z.literal('adaptive-forest'),
  trees: z.int().min(1).max(1000).default(10),
  /** Features that a leaf watches; default: the root of their number, rounded. */
  features: z.int().min(1).optional(),
  /** Mean of the Poisson number that a row counts for a tree. */
  rate: z.number().positive().max(100).default(6),
  /** δ of the detectors. */
  warning: z.number().gt(0).lt(1).default(0.01),
  drift: z.number().gt(0).lt(1).default(0.001),
  ...treeFields(50, 0.01),
});

type Options = z.infer<typeof adaptiveForestOptions>;

/** Counters of a member: rows it was judged by, rows it was right about, trees made for its place, number of each tree. */
const JUDGED = 0;
const RIGHT = 1;
const MADE = 2;
const TREE = 3;
const BACKGROUND = 4;

/** One place of the forest: a tree, perhaps one in the background, and what is known of both. */
class Member {
  tree: HoeffdingTree;
  background: HoeffdingTree | undefined;
  readonly warning: Adwin;
  readonly drift: Adwin;
  readonly counters = new Float64Array(5);
  readonly #options: Options;
  readonly #shape: Shape;
  readonly #index: number;
  readonly #watched: number;

  constructor(options: Options, shape: Shape, index: number) {
    this.#options = options;
    this.#shape = shape;
    this.#index = index;
    this.#watched = Math.min(
      shape.width,
      options.features ?? Math.max(1, Math.round(Math.sqrt(shape.width))),
    );
    this.warning = new Adwin(options.warning);
    this.drift = new Adwin(options.drift);
    this.tree = this.#newTree(TREE);
  }

  /** A tree for `role`, the next of its place. */
  #newTree(role: typeof TREE | typeof BACKGROUND): HoeffdingTree {
    this.counters[role] = this.counters[MADE]++;
    return this.#blank(role);
  }

  /** A tree that has seen nothing; its number decides what its leaves draw. */
  #blank(role: typeof TREE | typeof BACKGROUND): HoeffdingTree {
    const key = treeKey(this.#shape.seed, this.#index, this.counters[role]);
    return new HoeffdingTree(this.#options, this.#shape, key, this.#watched);
  }

  get accuracy(): number {
    return this.counters[JUDGED] > 0 ? this.counters[RIGHT] / this.counters[JUDGED] : 0;
  }

  learn(row: Row, label: number, weight: number, guess: number): void {
    this.counters[JUDGED]++;
    if (guess === label) this.counters[RIGHT]++;
    if (weight === 0) return;
    this.background?.learn(row, label, weight);
    this.tree.learn(row, label, weight);
    const error = guess === label ? 0 : 1;
    if (this.warning.update(error)) {
      this.background = this.#newTree(BACKGROUND);
      this.warning.reset();
    }
    if (this.drift.update(error)) this.#replace();
  }

  #replace(): void {
    if (this.background === undefined) this.tree = this.#newTree(TREE);
    else {
      this.tree = this.background;
      this.counters[TREE] = this.counters[BACKGROUND];
      this.background = undefined;
      this.warning.reset();
    }
    this.drift.reset();
    this.counters[JUDGED] = this.counters[RIGHT] = 0;
  }

  save(of: (tree: HoeffdingTree) => Arrays): Arrays {
    return {
      counters: this.counters,
      ...prefixed(of(this.tree), 'tree.'),
      ...(this.background === undefined ? {} : prefixed(of(this.background), 'background.')),
      ...prefixed(this.warning.save(), 'warning.'),
      ...prefixed(this.drift.save(), 'drift.'),
    };
  }

  restore(arrays: Arrays): void {
    fill(this.counters, arrays, 'counters');
    this.tree = this.#blank(TREE);
    this.tree.restore(part(arrays, 'tree.'));
    const background = part(arrays, 'background.');
    this.background = Object.keys(background).length > 0 ? this.#blank(BACKGROUND) : undefined;
    this.background?.restore(background);
    this.warning.restore(part(arrays, 'warning.'));
    this.drift.restore(part(arrays, 'drift.'));
  }
}

/** O(trees × (depth + watched features × classes)) a row. */
export function adaptiveForest(options: Options, shape: Shape): OnlineLearner {
  checkTreeShape(options.name, shape);
  const { classes, seed } = shape;
  const members = Array.from({ length: options.trees }, (_, index) => new Member(options, shape, index));
  const resampler = new Resampler(options.rate, seed);
  const rows = new Float64Array(1);
  const shares = new Float64Array(classes);
  const save = (of: (tree: HoeffdingTree) => Arrays): Arrays =>
    Object.assign({ rows }, ...members.map((member, i) => prefixed(member.save(of), `${i}.`)));
  return {
    learn(row, label, weight) {
      for (let index = 0; index < members.length; index++) {
        const member = members[index];
        member.tree.predict(row, shares);
        const guess = largestShare(shares);
        member.learn(row, label, weight * resampler.times(index, rows[0]), guess);
      }
      rows[0]++;
    },
    predict(row, out) {
      out.fill(0, 0, classes);
      for (const member of members) {
        member.tree.predict(row, shares);
        const voice = member.accuracy > 0 ? member.accuracy : 1;
        for (let c = 0; c < classes; c++) out[c] += shares[c] * voice;
      }
      evenIfEmpty(out, classes);
    },
    save: () => save((tree) => tree.save()),
    grown: () => save((tree) => tree.grown()),
    restore(arrays) {
      fill(rows, arrays, 'rows');
      if (Object.keys(arrays).some((name) => Number.parseInt(name, 10) >= members.length)) {
        throw corrupt('it has more trees than its options say');
      }
      members.forEach((member, i) => {
        member.restore(part(arrays, `${i}.`));
      });
    },
  };
}

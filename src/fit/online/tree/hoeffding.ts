/**
 * A Hoeffding tree of classes: a leaf splits once the best split is better than the second best by more than chance
 * (Domingos & Hulten, "Mining High-Speed Data Streams", KDD 2000; numbers as normal distributions and leaves that choose
 * between the majority and naive Bayes: Gama, Rocha & Medas, KDD 2003; Kirkby, thesis, Waikato 2007).
 *   ε = √(R² ln(1/δ) / (2 n)), R = log₂ of the leaf's classes; split if gain₁ − gain₂ > ε, or ε < τ
 * A leaf with (nearly) one class, or without a possible split, does not split, and observes anew what comes next.
 * Nodes and leaf records are rows of typed arrays. Children stand side by side; a split leaf's record goes to its left child.
 */
import { log } from '../../../kernel/elementary.ts';
import { combine32, randomUniform } from '../../../random.ts';
import { widened } from '../grown.ts';
import { largest } from '../largest.ts';
import type { Arrays, Shape } from '../learner.ts';
import { normaliseLogs } from '../naive-bayes.ts';
import type { Row } from '../row.ts';
import { corrupt } from '../state.ts';
import { Observers, placeOf } from './observers.ts';
import { Pool } from './pool.ts';
import { type Candidate, SplitSearch, sum } from './split-search.ts';

/** Options of a tree. */
export interface TreeOptions {
  /** Weight that a leaf sees between attempts to split. */
  readonly grace: number;
  /** Share of wrong splits that is accepted (δ). */
  readonly delta: number;
  /** Below this ε the best split is taken, though others are as good (τ). */
  readonly tie: number;
  readonly leaf: 'majority' | 'bayes' | 'adaptive';
  readonly depth: number;
  /** Leaves at most. */
  readonly leaves: number;
}

/** The largest share of one class in a leaf that is split. */
const PURE = 0.99;

/** Doubles of a node beside the weights of its classes. */
const THRESHOLD = 0;
const ATTEMPT = 1;
const MAJORITY_RIGHT = 2;
const BAYES_RIGHT = 3;
const EXTRA = 4;

/** Integers of a node: feature of its question (-1: a leaf), left child, leaf record, depth, where missing values go. */
const FEATURE = 0;
const LEFT = 1;
const RECORD = 2;
const DEPTH = 3;
const MISSING = 4;
const LINKS = 5;

export class HoeffdingTree {
  readonly #options: TreeOptions;
  readonly #shape: Shape;
  /** Features that a leaf watches: all, or as many at random. */
  readonly #watched: number;
  readonly #links = new Pool(Int32Array, LINKS);
  readonly #numbers: Pool<Float64Array>;
  readonly #observers: Observers;
  readonly #chosen: Pool<Uint32Array>;
  /** Key of the random features of its leaves. */
  readonly #key: number;
  readonly #votes: Float64Array;
  readonly #search: SplitSearch;

  constructor(options: TreeOptions, shape: Shape, key = 0, watched = shape.width) {
    this.#options = options;
    this.#shape = shape;
    this.#watched = watched;
    this.#key = key;
    this.#numbers = new Pool(Float64Array, EXTRA + shape.classes);
    this.#observers = new Observers(shape, watched);
    this.#chosen = new Pool(Uint32Array, Math.max(1, watched));
    this.#votes = new Float64Array(shape.classes);
    this.#search = new SplitSearch(this.#observers, shape);
    this.#newNodes(1, 0);
    this.#newRecord(0);
  }

  /** Number of nodes, leaves among them. */
  get nodes(): number {
    return this.#links.count;
  }

  /** Shares of the classes, into `out`; zeros where the leaf has seen nothing. */
  predict(row: Row, out: Float64Array): void {
    this.#answer(this.#find(row), row, out);
  }

  learn(row: Row, label: number, weight: number): void {
    const node = this.#find(row);
    const at = node * this.#numbers.stride;
    if (this.#options.leaf === 'adaptive') this.#judge(node, row, label, weight);
    this.#numbers.values[at + EXTRA + label] += weight;
    const record = this.#link(node, RECORD);
    for (let place = 0; place < this.#watched; place++) {
      const feature = this.#chosen.values[record * this.#watched + place];
      this.#observers.add(record, place, feature, row.values[feature], label, weight);
    }
    const seen = this.#weightOf(node);
    if (seen - this.#numbers.values[at + ATTEMPT] < this.#options.grace) return;
    this.#numbers.values[at + ATTEMPT] = seen;
    const full = this.nodes > 2 * this.#options.leaves - 2;
    if (!full && this.#link(node, DEPTH) < this.#options.depth) this.#attempt(node, seen);
  }

  #link(node: number, which: number): number {
    return this.#links.values[node * LINKS + which];
  }

  #find(row: Row): number {
    const links = this.#links.values;
    let node = 0;
    for (;;) {
      const at = node * LINKS;
      const feature = links[at + FEATURE];
      if (feature < 0) return node;
      const x = row.values[feature];
      const threshold = this.#numbers.values[node * this.#numbers.stride + THRESHOLD];
      let right: number;
      if (Number.isNaN(x)) right = links[at + MISSING];
      else if (this.#shape.nominal[feature]) right = placeOf(x) === threshold ? 0 : 1;
      else right = x <= threshold ? 0 : 1;
      node = links[at + LEFT] + right;
    }
  }

  #weightOf(node: number): number {
    const at = node * this.#numbers.stride + EXTRA;
    let total = 0;
    for (let c = 0; c < this.#shape.classes; c++) total += this.#numbers.values[at + c];
    return total;
  }

  /** Counts for whom the row speaks: the majority, or naive Bayes. */
  #judge(node: number, row: Row, label: number, weight: number): void {
    const at = node * this.#numbers.stride;
    const numbers = this.#numbers.values;
    const total = this.#weightOf(node);
    if (total === 0) {
      numbers[at + MAJORITY_RIGHT] += weight;
      return;
    }
    if (largest(numbers, at + EXTRA, this.#shape.classes) === label) numbers[at + MAJORITY_RIGHT] += weight;
    this.#bayes(node, row, total, this.#votes);
    if (largest(this.#votes, 0, this.#shape.classes) === label) numbers[at + BAYES_RIGHT] += weight;
  }

  #answer(node: number, row: Row, out: Float64Array): void {
    const numbers = this.#numbers.values;
    const at = node * this.#numbers.stride;
    const total = this.#weightOf(node);
    const { leaf } = this.#options;
    const bayes =
      leaf === 'bayes' || (leaf === 'adaptive' && numbers[at + BAYES_RIGHT] >= numbers[at + MAJORITY_RIGHT]);
    if (total > 0 && bayes) {
      this.#bayes(node, row, total, out);
      normaliseLogs(out, this.#shape.classes);
    } else
      for (let c = 0; c < this.#shape.classes; c++) out[c] = total > 0 ? numbers[at + EXTRA + c] / total : 0;
  }

  /** Log likelihoods of the classes by naive Bayes; -Infinity where a class has no weight. */
  #bayes(node: number, row: Row, total: number, out: Float64Array): void {
    const at = node * this.#numbers.stride + EXTRA;
    const record = this.#link(node, RECORD);
    for (let c = 0; c < this.#shape.classes; c++) {
      const weight = this.#numbers.values[at + c];
      let vote = weight > 0 ? log(weight / total) : Number.NEGATIVE_INFINITY;
      if (weight > 0) {
        for (let place = 0; place < this.#watched; place++) {
          const feature = this.#chosen.values[record * this.#watched + place];
          vote += this.#observers.logLikelihood(record, place, feature, row.values[feature], c);
        }
      }
      out[c] = vote;
    }
  }

  #attempt(node: number, seen: number): void {
    const at = node * this.#numbers.stride + EXTRA;
    const numbers = this.#numbers.values;
    const { classes } = this.#shape;
    if (seenClasses(numbers, at, classes) < 2) return;
    const record = this.#link(node, RECORD);
    if (numbers[at + largest(numbers, at, classes)] > PURE * seen) {
      this.#observers.records.clear(record);
      return;
    }
    const watched = this.#chosen.values.subarray(record * this.#watched, (record + 1) * this.#watched);
    const { best, second } = this.#search.find(record, watched, numbers.subarray(at, at + classes));
    const range = log(Math.max(2, seenClasses(numbers, at, classes))) / Math.LN2;
    const bound = Math.sqrt((range * range * log(1 / this.#options.delta)) / (2 * seen));
    if (!(best.gain - second > bound || bound < this.#options.tie)) return;
    if (best.feature < 0) this.#observers.records.clear(record);
    else this.#split(node, best);
  }

  #split(node: number, { feature, threshold, parts }: Candidate): void {
    const { classes } = this.#shape;
    const record = this.#link(node, RECORD);
    const left = this.#newNodes(2, this.#link(node, DEPTH) + 1);
    const weights = [sum(parts, 0, classes), sum(parts, classes, classes)];
    const links = this.#links.values;
    links[node * LINKS + FEATURE] = feature;
    links[node * LINKS + LEFT] = left;
    links[node * LINKS + MISSING] = weights[1] > weights[0] ? 1 : 0;
    this.#numbers.values[node * this.#numbers.stride + THRESHOLD] = threshold;
    for (const side of [0, 1]) {
      const at = (left + side) * this.#numbers.stride;
      const own = parts.subarray(side * classes, (side + 1) * classes);
      this.#numbers.values.set(own, at + EXTRA);
      this.#numbers.values[at + ATTEMPT] = weights[side];
    }
    this.#links.values[left * LINKS + RECORD] = record;
    this.#observers.records.clear(record);
    this.#choose(record, left);
    this.#newRecord(left + 1);
  }

  /** Leaves without a record yet; the number of the first. */
  #newNodes(count: number, depth: number): number {
    const first = this.#links.add(count);
    this.#numbers.add(count);
    for (let node = first; node < first + count; node++) {
      this.#links.values[node * LINKS + FEATURE] = -1;
      this.#links.values[node * LINKS + DEPTH] = depth;
    }
    return first;
  }

  #newRecord(node: number): void {
    const record = this.#observers.records.add();
    this.#chosen.add();
    this.#links.values[node * LINKS + RECORD] = record;
    this.#choose(record, node);
  }

  /** Features that the leaf watches: all, or a sample without replacement (Vitter's algorithm S), ascending. */
  #choose(record: number, node: number): void {
    const { width } = this.#shape;
    let wanted = this.#watched;
    for (let feature = 0; wanted > 0; feature++) {
      const take = randomUniform(this.#key, node, feature) * (width - feature) < wanted;
      if (!take && width - feature > wanted) continue;
      this.#chosen.values[record * this.#watched + (this.#watched - wanted)] = feature;
      wanted--;
    }
  }

  save(): Arrays {
    return {
      links: this.#links.save(),
      numbers: this.#numbers.save(),
      records: this.#observers.records.save(),
      chosen: this.#chosen.save(),
    };
  }

  /** As `grown` of learners; trees know as much of a class that never came as of one that they were not told of. */
  grown(): Arrays {
    const { classes } = this.#shape;
    const { numbers, records, ...rest } = this.save();
    return {
      ...rest,
      numbers: widened(numbers, classes, { head: EXTRA }),
      records: widened(records, classes, { size: this.#observers.size }),
    };
  }

  restore(arrays: Arrays): void {
    const fits =
      this.#links.restore(arrays.links) &&
      this.#numbers.restore(arrays.numbers) &&
      this.#observers.records.restore(arrays.records) &&
      this.#chosen.restore(arrays.chosen);
    const nodes = this.#links.count;
    const records = this.#chosen.count;
    if (!fits || nodes === 0 || this.#numbers.count !== nodes || this.#observers.records.count !== records) {
      throw corrupt('the arrays of a tree do not fit each other');
    }
    for (let node = 0; node < nodes; node++) this.#checkNode(node, nodes, records);
    if (this.#chosen.values.subarray(0, records * this.#watched).some((one) => one >= this.#shape.width)) {
      throw corrupt('a leaf watches a feature that is not there');
    }
  }

  #checkNode(node: number, nodes: number, records: number): void {
    const [feature, left, record, , missing] = this.#links.values.subarray(node * LINKS, (node + 1) * LINKS);
    const leaf = feature === -1 && record >= 0 && record < records;
    const inner =
      feature >= 0 &&
      feature < this.#shape.width &&
      left > node &&
      left + 1 < nodes &&
      (missing & 1) === missing;
    if (!leaf && !inner) throw corrupt(`node ${node} of a tree is neither a leaf nor a question`);
  }
}

/** Key of the random numbers of a tree of an ensemble, new for every tree that takes the place of another. */
export function treeKey(seed: number, member: number, generation: number): number {
  return combine32(combine32(seed >>> 0, member), generation);
}

/** Number of classes that have weight. */
function seenClasses(values: Float64Array, from: number, count: number): number {
  let classes = 0;
  for (let i = from; i < from + count; i++) if (values[i] > 0) classes++;
  return classes;
}

/**
 * A stack: several different learners, and FTRL over what they say (Wolpert, "Stacked Generalization", Neural Networks 5,
 * 1992; here with rows that the members have not learned yet, so that nothing is held out). Entry m of a row for FTRL
 * is the log odds of member m for two classes, else the log share of each class less their mean. Trees that know the
 * features and learners that follow the last labels make up for each other: see docs/online.md.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { log } from '../../kernel/elementary.ts';
import { combine32 } from '../../random.ts';
import { ftrl, ftrlOptions } from './ftrl.ts';
import type { Arrays, OnlineLearner } from './learner.ts';
import { onlineLearner } from './registry.ts';
import { RowBuffer } from './row.ts';
import type { Source } from './source.ts';
import { grownJudge } from './stack-judge.ts';
import { PlainStage, type Stage, type StageContext } from './stage.ts';
import { part, prefixed } from './state.ts';

/** Members by default: a follower of the last labels, a large margin, a logistic regression, two ensembles of trees. */
const MEMBERS = [
  { name: 'passive-aggressive', variant: 'pa' },
  { name: 'alma' },
  { name: 'ftrl', alpha: 0.5 },
  { name: 'adaptive-forest' },
  { name: 'leveraging-bagging' },
];

export const stackOptions = z.strictObject({
  name: z.literal('stack'),
  /** Learners by name or with options; a stack cannot be one. */
  members: z.array(z.unknown()).min(1).default(MEMBERS),
  /** Options of FTRL, which weighs them. */
  alpha: ftrlOptions.shape.alpha.unwrap().default(0.5),
  l1: ftrlOptions.shape.l1,
  l2: ftrlOptions.shape.l2,
});

/** Shares are kept this far from 0 before their logarithm: one member cannot be endlessly sure. */
const LEAST_SHARE = 1e-3;

/** A stage of members under FTRL. As fast as its members together, each predicted once and learned once a row. */
export class StackStage implements Stage {
  readonly #members: PlainStage[];
  readonly #make: (index: number) => PlainStage;
  readonly #judge: OnlineLearner;
  readonly #row = new RowBuffer();
  readonly #shares: Float64Array;
  readonly #classes: number;
  readonly #options: z.infer<typeof stackOptions>;

  /** Throws `bad-option` where numbers are to be learned, or a member is no learner or a stack. */
  constructor(options: z.infer<typeof stackOptions>, context: StageContext) {
    const { classes, seed } = context;
    if (classes < 2) {
      throw new SoraError('bad-option', 'The learner stack learns classes; give `classes`, at least two.');
    }
    this.#make = (index) =>
      new PlainStage(onlineLearner(options.members[index]), {
        ...context,
        seed: combine32(seed >>> 0, index),
      });
    this.#members = options.members.map((_, index) => this.#make(index));
    const { alpha, l1, l2 } = options;
    const width = options.members.length * entriesOf(classes) + 1;
    this.#judge = ftrl(
      { name: 'ftrl', alpha, beta: 1, l1, l2 },
      { width, fields: 1, classes, nominal: [], seed },
    );
    this.#shares = new Float64Array(classes);
    this.#classes = classes;
    this.#options = options;
  }

  learn(source: Source, label: number, weight: number): void {
    this.#ask(source);
    this.#judge.learn(this.#row, label, weight);
    for (const member of this.#members) member.learn(source, label, weight);
  }

  /** Of the judge, and of members that have such. */
  raiseStep(keep: number): void {
    this.#judge.raiseStep?.(keep);
    for (const member of this.#members) member.raiseStep?.(keep);
  }

  /** Members that cannot forget in part start anew. */
  forget(keep: number): void {
    this.#judge.forget?.(keep);
    this.#members.forEach((member, index) => {
      if (member.forget !== undefined) member.forget(keep);
      else this.#members[index] = this.#make(index);
    });
  }

  predict(source: Source, out: Float64Array): void {
    this.#ask(source);
    this.#judge.predict(this.#row, out);
  }

  /** What the members say, as the row of the judge. */
  #ask(source: Source): void {
    const shares = this.#shares;
    this.#row.clear();
    for (const member of this.#members) {
      member.predict(source, shares);
      for (let c = 0; c < this.#classes; c++) shares[c] = logShare(shares[c]);
      if (this.#classes === 2) this.#push(shares[1] - shares[0]);
      else {
        const mean = shares.reduce((a, b) => a + b) / this.#classes;
        for (let c = 0; c < this.#classes; c++) this.#push(shares[c] - mean);
      }
    }
    this.#push(1);
  }

  #push(value: number): void {
    this.#row.push(this.#row.count, value, 0);
  }

  save(): Arrays {
    const members = this.#members.map((member, index) => prefixed(member.save(), `${index}.`));
    return Object.assign(prefixed(this.#judge.save(), 'judge.'), ...members);
  }

  grown(): Arrays {
    const { alpha, l1, l2 } = this.#options;
    const steps = { inverseAlpha: 1 / alpha, beta: 1, l1, l2 };
    const judge = grownJudge(this.#judge.save(), this.#members.length, this.#classes, steps);
    const members = this.#members.map((member, index) => prefixed(member.grown(), `${index}.`));
    return Object.assign(prefixed(judge, 'judge.'), ...members);
  }

  restore(arrays: Arrays): void {
    this.#judge.restore(part(arrays, 'judge.'));
    this.#members.forEach((member, index) => {
      member.restore(part(arrays, `${index}.`));
    });
  }
}

function entriesOf(classes: number): number {
  return classes === 2 ? 1 : classes;
}

function logShare(share: number): number {
  return log(Math.min(Math.max(share, LEAST_SHARE), 1 - LEAST_SHARE));
}

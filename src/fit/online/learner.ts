/**
 * What an online learner is: it predicts a row, learns from a row, and its whole state is typed arrays.
 * Laws (online.test.ts): many rows at once equal one at a time, to the byte; a learner that is saved and resumed
 * anywhere in a stream equals one that was not. Prediction changes nothing. Random numbers are functions of
 * (seed, row number, purpose), so they need no state beside the number of rows.
 */
import type { OnlineMemory } from '../../kernel/online.ts';
import type { TypedArray } from '../../particle/view.ts';
import type { Row } from './row.ts';

/** The whole state of a learner by name; arrays may be live, and are copied by whoever keeps them. */
export type Arrays = Readonly<Record<string, TypedArray>>;

/** One learner, its options fixed. Labels are class indices where there are classes, else numbers. */
export interface OnlineLearner {
  /** Whether it learns without labels; then they are not looked at. */
  readonly unlabelled?: boolean;
  /** Why a label cannot be learned from, or undefined if it can; class indices are checked before. */
  labelProblem?(label: number): string | undefined;
  /** Learns from a row. `weight` is positive and finite. */
  learn(row: Row, label: number, weight: number): void;
  /** Counts only the share `keep` of the evidence that has lowered the step size; weights stay. Absent: there is no such. */
  raiseStep?(keep: number): void;
  /** Keeps the share `keep` of what was learned. Absent: it can only start anew. */
  forget?(keep: number): void;
  /** Shares of the classes, or the number, into `out`. */
  predict(row: Row, out: Float64Array): void;
  /** How it learns blocks of rows by a kernel; absent where it has none. */
  readonly blocks?: BlockLearner;
  save(): Arrays;
  /**
   * What `save` would give if it knew one class more and had never met it; the odds between the others stay. The learner is
   * not used afterwards. Absent where no classes are learned.
   */
  grown?(): Arrays;
  /** Takes over what `save` gave, of a learner with the same options; throws `corrupt` if it cannot be that. */
  restore(arrays: Arrays): void;
}

/** Learns rows a block at a time, to the same bytes as `learn` row by row. */
export interface BlockLearner {
  /** Moves the learner's records into a memory of kernels, where they stay; undefined where there is no room for them. */
  open(): OnlineMemory | undefined;
  /** Learns the first `count` rows of the block, in order, and leaves the margins before each. */
  learn(memory: OnlineMemory, count: number): void;
  /** What `predict` would have said of the rows just learned, before each, into `out`; once. */
  answers(memory: OnlineMemory, count: number, out: Float64Array): void;
}

/** What learners are told of the rows to come. */
export interface Shape {
  /** Indices of a row lie below it. */
  readonly width: number;
  /** Fields of entries lie below it. */
  readonly fields: number;
  /** Number of classes; 0 where numbers are learned. */
  readonly classes: number;
  /** Of each position, whether its values are codes of categories; trees alone. */
  readonly nominal: readonly boolean[];
  readonly seed: number;
}

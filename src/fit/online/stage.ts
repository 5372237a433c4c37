/**
 * An encoder and a learner as one: rows in, as their source has them, answers out. Ensembles of different learners are
 * stages of stages, as each member reads rows in its own way.
 */
import { kernelMode } from '../../kernel/mode.ts';
import { BlockRunner, type RowBatch } from './block.ts';
import { LinearEncoder, type RowEncoder, TreeEncoder } from './encode.ts';
import type { Arrays, OnlineLearner } from './learner.ts';
import type { FoundLearner } from './registry.ts';
import type { Features, ParticleSource, Source } from './source.ts';
import { part, prefixed } from './state.ts';

/** What stages are told of the model they are part of. */
export interface StageContext {
  readonly features: Features;
  /** Absent: as the learner wants it. */
  readonly standardise?: boolean;
  readonly hashBits: number;
  readonly interactions: readonly (readonly [string, string])[];
  readonly classes: number;
  readonly seed: number;
}

/** Learns from rows and predicts them; see {@link OnlineLearner} for the laws. */
export interface Stage {
  readonly unlabelled?: boolean;
  labelProblem?(label: number): string | undefined;
  /** `known`: what it predicts of the row, for stages that want it and if it is known. */
  learn(source: Source, label: number, weight: number, known?: Float64Array): void;
  /** As those of learners. */
  raiseStep?(keep: number): void;
  forget?(keep: number): void;
  predict(source: Source, out: Float64Array): void;
  /**
   * Learns rows of a particle by a kernel, to the same bytes as one by one, and says what `predict` would have said of each
   * before; false, with nothing done, where there is no such way.
   */
  learnBatch?(source: ParticleSource, batch: RowBatch, answers?: Float64Array): boolean;
  save(): Arrays;
  /** As that of learners. */
  grown(): Arrays;
  restore(arrays: Arrays): void;
}

/** A batch of fewer rows does not pay for moving a model into a memory of its own. */
const LEAST_ROWS = 128;

/** One learner on rows as it wants them. */
export class PlainStage implements Stage {
  readonly #encoder: RowEncoder;
  readonly #learner: OnlineLearner;
  readonly raiseStep?: (keep: number) => void;
  readonly forget?: (keep: number) => void;
  /** Null where there is no room for one. */
  #runner: BlockRunner | null | undefined;
  readonly unlabelled: boolean;

  constructor(found: FoundLearner, context: StageContext) {
    const { standardise = found.standardise, classes, seed, ...rest } = context;
    const encoding = { ...rest, standardise, constant: found.constant };
    this.#encoder = found.rows === 'linear' ? new LinearEncoder(encoding) : new TreeEncoder(encoding);
    const { width, fields, nominal } = this.#encoder;
    this.#learner = found.create({ width, fields, classes, nominal, seed });
    this.unlabelled = this.#learner.unlabelled ?? false;
    this.raiseStep = this.#adapting('raiseStep');
    this.forget = this.#adapting('forget');
  }

  /** What the learner does by this name, after the encoder's statistics have been made to count for less. */
  #adapting(name: 'raiseStep' | 'forget'): ((keep: number) => void) | undefined {
    if (this.#learner[name] === undefined) return undefined;
    return (keep) => {
      this.#encoder.forget(keep);
      this.#learner[name]?.(keep);
    };
  }

  labelProblem(label: number): string | undefined {
    return this.#learner.labelProblem?.(label);
  }

  learn(source: Source, label: number, weight: number): void {
    this.#encoder.read(source, true);
    this.#learner.learn(this.#encoder.row, label, weight);
  }

  learnBatch(source: ParticleSource, batch: RowBatch, answers?: Float64Array): boolean {
    const encoder = this.#encoder;
    if (this.#learner.blocks === undefined || !(encoder instanceof LinearEncoder)) return false;
    if (kernelMode() === 'plain' || (answers !== undefined && !encoder.steady)) return false;
    if (this.#runner === undefined && batch.count >= LEAST_ROWS) {
      this.#runner = BlockRunner.open(encoder, this.#learner) ?? null;
    }
    if (!this.#runner) return false;
    this.#runner.learn(source, batch, answers);
    return true;
  }

  predict(source: Source, out: Float64Array): void {
    this.#encoder.read(source, false);
    this.#learner.predict(this.#encoder.row, out);
  }

  save(): Arrays {
    return this.#with(this.#learner.save());
  }

  grown(): Arrays {
    return this.#with(this.#learner.grown?.() ?? this.#learner.save());
  }

  #with(learner: Arrays): Arrays {
    return { ...prefixed(this.#encoder.save(), 'encoder.'), ...prefixed(learner, 'learner.') };
  }

  restore(arrays: Arrays): void {
    this.#encoder.restore(part(arrays, 'encoder.'));
    this.#learner.restore(part(arrays, 'learner.'));
  }
}

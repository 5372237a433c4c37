/**
 * An online model: an encoder of rows and a learner, which predict and learn one row at a time, from objects or from
 * particles. Laws: `learnMany` is `learnOne` in a loop, and saving and resuming anywhere changes nothing, to the byte.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { ONLINE_ROWS } from '../../kernel/online.ts';
import type { Particle } from '../../particle/particle.ts';
import { Batch, labelOrRefused, labelsOf, weightsOf } from './batch.ts';
import { Classes, type OnlineLabel } from './classes.ts';
import type { DriftEvent } from './drift/events.ts';
import { largest } from './largest.ts';
import type { Arrays } from './learner.ts';
import { type ModelParts, modelParts, type OnlineOptions } from './options.ts';
import { type OnlineRecord, ParticleSource, RecordSource, type Source } from './source.ts';
import { corrupt, decodeState, encodeState } from './state.ts';

/** Bytes of a state at most that classes which come later may make it. */
const MOST_BYTES = 2 ** 29;

/** What a model says of one row. */
export interface OnlineAnswer {
  /** The number, or the class of the largest share (the first of equals). */
  readonly value: OnlineLabel;
  /** Share of each class, in order; absent for numbers. */
  readonly shares?: Float64Array;
}

/**
 * A new online model. Throws `bad-option` naming what does not fit.
 * @example
 * const model = createOnline({
 *   learner: 'ftrl',
 *   features: { price: 'number', day: 'category' },
 *   classes: ['down', 'up'],
 * });
 * model.predictOne({ price: 0.05, day: 'monday' });
 * model.learnOne({ price: 0.05, day: 'monday' }, 'up');
 */
export function createOnline(options: OnlineOptions): OnlineModel {
  return new OnlineModel(options);
}

/** The model that `save` wrote, which goes on as if it had not stopped. Throws `corrupt` or `newer-format`. */
export function resumeOnline(bytes: Uint8Array): OnlineModel {
  const { description, arrays } = decodeState(bytes);
  const parsed = descriptionShape.safeParse(description);
  if (!parsed.success) throw corrupt('its description is not one of a model', parsed.error);
  const model = new OnlineModel(parsed.data.options as OnlineOptions);
  model.restore(parsed.data.rows, arrays);
  return model;
}

const descriptionShape = z.strictObject({
  options: z.unknown(),
  rows: z.int().nonnegative(),
});

/** Rows of a particle, to be predicted and learned from one by one. */
export interface OnlineRows {
  readonly rows: number;
  /** Label of a row as the learner has it: class index (of a new class, the number of classes) or number; undefined where missing. */
  label(row: number): number | undefined;
  predict(row: number, out: Float64Array): void;
  /** Its weight; 0 where that is missing. */
  weight(row: number): number;
  /** Learns from a row; one without label or with weight 0 is left out. */
  learn(row: number): void;
  /**
   * Learns rows [from, to) as `learn` does one by one; `answers`, where given, gets what `predict` says of each row before it
   * is learned, `outputs` numbers a row, in the place of the row; places of rows that are left out stay as they are. Stops
   * after a row with which a class came, since answers are of other length from there on; gives the row after the last.
   */
  learnRange(from: number, to: number, answers?: Float64Array): number;
}

export class OnlineModel {
  /** Rows that the model has learned from. */
  rows = 0;
  readonly #record: RecordSource;
  /** What the model is made of; another where a class has come. */
  #parts: ModelParts;
  #classes: Classes;
  /** What was predicted last, of which row of which source, since when nothing was learned: not to be predicted again. */
  #last: { readonly out: Float64Array; source?: Source; row: number };

  constructor(options: OnlineOptions) {
    this.#parts = modelParts(options);
    this.#record = new RecordSource(this.#parts.features);
    this.#classes = this.#knownClasses();
    this.#last = { out: new Float64Array(this.outputs), row: 0 };
  }

  #knownClasses(): Classes {
    const { classes, newClasses } = this.#parts;
    return new Classes(classes, newClasses, () => this.#tryLarger());
  }

  /** Labels of the classes known so far, in the order of their shares; empty where numbers are learned. */
  get classes(): readonly OnlineLabel[] {
    return this.#classes.labels;
  }

  /** Numbers a prediction has: one a class known so far, or one. */
  get outputs(): number {
    return Math.max(1, this.classes.length);
  }

  /** Parts of a model that knows another class after its own. Throws `bad-option` where its learner cannot have so many. */
  #larger(label: OnlineLabel): ModelParts {
    const saved = this.#parts.saved as unknown as OnlineOptions;
    return modelParts({ ...saved, classes: [...this.classes, label] });
  }

  /** Throws `bad-option` where one class more does not fit: the learner has no such, or the state would be too large. */
  #tryLarger(): void {
    const state = Object.values(this.#parts.stage.save()).reduce((sum, array) => sum + array.byteLength, 0);
    if (state * (1 + 1 / this.classes.length) > MOST_BYTES) {
      throw new SoraError('bad-option', 'The state would be more than 512 MiB; lower hashBits.');
    }
    this.#larger('one more');
  }

  /** Learns that there is another class, of which no row has come yet. O(size). */
  #grow(label: OnlineLabel): void {
    const { stage } = this.#parts;
    const larger = this.#larger(label);
    // The second class has its place from the start.
    larger.stage.restore(this.classes.length === 1 ? stage.save() : stage.grown());
    this.#parts = larger;
    this.#classes = this.#knownClasses();
    this.#last = { out: new Float64Array(this.outputs), row: 0 };
  }

  /**
   * Learns from one row, or throws and learns nothing: `bad-data` for a label or weight that cannot be learned from,
   * `bad-input` for a value of another type. A label of no class so far becomes one, the last. Learners without labels take
   * none.
   */
  learnOne(record: OnlineRecord, label?: OnlineLabel, weight = 1): void {
    this.#read(record);
    this.#learn(this.#record, 0, this.unlabelled ? 0 : label, weight);
  }

  /** Whether the model learns without labels. */
  get unlabelled(): boolean {
    return this.#parts.stage.unlabelled ?? false;
  }

  #read(record: OnlineRecord): void {
    const { source } = this.#last;
    this.#last.source = undefined;
    this.#record.read(record);
    if (source !== this.#record || this.#record.repeated) this.#last.source = source;
  }

  #learn(source: Source, row: number, label: OnlineLabel | undefined, weight: number): void {
    if (weight === 0) return;
    if (!(weight > 0 && Number.isFinite(weight))) {
      throw new SoraError(
        'bad-data',
        `Row ${this.rows}: weight ${weight} is not a finite number of 0 or more.`,
      );
    }
    const y = this.unlabelled ? 0 : this.#toNumber(label);
    const { out, source: asked, row: askedRow } = this.#last;
    let known = asked === source && askedRow === row ? out : undefined;
    if (this.classes.length > 0 && y === this.classes.length) {
      // What was said of the row before its class was known: the class had no share.
      known = new Float64Array(this.outputs + 1);
      this.#predict(source, row, known.subarray(0, this.outputs));
      this.#grow(label as OnlineLabel);
    }
    this.#learnKnown(source, y, weight, known);
  }

  /** Learns from a row whose label and weight have been looked at. */
  #learnKnown(source: Source, y: number, weight: number, known: Float64Array | undefined): void {
    this.#last.source = undefined;
    this.#parts.stage.learn(source, y, weight, known);
    this.rows++;
  }

  #predict(source: Source, row: number, out: Float64Array): void {
    if (this.classes.length === 1) {
      out[0] = 1;
      return;
    }
    this.#parts.stage.predict(source, out);
    if (this.#parts.drift === undefined) return;
    this.#last.out.set(out.subarray(0, this.outputs));
    this.#last.source = source;
    this.#last.row = row;
  }

  /**
   * Decisions about drift since it was last asked, oldest first; the latest 100 are kept. Empty without the option `drift`.
   * What has been asked for is part of the state.
   */
  takeEvents(): DriftEvent[] {
    return this.#parts.drift?.log.take() ?? [];
  }

  /** What the model says of one row; changes nothing. */
  predictOne(record: OnlineRecord): OnlineAnswer {
    const out = new Float64Array(this.outputs);
    this.#read(record);
    this.#predict(this.#record, 0, out);
    if (this.classes.length === 0) return { value: out[0] };
    return { value: this.classes[largest(out)], shares: out };
  }

  /**
   * Learns from the rows of a particle in order, with its labels and weights; rows without a label are left out. Throws as
   * `learnOne` does; the rows before the one at fault have then been learned. O(values).
   */
  learnMany(particle: Particle): void {
    const rows = this.open(particle);
    for (let from = 0; from < rows.rows; ) from = rows.learnRange(from, rows.rows);
  }

  /** Predictions row by row, `outputs` a row: shares of the classes, or the number. */
  predictMany(particle: Particle): Float64Array {
    const rows = this.open(particle, false);
    const result = new Float64Array(rows.rows * this.outputs);
    const out = new Float64Array(this.outputs);
    for (let row = 0; row < rows.rows; row++) {
      rows.predict(row, out);
      result.set(out, row * this.outputs);
    }
    return result;
  }

  /** The rows of a particle one by one. Throws `schema-mismatch`, and `bad-data` where labels are asked for and missing. */
  open(particle: Particle, labelled = true): OnlineRows {
    const source = new ParticleSource(particle, this.#parts.features);
    const value = !labelled ? () => undefined : this.unlabelled ? () => 0 : labelsOf(particle);
    const label = (row: number) => {
      const own = value(row);
      return own === undefined || this.unlabelled ? (own as 0 | undefined) : this.#toNumber(own);
    };
    const weight = weightsOf(particle);
    const predict = (row: number, out: Float64Array) => {
      source.row = row;
      this.#predict(source, row, out);
    };
    const learn = (row: number) => {
      const own = value(row);
      source.row = row;
      if (own !== undefined) this.#learn(source, row, own, weight(row));
    };
    return {
      rows: particle.rows,
      label,
      weight,
      predict,
      learn,
      learnRange: (from, to, answers) => {
        const { outputs } = this;
        const known = this.classes.length || Number.POSITIVE_INFINITY;
        const batch = new Batch();
        for (let at = from; at < to; ) {
          at = batch.gather(at, to, label, weight, known);
          this.#learnBatch(source, batch, from, answers);
          if (at === to || batch.count === ONLINE_ROWS) continue;
          // A row of a new class ends a batch, and one that cannot be learned from: learning it says why.
          if (answers !== undefined && labelOrRefused(label, at) !== null) {
            const begin = (at - from) * outputs;
            predict(at, answers.subarray(begin, begin + outputs));
          }
          learn(at++);
          if (this.outputs > outputs) return at;
        }
        return to;
      },
    };
  }

  /** Answers to the rows of the batch lie from row `from` on. */
  #learnBatch(source: ParticleSource, batch: Batch, from: number, answers: Float64Array | undefined): void {
    const { outputs } = this;
    const { count, rows, labels, weights } = batch;
    const out = new Float64Array(answers === undefined ? 0 : count * outputs);
    const asked = answers === undefined || this.classes.length === 1 ? undefined : out;
    if (count > 0 && this.#parts.stage.learnBatch?.(source, batch, asked)) {
      this.rows += count;
      if (this.classes.length === 1) out.fill(1);
    } else {
      for (let i = 0; i < count; i++) {
        source.row = rows[i];
        const own = answers && out.subarray(i * outputs, (i + 1) * outputs);
        if (own !== undefined) this.#predict(source, rows[i], own);
        this.#learnKnown(source, labels[i], weights[i], asked && own);
      }
    }
    if (answers === undefined) return;
    for (let i = 0; i < count; i++) {
      answers.set(out.subarray(i * outputs, (i + 1) * outputs), (rows[i] - from) * outputs);
    }
  }

  /** Whether a label is none of the classes known so far. */
  isNewClass(label: OnlineLabel): boolean {
    return this.classes.length > 0 && !this.#classes.has(label);
  }

  /** Why this label cannot be learned from, or undefined if it can. */
  labelProblem(label: OnlineLabel): string | undefined {
    if (this.classes.length > 0) return this.#classes.problem(label);
    if (typeof label !== 'number' || !Number.isFinite(label)) return 'not a finite number';
    return this.#parts.stage.labelProblem?.(label);
  }

  /** The whole state as bytes: a safetensors file, the same for the same rows. O(size). */
  save(): Uint8Array {
    return encodeState({ options: this.#parts.saved, rows: this.rows }, this.#parts.stage.save());
  }

  /** Used by {@link resumeOnline}. */
  restore(rows: number, arrays: Arrays): void {
    this.#parts.stage.restore(arrays);
    this.#last.source = undefined;
    this.rows = rows;
  }

  #toNumber(label: OnlineLabel | undefined): number {
    if (this.classes.length === 0) {
      if (typeof label === 'number' && Number.isFinite(label)) return this.#checked(label);
      throw new SoraError('bad-data', `Row ${this.rows}: label ${String(label)} is not a finite number.`);
    }
    const index = label === undefined ? undefined : this.#classes.indexOf(label);
    if (index !== undefined) return index;
    const why = label === undefined ? 'no class' : this.#classes.problem(label);
    throw new SoraError('bad-data', `Row ${this.rows}: label ${JSON.stringify(label)} is ${why}.`);
  }

  #checked(label: number): number {
    const problem = this.#parts.stage.labelProblem?.(label);
    if (problem === undefined) return label;
    throw new SoraError('bad-data', `Row ${this.rows}: label ${label} cannot be learned from: ${problem}`);
  }
}

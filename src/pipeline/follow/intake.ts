/**
 * Rows of a stream as values of the columns: what does not fit is a bad row, counted and set aside as the options say.
 * Numbers stay 64 bits wide all the way, so that what is learned does not depend on where particles are cut.
 */

import type { OnlineLabel } from '../../fit/online/classes.ts';
import type { OnlineModel } from '../../fit/online/online.ts';
import { type BadRow, type BadRowPolicy, badRowError } from '../../ingest/bad-rows.ts';
import type { Converted } from '../../ingest/convert.ts';
import type { RowObject } from '../../ingest/inputs.ts';
import { particleOf, RowBatch, safeJson } from '../../ingest/objects.ts';
import type { PlannedField } from '../../ingest/reader.ts';
import { UnreadableRow } from '../../ingest/stream/stream.ts';
import type { Particle } from '../../particle/particle.ts';
import type { Field, Schema } from '../../particle/schema.ts';
import type { FollowPlan } from './state.ts';

/**
 * The fields of a plan, as batches of rows take them, with what the model asks of labels and weights. `settle` lets the
 * model learn the rows before the one at hand: whether there is room for a class depends on those that came before.
 */
export function plannedFields(
  { schema, formats, markers }: FollowPlan,
  model: OnlineModel,
  settle: () => void,
): PlannedField[] {
  return schema.fields.map((field, column) => ({
    field,
    column,
    format: formats[field.name],
    markers: markers[field.name],
    problem: problemOf(field, model, settle),
  }));
}

function problemOf(field: Field, model: OnlineModel, settle: () => void): PlannedField['problem'] {
  if (field.role === 'weight') {
    return (value) => ((value as number) >= 0 && Number.isFinite(value) ? undefined : BAD_WEIGHT);
  }
  if (field.role !== 'label') return undefined;
  return (value) => {
    const label = field.type === 'boolean' ? value === 1 : (value as OnlineLabel);
    if (model.isNewClass(label)) settle();
    const problem = model.labelProblem(label);
    if (problem === undefined) return undefined;
    if (model.classes.length === 0) {
      return { expected: `a number to learn (${problem})`, remedy: 'Correct the row, or:' };
    }
    const remedy =
      'Correct the row, begin another model (--name) that has the class (--classes, --new-classes learn), or:';
    return { expected: `a class to learn (it is ${problem})`, remedy };
  };
}

const BAD_WEIGHT = { expected: 'a finite weight of 0 or more', remedy: 'Correct the row, or:' };

/** Collects rows into particles, 64 bits wide. */
export class RowsToParticle {
  readonly #schema: Schema;
  readonly #batch: RowBatch;

  constructor(schema: Schema, fields: readonly PlannedField[]) {
    this.#schema = schema;
    this.#batch = new RowBatch(
      fields,
      fields.map(({ field }) => field.name),
    );
  }

  get rows(): number {
    return this.#batch.rows;
  }

  /** Adds values that {@link Intake} gave. */
  push(values: readonly Converted[]): void {
    this.#batch.push(values);
  }

  /** The rows so far; the next particle starts anew. */
  take(): Particle {
    return particleOf(this.#schema, this.#batch.take(), asIs, 'f64');
  }
}

const asIs = (text: string) => text;

/** Turns rows into values, and keeps those that are bad. */
export class Intake {
  /** Bad rows since they were last taken. */
  bad: BadRow[] = [];
  readonly #reader: RowBatch;
  readonly #policy: BadRowPolicy;
  readonly #source: string;

  constructor(fields: readonly PlannedField[], source: string, policy: BadRowPolicy) {
    this.#reader = new RowBatch(
      fields,
      fields.map(({ field }) => field.name),
    );
    this.#source = source;
    this.#policy = policy;
  }

  /**
   * Values of a row, overwritten by the next; undefined for a bad one. `number` is its place in the stream, from 1.
   * Throws `bad-input` for a bad row where the policy is `fail`.
   */
  read(row: RowObject, number: number): readonly Converted[] | undefined {
    const bad = this.#problem(row, number);
    if (bad === undefined) return this.#reader.values;
    if (this.#policy === 'fail') throw badRowError(bad);
    this.bad.push(bad);
    return undefined;
  }

  #problem(row: RowObject, number: number): BadRow | undefined {
    const place = { file: this.#source, row: number };
    if (row instanceof UnreadableRow) return { ...place, reason: row.reason, raw: row.raw };
    const bad = this.#reader.read(row, place);
    return bad === undefined ? undefined : { ...bad, raw: safeJson(row) };
  }
}

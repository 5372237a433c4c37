/**
 * Where the values of a row come from: an object, or a row of a particle. Both give a field in the same form — a number
 * (NaN where missing), a text, or sparse entries — so that learning from either gives the same bytes.
 */
import { SoraError } from '../../errors.ts';
import { type Column, isPresent } from '../../particle/column.ts';
import type { Value } from '../../particle/from-values.ts';
import type { Particle } from '../../particle/particle.ts';
import type { ColumnType } from '../../particle/schema.ts';

/** Types of columns that online learners read. */
export type FeatureType = Exclude<ColumnType, 'binary'>;

/** Features by name, in the order that rows are read. */
export type Features = Readonly<Record<string, FeatureType>>;

/** A row as an object; sparse features as pairs of index and value. */
export type OnlineRecord = { readonly [name: string]: Value | readonly (readonly [number, number])[] };

/** Values of the row at hand by field number. */
export interface Source {
  /** Number, boolean (0 or 1) or milliseconds; NaN where missing or not finite. */
  number(field: number): number;
  /** Category or text; undefined where missing. */
  text(field: number): string | undefined;
  /** Visits the entries of a sparse field. */
  sparse(field: number, visit: (index: number, value: number) => void): void;
}

/** Reads objects; throws `bad-input` naming the field where a value is not of its type. */
export class RecordSource implements Source {
  record: OnlineRecord = {};
  readonly #names: readonly string[];

  constructor(features: Features) {
    this.#names = Object.keys(features);
  }

  number(field: number): number {
    const value = this.record[this.#names[field]];
    if (typeof value === 'number') return Number.isFinite(value) ? value : Number.NaN;
    if (value === null || value === undefined) return Number.NaN;
    if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value);
    if (value instanceof Date) return value.getTime();
    throw this.#unfit(field, 'a number');
  }

  text(field: number): string | undefined {
    const value = this.record[this.#names[field]];
    if (typeof value === 'string') return value;
    if (value === null || value === undefined) return undefined;
    throw this.#unfit(field, 'a text');
  }

  sparse(field: number, visit: (index: number, value: number) => void): void {
    const value = this.record[this.#names[field]];
    if (value === null || value === undefined) return;
    if (!Array.isArray(value)) throw this.#unfit(field, 'a list of pairs [index, value]');
    for (const [index, x] of value as readonly (readonly [number, number])[]) visit(index, x);
  }

  #unfit(field: number, wanted: string): SoraError {
    const name = this.#names[field];
    return new SoraError(
      'bad-input',
      `Feature "${name}": ${JSON.stringify(this.record[name])} is not ${wanted}; give one, or null where it is missing.`,
      { details: { feature: name } },
    );
  }
}

/** Reads rows of a particle; set `row` first. */
export class ParticleSource implements Source {
  row = 0;
  readonly #columns: readonly Column[];

  /** Throws `schema-mismatch` where a feature is missing or of another type. */
  constructor(particle: Particle, features: Features) {
    this.#columns = Object.entries(features).map(([name, type]) => {
      const at = particle.schema.fields.findIndex((field) => field.name === name);
      if (at >= 0 && particle.columns[at].type === type) return particle.columns[at];
      const found = at < 0 ? 'no such column' : `one of type ${particle.columns[at].type}`;
      throw new SoraError(
        'schema-mismatch',
        `Feature "${name}" is a ${type} to the model, and the particle has ${found}; give particles of one schema.`,
        { details: { feature: name } },
      );
    });
  }

  number(field: number): number {
    const column = this.#columns[field];
    if (column.type !== 'number' && column.type !== 'boolean' && column.type !== 'timestamp')
      return Number.NaN;
    const value = column.values[this.row];
    return Number.isFinite(value) && isPresent(column.validity, this.row) ? value : Number.NaN;
  }

  text(field: number): string | undefined {
    const column = this.#columns[field];
    if (column.type === 'category') {
      const code = column.codes[this.row];
      return code < 0 ? undefined : column.dictionary[code];
    }
    return column.type === 'text' && isPresent(column.validity, this.row)
      ? column.values[this.row]
      : undefined;
  }

  sparse(field: number, visit: (index: number, value: number) => void): void {
    const column = this.#columns[field];
    if (column.type !== 'sparse' || !isPresent(column.validity, this.row)) return;
    for (let at = column.starts[this.row]; at < column.starts[this.row + 1]; at++) {
      visit(column.indices[at], column.values[at]);
    }
  }
}

/**
 * Where the values of a row come from: an object, or a row of a particle. Both give a field in the same form — a number
 * (NaN where missing), a text, or sparse entries — so that learning from either gives the same bytes.
 */
import { SoraError } from '../../errors.ts';
import { type Column, isPresent, type SparseColumn } from '../../particle/column.ts';
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

type Pairs = readonly (readonly [number, number])[];

/** Reads objects. */
export class RecordSource implements Source {
  readonly #fields: readonly (readonly [string, FeatureType])[];
  /** Values of the record at hand: a number, a text or pairs, or undefined. */
  readonly #values: (number | string | Pairs | undefined)[];

  constructor(features: Features) {
    this.#fields = Object.entries(features);
    this.#values = this.#fields.map(() => undefined);
  }

  /** Whether the values read last are those that were read before them; never of sparse ones. */
  repeated = false;

  /** Takes the values of a record; throws `bad-input` naming the feature where one is not of its type. */
  read(record: OnlineRecord): void {
    this.repeated = true;
    for (let field = 0; field < this.#fields.length; field++) {
      const [name, type] = this.#fields[field];
      const value = readValue(name, type, record[name]);
      if (typeof value === 'object' || !Object.is(value, this.#values[field])) this.repeated = false;
      this.#values[field] = value;
    }
  }

  number(field: number): number {
    const value = this.#values[field];
    return typeof value === 'number' ? value : Number.NaN;
  }

  text(field: number): string | undefined {
    return this.#values[field] as string | undefined;
  }

  sparse(field: number, visit: (index: number, value: number) => void): void {
    for (const [index, value] of (this.#values[field] ?? []) as Pairs) visit(index, value);
  }
}

function readValue(
  name: string,
  type: FeatureType,
  value: OnlineRecord[string],
): number | string | Pairs | undefined {
  if (value === null || value === undefined) return undefined;
  if (type === 'sparse') return toPairs(name, value);
  return type === 'category' || type === 'text' ? toText(name, value) : toNumber(name, value);
}

/** NaN where not finite. */
function toNumber(name: string, value: unknown): number {
  if (typeof value === 'number') return Number.isFinite(value) ? value : Number.NaN;
  if (typeof value === 'boolean' || typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.getTime();
  throw unfit(name, value, 'a number');
}

function toText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw unfit(name, value, 'a text');
}

function toPairs(name: string, value: unknown): Pairs {
  const isPair = (pair: unknown) =>
    Array.isArray(pair) &&
    pair.length === 2 &&
    Number.isInteger(pair[0]) &&
    pair[0] >= 0 &&
    Number.isFinite(pair[1]);
  if (Array.isArray(value) && value.every(isPair)) return value as Pairs;
  throw unfit(name, value, 'a list of pairs [index, value] of finite numbers');
}

function unfit(name: string, value: unknown, wanted: string): SoraError {
  return new SoraError(
    'bad-input',
    `Feature "${name}": ${typeof value === 'bigint' ? value : JSON.stringify(value)} is not ${wanted}; give one, or null where it is missing.`,
    { details: { feature: name } },
  );
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

  /** The column of a field, where it is sparse and no row lacks it. */
  wholeSparse(field: number): SparseColumn | undefined {
    const column = this.#columns[field];
    return column.type === 'sparse' && column.validity === undefined ? column : undefined;
  }

  sparse(field: number, visit: (index: number, value: number) => void): void {
    const column = this.#columns[field];
    if (column.type !== 'sparse' || !isPresent(column.validity, this.row)) return;
    for (let at = column.starts[this.row]; at < column.starts[this.row + 1]; at++) {
      visit(column.indices[at], column.values[at]);
    }
  }
}

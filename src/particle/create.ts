/**
 * Particles in memory, by hand: create one from features and labels, process its values, move its weights.
 * The same particles that stores and workers use; merging and splitting are in merge.ts and split.ts.
 */
import { SoraError } from '../errors.ts';
import type { Column } from './column.ts';
import { columnRows, isPresent } from './column.ts';
import { columnFromValues, type Value, type ValueType } from './from-values.ts';
import type { Particle } from './particle.ts';
import { type Field, parseSchema, type Role, roleIndex, type Schema } from './schema.ts';

/** One row of features: values in order, or values by name. */
export type FeatureRow = ArrayLike<Value> | { readonly [name: string]: Value };

/** A particle by rows of features. */
export interface RowInput {
  /** One entry a row; a missing value is `null`, `undefined` or NaN. */
  readonly features: readonly FeatureRow[];
  /** One label a row, in a column named `label`. */
  readonly labels?: ArrayLike<Value>;
  /** One weight a row, finite and not negative, in a column named `weight`. */
  readonly weights?: ArrayLike<number>;
  /** Names of the features; default `x1`, `x2`, … or the names in the rows. */
  readonly names?: readonly string[];
}

/** A particle by columns. */
export interface ColumnInput {
  readonly columns: Readonly<Record<string, ArrayLike<Value>>>;
  /** Roles of columns that are not features. */
  readonly roles?: Readonly<Record<string, Role>>;
  /** Types of columns that are not to be inferred. */
  readonly types?: Readonly<Record<string, ValueType>>;
}

/**
 * A particle of values in memory. Types are inferred, numbers kept in the narrowest type that holds them exactly.
 * Throws `bad-input` naming the row, the column and the value where shapes or types do not agree. O(values).
 *
 * @example
 * const particle = createParticle({ features: [[1, 2], [3, 4]], labels: [0, 1] });
 */
export function createParticle(input: RowInput | ColumnInput): Particle {
  return 'columns' in input ? fromColumns(input) : fromRows(input);
}

function fromColumns({ columns, roles = {}, types = {} }: ColumnInput): Particle {
  for (const name of [...Object.keys(roles), ...Object.keys(types)]) {
    if (!(name in columns))
      throw new SoraError('bad-input', `There is no column "${name}" to give a role or type.`);
  }
  return assemble(
    Object.entries(columns).map(([name, values]) => ({
      name,
      role: roles[name] ?? 'feature',
      column: columnFromValues(name, values, types[name]),
    })),
  );
}

function fromRows({ features, labels, weights, names }: RowInput): Particle {
  const byName = features.length > 0 && !isRow(features[0]);
  const columnNames = names ?? (byName ? unionOfNames(features) : defaultNames(features));
  const parts: NamedColumn[] = columnNames.map((name, index) => ({
    name,
    role: 'feature',
    column: columnFromValues(
      name,
      features.map((row, at) =>
        byName ? named(row, at, name) : positional(row, at, index, columnNames.length),
      ),
    ),
  }));
  if (labels !== undefined) {
    checkLength('labels', labels.length, features.length);
    parts.push({ name: 'label', role: 'label', column: columnFromValues('label', labels) });
  }
  if (weights !== undefined) {
    checkLength('weights', weights.length, features.length);
    for (let row = 0; row < weights.length; row++) checkWeight(weights[row], row);
    parts.push({ name: 'weight', role: 'weight', column: columnFromValues('weight', weights, 'number') });
  }
  return assemble(parts, features.length);
}

function isRow(row: FeatureRow): row is ArrayLike<Value> {
  return Array.isArray(row) || ArrayBuffer.isView(row);
}

function unionOfNames(rows: readonly FeatureRow[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

function defaultNames(rows: readonly FeatureRow[]): string[] {
  const width = rows.length === 0 ? 0 : (rows[0] as ArrayLike<Value>).length;
  return Array.from({ length: width }, (_, index) => `x${index + 1}`);
}

function named(row: FeatureRow, at: number, name: string): Value {
  if (isRow(row) || typeof row !== 'object' || row === null) {
    throw new SoraError('bad-input', `Row ${at} of features is not an object like row 0.`, {
      details: { row: at },
    });
  }
  return (row as { readonly [name: string]: Value })[name];
}

function positional(row: FeatureRow, at: number, index: number, width: number): Value {
  const actual = isRow(row) ? row.length : undefined;
  if (actual === width) return (row as ArrayLike<Value>)[index];
  throw new SoraError(
    'bad-input',
    `Row ${at} of features has ${actual === undefined ? 'no list of' : actual} values, expected ${width}; give every row as many.`,
    { details: { row: at, length: actual, expected: width } },
  );
}

function checkLength(what: string, actual: number, rows: number): void {
  if (actual === rows) return;
  throw new SoraError(
    'bad-input',
    `There are ${actual} ${what} for ${rows} rows of features; give one a row.`,
    {
      details: { what, length: actual, expected: rows },
    },
  );
}

function checkWeight(weight: number, row: number): void {
  if (Number.isFinite(weight) && weight >= 0) return;
  throw new SoraError(
    'bad-input',
    `Column "weight", row ${row}: ${weight} is not a finite number of 0 or more.`,
    {
      details: { column: 'weight', row, value: String(weight) },
    },
  );
}

interface NamedColumn {
  readonly name: string;
  readonly role: Role;
  readonly column: Column;
}

function assemble(
  parts: readonly NamedColumn[],
  rows = parts.length > 0 ? columnRows(parts[0].column) : 0,
): Particle {
  for (const { name, column } of parts) {
    if (columnRows(column) === rows) continue;
    throw new SoraError('bad-input', `Column "${name}" has ${columnRows(column)} rows, expected ${rows}.`, {
      details: { column: name, rows: columnRows(column), expected: rows },
    });
  }
  const fields: Field[] = parts.map(({ name, role, column }) => ({ name, type: column.type, role }));
  return { schema: parseSchema({ fields }), rows, columns: parts.map((part) => part.column) };
}

/** What to do with each value of the number columns of a role. */
export interface Processing {
  readonly features?: (value: number) => number;
  readonly labels?: (value: number) => number;
}

/**
 * The particle with functions applied to its numbers, value by value; other columns stay as they are.
 * A result of NaN becomes missing; missing values stay missing. O(values).
 */
export function processParticle(particle: Particle, processing: Processing): Particle {
  const columns = particle.columns.map((column, index) => {
    const { name, role } = particle.schema.fields[index];
    const apply = role === 'feature' ? processing.features : role === 'label' ? processing.labels : undefined;
    return apply === undefined ? column : processColumn(name, role, column, apply);
  });
  return { schema: particle.schema, rows: particle.rows, columns };
}

function processColumn(name: string, role: Role, column: Column, apply: (value: number) => number): Column {
  if (column.type !== 'number') {
    if (role === 'feature') return column;
    throw new SoraError(
      'bad-data',
      `Labels "${name}" are of type ${column.type}; only numbers can be processed.`,
    );
  }
  const values = new Float64Array(column.values.length);
  for (let row = 0; row < values.length; row++) {
    values[row] = isPresent(column.validity, row) ? apply(column.values[row]) : Number.NaN;
  }
  return columnFromValues(name, values, 'number');
}

/**
 * One step of weight decay: every weight w becomes w − learningRate · w. Rows without weights count as weight 1.
 * Throws `bad-option` unless the learning rate is from 0 to 1. O(rows).
 *
 * @example
 * updateWeights(particle, 0.1); // weights 0.5 become 0.45
 */
export function updateWeights(particle: Particle, learningRate: number): Particle {
  if (!(learningRate >= 0 && learningRate <= 1)) {
    throw new SoraError('bad-option', `Learning rate ${learningRate} is not from 0 to 1.`, {
      details: { learningRate },
    });
  }
  const at = roleIndex(particle.schema, 'weight');
  const old = at < 0 ? undefined : particle.columns[at];
  const weights = new Float64Array(particle.rows).fill(1);
  if (old?.type === 'number') weights.set(old.values);
  for (let row = 0; row < weights.length; row++) {
    const present = old === undefined || isPresent(old.validity, row);
    weights[row] = present ? weights[row] - learningRate * weights[row] : Number.NaN;
  }
  const name = at < 0 ? 'weight' : particle.schema.fields[at].name;
  return withColumn(particle, at, name, columnFromValues(name, weights, 'number'));
}

/** The particle with one column replaced, or added as weights if `at` is -1. */
function withColumn(particle: Particle, at: number, name: string, column: Column): Particle {
  if (at >= 0) return { ...particle, columns: particle.columns.with(at, column) };
  const schema: Schema = parseSchema({
    fields: [...particle.schema.fields, { name, type: 'number', role: 'weight' }],
  });
  return { schema, rows: particle.rows, columns: [...particle.columns, column] };
}

/** Particles for tests: from plain arrays, and Adult from its file. Not part of the package. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Column, emptyValidity, setPresent } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import type { ColumnType, Field, Role } from '../particle/schema.ts';
import { type Profile, profile } from '../summary/profile.ts';
import type { Split } from '../summary/split.ts';
import { partial } from '../summary/summary.ts';

type Value = number | boolean | string | null;

function validityOf(values: readonly unknown[]): Uint8Array | undefined {
  if (!values.includes(null)) return undefined;
  const validity = emptyValidity(values.length);
  for (const [row, value] of values.entries()) if (value !== null) setPresent(validity, row);
  return validity;
}

/** One column from plain values; null is missing. */
export function column(type: ColumnType, values: readonly Value[]): Column {
  const validity = validityOf(values);
  if (type === 'number') return { type, values: Float64Array.from(values, Number), validity };
  if (type === 'timestamp') return { type, values: Float64Array.from(values, Number), validity };
  if (type === 'boolean') return { type, values: Uint8Array.from(values, Number), validity };
  if (type === 'text') return { type, values: values.map((value) => String(value ?? '')), validity };
  if (type !== 'category') throw new Error(`no test column of type ${type}`);
  const dictionary = [...new Set(values.filter((value) => value !== null).map(String))];
  const codeOf = new Map(dictionary.map((level, code) => [level, code]));
  const codes = Int32Array.from(values, (value) => (value === null ? -1 : codeOf.get(String(value))!));
  return { type, codes, dictionary, validity };
}

/** A particle from `[name, type, role, values]` a column. */
export function table(
  ...columns: readonly (readonly [string, ColumnType, Role, readonly Value[] | Column])[]
): Particle {
  const built = columns.map(([, type, , values]) => ('type' in values ? values : column(type, values)));
  const fields: Field[] = columns.map(([name, type, role]) => ({ name, type, role }));
  const first = columns[0][3];
  const rows = 'type' in first ? rowsOf(first) : first.length;
  return { schema: { fields }, rows, columns: built };
}

function rowsOf(of: Column): number {
  if (of.type === 'category') return of.codes.length;
  return of.type === 'sparse' ? of.starts.length - 1 : of.values.length;
}

/** The profile of one or more particles. */
export function profileOf(particles: readonly Particle[], split?: Split): Profile {
  const summary = profile(split === undefined ? null : { split });
  const state = summary.empty();
  for (const particle of particles) summary.merge(state, partial(summary, particle));
  return summary.read(state);
}

const ADULT_COLUMNS: readonly (readonly [string, 'number' | 'category'])[] = [
  ['age', 'number'],
  ['workclass', 'category'],
  ['fnlwgt', 'number'],
  ['education', 'category'],
  ['education_num', 'number'],
  ['marital_status', 'category'],
  ['occupation', 'category'],
  ['relationship', 'category'],
  ['race', 'category'],
  ['sex', 'category'],
  ['capital_gain', 'number'],
  ['capital_loss', 'number'],
  ['hours_per_week', 'number'],
  ['native_country', 'category'],
  ['income', 'category'],
];

/** Adult census income, training file; undefined where the data is not at hand. */
export function adult(file = 'adult.data'): Particle | undefined {
  const root = process.env.SORA_DATA ?? fileURLToPath(new URL('../../../shared/data', import.meta.url));
  const path = `${root}/adult/${file}`;
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.includes(', '));
  const cells = lines.map((line) => line.replace(/\.$/, '').split(', '));
  return table(
    ...ADULT_COLUMNS.map(([name, type], index) => {
      const values = cells.map((row) =>
        row[index] === '?' ? null : type === 'number' ? Number(row[index]) : row[index],
      );
      return [name, type, name === 'income' ? 'label' : 'feature', values] as const;
    }),
  );
}

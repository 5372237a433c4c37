/**
 * Where the fields of a table are in a source: by name, or by position where the source has no names. A schema that is
 * given, and columns to keep beside it, are matched with what the first source has.
 */
import { SoraError } from '../errors.ts';
import type { ColumnType, Field, Schema } from '../particle/schema.ts';
import type { Source } from './inputs.ts';
import { suggestion } from './names.ts';
import { isOptional } from './objects.ts';
import type { OpenSource, PlannedField } from './reader.ts';
import type { ColumnOptions } from './schema.ts';

/** A given schema, with the kept columns behind it. */
export function fixedSchema(
  schema: Schema,
  { keep = [], types }: Pick<ColumnOptions, 'types'> & { readonly keep?: readonly string[] },
  source: OpenSource,
): { schema: Schema; notes: string[] } {
  const known = new Set(schema.fields.map((field) => field.name));
  const kept = [...new Set(keep)]
    .filter((name) => !known.has(name))
    .map((name): Field => {
      const column = source.columns.find((candidate) => candidate.name === name);
      if (column === undefined) {
        const names = source.columns.map((candidate) => candidate.name);
        throw new SoraError('not-found', `There is no column "${name}" to keep. ${suggestion(name, names)}`, {
          details: { column: name },
        });
      }
      const type: ColumnType = types?.[name] ?? column.guess.type;
      return { name, type, role: 'ignore', ...(column.width === undefined ? {} : { width: column.width }) };
    });
  const extra = source.columns.filter(({ name }) => !known.has(name) && !keep.includes(name));
  const notes =
    extra.length > 0 && !source.positional
      ? [`columns that the schema does not have are left out: ${extra.map(({ name }) => name).join(', ')}`]
      : [];
  return { schema: { fields: [...schema.fields, ...kept] }, notes };
}

/** Where each field is in a source; `given`: the schema does not come from the first one. Throws `schema-mismatch` for a column that is not there. */
export function planFields(
  schema: Schema,
  source: OpenSource,
  { name }: Source,
  given: boolean,
): PlannedField[] {
  const positions = positionsOf(schema, source);
  return schema.fields.map((field, index): PlannedField => {
    const column = positions[index];
    if (column >= 0) {
      const { format, markers } = source.columns[column].guess;
      return { field, column, format, markers };
    }
    if (given && isOptional(field)) return { field, column };
    const names = source.columns.map((candidate) => candidate.name);
    throw new SoraError(
      'schema-mismatch',
      `${name}: there is no column "${field.name}" (${field.type}), which ${given ? 'the schema needs' : 'the first source has'}. ${suggestion(field.name, names)}`,
      { details: { file: name, column: field.name, columns: names.slice(0, 1000) } },
    );
  });
}

/** By name; by position where the source has no names and as many columns as the schema, or all but the label. */
function positionsOf(schema: Schema, source: OpenSource): number[] {
  const byName = new Map(source.columns.map((column, index) => [column.name, index]));
  const named = schema.fields.map((field) => byName.get(field.name) ?? -1);
  if (!source.positional || named.every((column) => column >= 0)) return named;
  const { fields } = schema;
  const count = source.columns.length;
  if (count === fields.length) return fields.map((_, index) => index);
  const label = fields.findIndex((field) => field.role === 'label');
  if (label < 0 || count !== fields.length - 1) return named;
  return fields.map((_, index) => (index === label ? -1 : index < label ? index : index - 1));
}

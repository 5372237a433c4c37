/**
 * What the columns of a data set are: their names, types and roles.
 * Knows nothing of bytes, files or learners. A schema read from outside is checked by {@link parseSchema}.
 */
import { z } from 'zod';
import { SoraError } from '../errors.ts';

/** What a column holds. `sparse` is a matrix of mostly zeros kept as one CSR column. */
export const COLUMN_TYPES = [
  'number',
  'boolean',
  'category',
  'text',
  'timestamp',
  'binary',
  'sparse',
] as const;
export type ColumnType = (typeof COLUMN_TYPES)[number];

/** What a column is for. `exposure` is a positive multiplier of a count's expectation (an offset of its log). */
export const ROLES = ['feature', 'label', 'weight', 'exposure', 'key', 'time', 'group', 'ignore'] as const;
export type Role = (typeof ROLES)[number];

const fieldShape = z.object({
  name: z.string().min(1),
  type: z.enum(COLUMN_TYPES),
  role: z.enum(ROLES),
  width: z.int().positive().optional(),
});

/** One column: its name, type and role; `width` is the number of features of a sparse column. */
export type Field = Readonly<z.infer<typeof fieldShape>>;

/** The columns of a data set, in order; names are unique. */
export interface Schema {
  readonly fields: readonly Field[];
}

const schemaShape = z.object({ fields: z.array(fieldShape) });

/** A checked schema from untrusted JSON; throws `schema-mismatch` naming the place and value. */
export function parseSchema(json: unknown): Schema {
  const result = schemaShape.safeParse(json);
  if (!result.success) {
    throw new SoraError('schema-mismatch', `Not a schema: ${z.prettifyError(result.error)}`, {
      cause: result.error,
    });
  }
  const seen = new Set<string>();
  for (const field of result.data.fields) {
    if (seen.has(field.name))
      throw new SoraError('schema-mismatch', `Column name "${field.name}" stands twice.`);
    seen.add(field.name);
  }
  return result.data;
}

/** Index of the column with this name, or -1. O(columns). */
export function fieldIndex(schema: Schema, name: string): number {
  return schema.fields.findIndex((field) => field.name === name);
}

/** Index of the only column with this role, or -1; throws `schema-mismatch` if several have it. */
export function roleIndex(schema: Schema, role: Role): number {
  const indices = schema.fields.flatMap((field, index) => (field.role === role ? [index] : []));
  if (indices.length > 1) {
    const names = indices.map((index) => schema.fields[index].name).join(', ');
    throw new SoraError(
      'schema-mismatch',
      `Several columns have the role ${role}: ${names}; at most one may.`,
    );
  }
  return indices.length === 1 ? indices[0] : -1;
}

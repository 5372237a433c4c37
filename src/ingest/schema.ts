/**
 * From columns and guesses to a schema: types as told or guessed, roles as told or inferred, and notes on all that
 * was inferred. Pure.
 */
import { SoraError } from '../errors.ts';
import { COLUMN_TYPES, type ColumnType, type Field, type Role, type Schema } from '../particle/schema.ts';
import type { Guess } from './guess.ts';
import { suggestion } from './names.ts';

/** What the caller says of columns. */
export interface ColumnOptions {
  readonly target?: string;
  readonly weight?: string;
  readonly exposure?: string;
  readonly time?: string;
  readonly key?: string;
  readonly group?: string;
  readonly ignore?: readonly string[];
  /** Types that override the guesses. */
  readonly types?: Readonly<Record<string, ColumnType>>;
}

/** A column of the source and what its sample says; `fixed` if the source itself knows the type. */
export interface GuessedColumn {
  readonly name: string;
  readonly guess: Guess;
  readonly role?: Role;
  readonly width?: number;
}

export interface InferredSchema {
  readonly schema: Schema;
  readonly notes: readonly string[];
}

const ROLE_OPTIONS = [
  ['target', 'label'],
  ['weight', 'weight'],
  ['exposure', 'exposure'],
  ['time', 'time'],
  ['key', 'key'],
  ['group', 'group'],
] as const satisfies readonly (readonly [keyof ColumnOptions, Role])[];

/** Names that row numbers and identifiers go by. */
const ID_NAME = /^(?:(?:.*[\s_.-])?id|.*[a-z]I[dD]|index|row_?names?|row_?(?:id|num(?:ber)?)|unnamed.*)$/i;
const CAMEL_ID = /^(?:.*[a-z])I[dD]$/;
/** Names that begin with it: IDpol, id_client. */
const ID_FIRST = /^(?:ID[A-Za-z_]|id[_A-Z])/;

/** The schema of these columns. Throws `not-found` for names that are not there, `bad-option` for roles that clash. */
export function inferSchema(columns: readonly GuessedColumn[], options: ColumnOptions): InferredSchema {
  const told = toldRoles(
    columns.map((column) => column.name),
    options,
  );
  const notes: string[] = [];
  const fields = columns.map((column): Field => {
    const { name, guess, width } = column;
    const type = typeOf(column, told.get(name), options, notes);
    const role = told.get(name) ?? column.role ?? inferredRole(column, type, told, options, notes);
    for (const note of guess.notes) if (options.types?.[name] === undefined) notes.push(`${name}: ${note}`);
    checkRoleType(name, role, type);
    return width === undefined ? { name, type, role } : { name, type, role, width };
  });
  return { schema: { fields }, notes };
}

/** Role by column name, as the options say. */
function toldRoles(names: readonly string[], options: ColumnOptions): Map<string, Role> {
  const roles = new Map<string, Role>();
  const known = new Set(names);
  const tell = (name: string, role: Role, option: string) => {
    if (!known.has(name)) throw unknownColumn(name, `--${option}`, names);
    const before = roles.get(name);
    if (before !== undefined && before !== role) {
      throw new SoraError(
        'bad-option',
        `Column "${name}" cannot be both ${before} and ${role}; name it once.`,
        {
          details: { column: name, roles: [before, role] },
        },
      );
    }
    roles.set(name, role);
  };
  for (const [option, role] of ROLE_OPTIONS) {
    const name = options[option];
    if (name !== undefined) tell(name, role, option);
  }
  for (const name of options.ignore ?? []) tell(name, 'ignore', 'ignore');
  for (const [name, type] of Object.entries(options.types ?? {})) {
    if (!known.has(name)) throw unknownColumn(name, '--types', names);
    if (!COLUMN_TYPES.includes(type)) {
      throw new SoraError(
        'bad-option',
        `Type "${type}" of column "${name}" is none of: ${COLUMN_TYPES.join(', ')}.`,
      );
    }
  }
  return roles;
}

function unknownColumn(name: string, option: string, names: readonly string[]): SoraError {
  return new SoraError('not-found', `There is no column "${name}" (${option}). ${suggestion(name, names)}`, {
    details: { column: name, option, columns: names.slice(0, 1000) },
  });
}

function typeOf(
  { name, guess }: GuessedColumn,
  role: Role | undefined,
  options: ColumnOptions,
  notes: string[],
): ColumnType {
  const told = options.types?.[name];
  if (told !== undefined) {
    if (told === guess.type || (told !== 'sparse' && guess.type !== 'sparse')) return told;
    throw new SoraError('bad-option', `Column "${name}" holds ${guess.type} and cannot be read as ${told}.`, {
      details: { column: name, type: told, found: guess.type },
    });
  }
  if (guess.type === 'text' && (role === 'label' || role === 'key' || role === 'group')) return 'category';
  if (guess.type === 'number' && guess.large) {
    if (role === 'key' || role === 'group') {
      notes.push(`${name}: integers beyond 2^53 are read as categories, because a ${role} must stay exact`);
      return 'category';
    }
    notes.push(`${name}: integers beyond 2^53 are rounded to 53 bits`);
  }
  return guess.type;
}

function inferredRole(
  { name, guess }: GuessedColumn,
  type: ColumnType,
  told: ReadonlyMap<string, Role>,
  options: ColumnOptions,
  notes: string[],
): Role {
  const exposed = [...told.values()].includes('exposure');
  if (options.target !== undefined && !exposed && type === 'number' && name.toLowerCase() === 'exposure') {
    notes.push(
      `${name}: taken as the exposure of each row (--exposure, or --ignore ${name}, says otherwise)`,
    );
    return 'exposure';
  }
  const idLike = name === '' || [CAMEL_ID, ID_NAME, ID_FIRST, /^column1$/].some((known) => known.test(name));
  if (idLike && type === 'number' && guess.counts) {
    notes.push(`${name}: ignored, because it numbers the rows; --key ${name} makes it their key`);
    return 'ignore';
  }
  if (idLike && (type === 'category' || type === 'text') && guess.unique) {
    notes.push(`${name}: ignored, because it names each row; --key ${name} makes it their key`);
    return 'ignore';
  }
  return 'feature';
}

const ROLE_TYPES: Partial<Record<Role, readonly ColumnType[]>> = {
  label: ['number', 'boolean', 'category'],
  weight: ['number'],
  exposure: ['number'],
  time: ['timestamp', 'number'],
  key: ['number', 'category', 'text', 'timestamp', 'boolean'],
  group: ['number', 'category', 'text', 'timestamp', 'boolean'],
};

function checkRoleType(name: string, role: Role, type: ColumnType): void {
  const allowed = ROLE_TYPES[role];
  if (allowed === undefined || allowed.includes(type)) return;
  throw new SoraError(
    'bad-option',
    `Column "${name}" is of type ${type} and cannot be the ${role}, which is one of: ${allowed.join(', ')}. Choose another column, or another type with --types ${name}=${allowed[0]}.`,
    { details: { column: name, type, role, allowed } },
  );
}

/** Bytes a row in memory, for the size policy: a function of the schema and the sample. */
export function bytesPerRow(schema: Schema, guesses: readonly (Guess | undefined)[]): number {
  const sum = schema.fields.reduce((bytes, field, index) => {
    const guessed = guesses[index]?.width ?? 0;
    switch (field.type) {
      case 'number':
        return bytes + (field.role === 'feature' ? 4 : 8);
      case 'timestamp':
        return bytes + 8;
      case 'boolean':
        return bytes + 1;
      case 'category':
        return bytes + 4;
      default:
        return bytes + Math.max(16, Math.ceil(guessed));
    }
  }, 0);
  return Math.max(1, sum);
}

/** The schema as people read it: one line a column. */
export function formatSchema(schema: Schema): string {
  const names = Math.max(...schema.fields.map((field) => field.name.length), 0);
  const types = Math.max(...schema.fields.map((field) => field.type.length), 0);
  return schema.fields
    .map(({ name, type, role, width }) => {
      const size = width === undefined ? '' : ` (${width} wide)`;
      return `${name.padEnd(names)}  ${type.padEnd(types)}  ${role}${size}`;
    })
    .join('\n');
}

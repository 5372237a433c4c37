/** From the first rows of a stream, and what the options say of them, to how all its rows are read and learned. */
import { SoraError } from '../../errors.ts';
import type { OnlineLabel } from '../../fit/online/classes.ts';
import type { Features, FeatureType } from '../../fit/online/source.ts';
import { type Converted, convertValue } from '../../ingest/convert.ts';
import { guessValues } from '../../ingest/guess.ts';
import type { RowObject } from '../../ingest/inputs.ts';
import { MISSING_MARKERS, normaliser } from '../../ingest/missing.ts';
import { isObject, objectColumns, valueAt } from '../../ingest/objects.ts';
import { type GuessedColumn, inferSchema } from '../../ingest/schema.ts';
import { UnreadableRow } from '../../ingest/stream/stream.ts';
import type { Json } from '../../json.ts';
import { type Field, roleIndex, type Schema } from '../../particle/schema.ts';
import type { CheckedFollow } from './options.ts';
import type { FollowPlan } from './state.ts';

/** A plan, and what was inferred and why. */
export interface MadePlan {
  readonly plan: FollowPlan;
  readonly notes: readonly string[];
}

/** Options that rows and model depend on. */
const FIXED = [
  'target',
  'key',
  'time',
  'weight',
  'ignore',
  'types',
  'task',
  'classes',
  'newClasses',
  'learner',
  'learnerOptions',
  'drift',
  'driftOptions',
  'policy',
  'catchUp',
  'hashBits',
  'seed',
  'stretch',
  'labelDelay',
  'waitRows',
  'waitSeconds',
] as const;

/** Those options as plain JSON. */
export function givenOptions(options: CheckedFollow): Record<string, Json> {
  const entries = FIXED.map((key) => [key, options[key] as Json | undefined] as const);
  return Object.fromEntries(
    entries.filter((entry): entry is [(typeof FIXED)[number], Json] => entry[1] !== undefined),
  );
}

/**
 * The plan of a stream that starts; `stored` is the schema of a store that has particles already, `labels` are those of its
 * rows that will be learned too.
 */
export function makePlan(
  sample: readonly RowObject[],
  options: CheckedFollow,
  stored: Schema | undefined,
  labels: readonly OnlineLabel[] = [],
): MadePlan {
  const rows = sample.filter((row) => isObject(row) && !(row instanceof UnreadableRow));
  if (rows.length === 0) {
    throw new SoraError(
      'bad-data',
      'No row has come from which columns could be told: nothing was committed.',
    );
  }
  const { columns: found, notes: odd } = objectColumns(rows);
  const columns = withTarget(found, rows.length, options);
  const { schema: inferred, notes } = inferSchema(columns, options);
  const schema = stored === undefined ? inferred : storedSchema(stored, inferred);
  const label = labelOf(schema, options);
  const guesses = new Map(columns.map(({ name, guess }) => [name, guess]));
  const of = <T>(pick: (name: string) => T | undefined) =>
    Object.fromEntries(
      schema.fields.flatMap(({ name, type }) => {
        const value = guesses.get(name)?.type === type ? pick(name) : undefined;
        return value === undefined ? [] : [[name, value]];
      }),
    ) as Record<string, T>;
  const formats = of((name) => guesses.get(name)?.format);
  const markers = of((name) => guesses.get(name)?.markers);
  const classes = classesOf(label, rows, labels, options);
  const plan: FollowPlan = {
    given: givenOptions(options),
    schema,
    formats,
    markers,
    classes,
    ...(options.newClasses === 'refuse' ? { newClasses: 'refuse' as const } : {}),
    learner: learnerOf(schema, classes.length, options),
    ...driftOf(options),
    hashBits: options.hashBits ?? usualBits(schema),
    seed: options.seed,
    stretch: options.stretch,
    ...(options.labelDelay ? { wait: waitOf(schema, options) } : {}),
  };
  return { plan, notes: [...odd, ...notes, describe(label, classes)] };
}

/** The columns, and the target too where labels come too late for the first rows. */
function withTarget(
  columns: readonly GuessedColumn[],
  rows: number,
  options: CheckedFollow,
): GuessedColumn[] {
  const { target, labelDelay, types } = options;
  if (!labelDelay || target === undefined) return [...columns];
  const found = columns.find(({ name }) => name === target);
  if (found !== undefined && (found.guess.present > 0 || types?.[target] !== undefined)) return [...columns];
  if (types?.[target] === undefined) {
    throw new SoraError(
      'bad-data',
      `None of the first ${rows} rows has a label "${target}": say what labels are (--types ${target}=category or number, and --classes), or look at more rows (--sample-rows).`,
    );
  }
  return found === undefined ? [...columns, { name: target, guess: guessValues([]) }] : [...columns];
}

/** The columns of the store, with the roles of the stream. */
function storedSchema(stored: Schema, inferred: Schema): Schema {
  const roles = new Map(inferred.fields.map(({ name, role }) => [name, role]));
  return { fields: stored.fields.map((field) => ({ ...field, role: roles.get(field.name) ?? field.role })) };
}

function labelOf(schema: Schema, { target }: CheckedFollow): Field {
  const at = roleIndex(schema, 'label');
  if (at >= 0) return schema.fields[at];
  const names = schema.fields.map(({ name }) => name).join(', ');
  throw new SoraError(
    'bad-option',
    target === undefined
      ? `Name the column to learn with --target. The columns are: ${names}.`
      : `The store has no column "${target}"; its columns are: ${names}. Use another --store.`,
  );
}

function describe({ name, type }: Field, classes: readonly OnlineLabel[]): string {
  if (classes.length === 0) return `${name}: numbers are learned`;
  return `${name}: ${classes.length} ${classes.length === 1 ? 'class' : 'classes'} (${classes.slice(0, 8).join(', ')}${classes.length > 8 ? ', …' : ''}) of type ${type}`;
}

/** Classes of the label; none where numbers are learned. */
function classesOf(
  label: Field,
  rows: readonly RowObject[],
  labels: readonly OnlineLabel[],
  options: CheckedFollow,
): OnlineLabel[] {
  const { task, classes: told } = options;
  if (label.type !== 'number' && task === 'numbers') {
    throw new SoraError(
      'bad-option',
      `Option --task is numbers, and "${label.name}" is of type ${label.type}: read it as numbers with --types ${label.name}=number.`,
    );
  }
  if (label.type === 'boolean') return [false, true];
  if (told !== undefined) return told.map((name) => toldClass(label, name));
  if (task === 'numbers') return [];
  const normalise = normaliser(MISSING_MARKERS);
  const values = new Set<Converted | OnlineLabel>(labels);
  for (const row of rows) values.add(convertValue(label, valueAt(row, label.name), normalise));
  const found = [...values].filter((value) => typeof value === 'number' || typeof value === 'string');
  if (label.type === 'number') {
    if (task === 'auto' && found.length !== 2) return [];
    found.sort((a, b) => Number(a) - Number(b));
  } else found.sort((a, b) => (a < b ? -1 : 1));
  if (found.length > (options.newClasses === 'refuse' ? 1 : 0)) return found;
  const what = found.length === 0 ? 'no label' : `one class alone, ${JSON.stringify(found[0])},`;
  throw new SoraError(
    'bad-data',
    `The first ${rows.length} rows have ${what} in "${label.name}": name classes with --classes, or look at more rows (--sample-rows).`,
  );
}

function toldClass(label: Field, name: string): OnlineLabel {
  if (label.type !== 'number') return name;
  const value = Number(name);
  if (name.trim() !== '' && Number.isFinite(value)) return value;
  throw new SoraError(
    'bad-option',
    `Class ${JSON.stringify(name)} is no number, and "${label.name}" is a number: correct --classes, or read it as strings with --types ${label.name}=category.`,
  );
}

function waitOf(schema: Schema, options: CheckedFollow): FollowPlan['wait'] {
  const { waitRows: rows, waitSeconds: seconds } = options;
  if (roleIndex(schema, 'key') < 0) {
    throw new SoraError(
      'bad-option',
      'Labels that come later need a key to find their rows: name it with --key.',
    );
  }
  if (seconds === undefined) return { rows };
  if (roleIndex(schema, 'time') >= 0) return { rows, seconds };
  throw new SoraError('bad-option', 'Option --wait-seconds counts in the time column: name it with --time.');
}

/** Features of a schema, as online models take them. */
export function featuresOf(schema: Schema): Features {
  const fields = schema.fields.filter(({ role, type }) => role === 'feature' && type !== 'binary');
  if (fields.length > 0)
    return Object.fromEntries(fields.map(({ name, type }) => [name, type as FeatureType]));
  throw new SoraError('bad-data', 'There is no column to learn from besides the target.');
}

function learnerOf(schema: Schema, classes: number, options: CheckedFollow): Json {
  const types = Object.values(featuresOf(schema));
  const noTrees = types.some((type) => type === 'text' || type === 'sparse');
  const usual = classes === 0 || noTrees ? 'ftrl' : classes <= 2 ? 'stack' : 'adaptive-forest';
  return { name: options.learner ?? usual, ...optionValues(options.learnerOptions) };
}

/** What is to be done about drift, as online models take it; nothing unless one of the options is given. */
function driftOf({ drift, driftOptions, policy }: CheckedFollow): { readonly drift?: Json } {
  if (drift === undefined && policy === undefined && driftOptions === undefined) return {};
  const detector = { name: drift ?? 'adwin', ...optionValues(driftOptions) };
  return { drift: { detector, policy: policy ?? 'warn' } };
}

/** Slots enough for the words of a language, or for a few thousand categories. */
function usualBits(schema: Schema): number {
  const types = Object.values(featuresOf(schema));
  return types.includes('text') || types.includes('sparse') ? 18 : 14;
}

function optionValues(given: Readonly<Record<string, string>> = {}): Record<string, Json> {
  return Object.fromEntries(Object.entries(given).map(([key, text]) => [key, optionValue(text)]));
}

/** A number, true or false where the text is one, else the text. */
function optionValue(text: string): Json {
  if (text === 'true' || text === 'false') return text === 'true';
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}

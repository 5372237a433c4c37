/**
 * Features over time, declared: what of earlier rows a row is told. A spec is a JSON value that models carry.
 *
 * Law: a row sees rows of its own series that are strictly before it in time, and of columns that are not known when
 * a prediction is made (`hidden`) only those that lie at least `horizon` back. Rows of one time do not see each other.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { type Field, fieldIndex, type Schema } from '../../particle/schema.ts';

/** What is read from a window of rows. */
export const STATISTICS = ['mean', 'std', 'min', 'max', 'count'] as const;

const spanShape = z.union([
  z.object({ rows: z.int().positive() }),
  z.object({ milliseconds: z.number().positive() }),
]);

/** A distance: rows of the series, or time. */
export type Span = Readonly<z.infer<typeof spanShape>>;

const named = { name: z.string(), column: z.string() };

const featureShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('lag'), ...named, span: spanShape }),
  z.object({ kind: z.literal('rolling'), ...named, statistic: z.enum(STATISTICS), span: spanShape }),
  z.object({ kind: z.literal('since'), ...named, value: z.string().optional() }),
]);

/** One feature: a value of an earlier row, a statistic of a window of them, or the time since an event. */
export type HistoryFeature = Readonly<z.infer<typeof featureShape>>;

/** The JSON form of a spec, for models. */
export const historyShape = z.object({
  /** Number or timestamp column; absent: rows count as one apart, in their order. */
  time: z.string().optional(),
  /** Column that says which series a row belongs to; absent: all rows are one. */
  by: z.string().optional(),
  horizon: spanShape,
  /** Columns to which the horizon applies: the target, and those that are no features of a row. */
  hidden: z.array(z.string()),
  /** Columns of categories, whose lags are categories. */
  categories: z.array(z.string()),
  features: z.array(featureShape),
});

export type HistorySpec = Readonly<z.infer<typeof historyShape>>;

/** What a caller asks for; see docs/time.md for how it is written. */
export interface HistoryRequest {
  readonly lags?: readonly string[];
  readonly rolling?: readonly string[];
  readonly since?: readonly string[];
  readonly horizon?: string;
  readonly by?: string;
  /** More lags, under names of their own. */
  readonly named?: readonly { readonly name: string; readonly column: string; readonly span: Span }[];
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** The distance of `24` (rows) or `7d` (time); throws `bad-option` naming the option and the value. */
export function parseSpan(text: string, option: string): Span {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const amount = Number(match?.[1]);
  const unit = match?.[2].toLowerCase() ?? '';
  if (match && unit === '' && Number.isInteger(amount) && amount > 0) return { rows: amount };
  if (match && unit in UNITS && amount > 0) return { milliseconds: amount * UNITS[unit] };
  throw badOption(
    option,
    text,
    `give rows (24) or a time (30min, 24h, 7d, 2w); the units are ${Object.keys(UNITS).join(', ')}`,
  );
}

/** The distance in the largest unit that divides it: `24`, `36h`, `1w`. */
export function spanText(span: Span): string {
  if ('rows' in span) return String(span.rows);
  const { milliseconds } = span;
  const [unit, size] = Object.entries(UNITS)
    .reverse()
    .find(([, each]) => milliseconds % each === 0) ?? ['ms', 1];
  return `${milliseconds / size}${unit}`;
}

/** Whether anything was asked for. */
export function asksHistory({ lags, rolling, since }: HistoryRequest): boolean {
  return [lags, rolling, since].some((list) => list !== undefined && list.length > 0);
}

/**
 * The spec of a request over the columns of a schema, by whose roles `time`, `by` (default: the key) and the hidden
 * columns go. Throws `bad-option` or `not-found` where something is not there or would see the future.
 */
export function historySpec(schema: Schema, request: HistoryRequest): HistorySpec {
  const time = schema.fields.find(({ role }) => role === 'time')?.name;
  const by = request.by ?? schema.fields.find(({ role }) => role === 'key')?.name;
  if (by !== undefined) required(schema, by, 'by');
  const features = [
    ...entries(request.lags, 'lags').map(lag),
    ...entries(request.rolling, 'rolling').map(rolling),
    ...(request.since ?? []).map(since),
    ...(request.named ?? []).map((one): HistoryFeature => ({ kind: 'lag', ...one })),
  ];
  for (const { column, kind } of features) required(schema, column, kind === 'lag' ? 'lags' : kind);
  const names = features.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at || fieldIndex(schema, name) >= 0);
  if (twice !== undefined) throw badOption('lags', twice, 'this feature is there already');
  const used = new Set(features.map(({ column }) => column));
  const hidden = schema.fields.filter(({ name, role }) => used.has(name) && role !== 'feature');
  const horizon = parseSpan(request.horizon ?? '1', 'horizon');
  const spec = { ...(time ? { time } : {}), ...(by ? { by } : {}), horizon, features };
  const checked: HistorySpec = {
    ...spec,
    hidden: hidden.map(({ name }) => name),
    categories: [...used].filter((name) => typeOf(schema, name) === 'category'),
  };
  for (const feature of features) checkFeature(checked, feature, schema);
  checkTime(checked, schema);
  return checked;
}

/** Fields of the columns that a spec adds, in the order of its features. */
export function historyFields({ features, categories }: HistorySpec): Field[] {
  return features.map(({ kind, name, column }) => {
    const category = kind === 'lag' && categories.includes(column);
    return { name, type: category ? 'category' : 'number', role: 'feature' };
  });
}

/** `a:1`, `24` (of the same column), `b:7d` as column and rest; the column may hold colons of its own. */
function entries(list: readonly string[] | undefined, option: string): [head: string, span: string][] {
  let head: string | undefined;
  return (list ?? [])
    .flatMap((item) => item.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '')
    .map((item) => {
      const at = item.lastIndexOf(':');
      if (at > 0) head = item.slice(0, at).trim();
      if (head === undefined) throw badOption(option, item, 'name the column first, e.g. demand:24');
      return [head, item.slice(at + 1)];
    });
}

function lag([column, text]: [string, string]): HistoryFeature {
  const span = parseSpan(text, 'lags');
  return { kind: 'lag', name: `${column} lag ${spanText(span)}`, column, span };
}

function rolling([head, text]: [string, string]): HistoryFeature {
  const at = head.lastIndexOf(':');
  const statistic = STATISTICS.find((one) => one === head.slice(at + 1).trim());
  if (at < 1 || statistic === undefined) {
    throw badOption(
      'rolling',
      `${head}:${text}`,
      `write column:statistic:window, e.g. demand:mean:24; the statistics are ${STATISTICS.join(', ')}`,
    );
  }
  const column = head.slice(0, at).trim();
  const span = parseSpan(text, 'rolling');
  return { kind: 'rolling', name: `${column} ${statistic} ${spanText(span)}`, column, statistic, span };
}

function since(item: string): HistoryFeature {
  const at = item.lastIndexOf('=');
  const column = (at > 0 ? item.slice(0, at) : item).trim();
  if (at < 1) return { kind: 'since', name: `since ${column}`, column };
  const value = item.slice(at + 1).trim();
  return { kind: 'since', name: `since ${column}=${value}`, column, value };
}

function checkFeature(spec: HistorySpec, feature: HistoryFeature, schema: Schema): void {
  const type = typeOf(schema, feature.column);
  const option = feature.kind === 'lag' ? 'lags' : feature.kind;
  const numeric = type === 'number' || type === 'boolean';
  const fits =
    numeric || (type === 'category' && !(feature.kind === 'rolling' && feature.statistic !== 'count'));
  if (!fits)
    throw badOption(
      option,
      feature.column,
      `that column is of type ${type}, of which there is no such feature`,
    );
  if (feature.kind === 'since') {
    if (type === 'category' && feature.value === undefined) {
      throw badOption('since', feature.column, 'say which value is the event: column=value');
    }
    checkEvent(feature.column, feature.value, type);
    return;
  }
  if (!spec.hidden.includes(feature.column)) return;
  const { horizon } = spec;
  const asked = 'rows' in horizon ? horizon.rows > 1 : true;
  if (!asked && feature.kind !== 'lag') return;
  if (asked && 'rows' in horizon !== 'rows' in feature.span) {
    throw badOption(
      'horizon',
      spanText(horizon),
      `"${feature.name}" is counted otherwise: give both in rows, or both as times`,
    );
  }
  if (
    feature.kind === 'lag' &&
    size(feature.span) < size(horizon) &&
    'rows' in horizon === 'rows' in feature.span
  ) {
    throw badOption(
      option,
      feature.name,
      `it is not known ${spanText(horizon)} ahead (--horizon): take lags of ${spanText(horizon)} or more`,
    );
  }
}

/** A value that a column of numbers or booleans can have. */
function checkEvent(column: string, value: string | undefined, type: Field['type']): void {
  if (value === undefined || type === 'category') return;
  const isBoolean = value === 'true' || value === 'false';
  if (isBoolean || (value !== '' && Number.isFinite(Number(value)))) return;
  throw badOption(
    'since',
    `${column}=${value}`,
    `the column is of type ${type} and never has that value; give ${type === 'boolean' ? 'true or false' : 'a number'}`,
  );
}

function size(span: Span): number {
  return 'rows' in span ? span.rows : span.milliseconds;
}

/** Times need a time column, and spans of time one of timestamps. */
function checkTime({ time, features, horizon }: HistorySpec, schema: Schema): void {
  const ofFeatures = features.flatMap((feature) =>
    feature.kind === 'since'
      ? []
      : [{ option: feature.kind === 'lag' ? 'lags' : 'rolling', text: feature.name, span: feature.span }],
  );
  const spans = [{ option: 'horizon', text: spanText(horizon), span: horizon }, ...ofFeatures];
  const timed = spans.find(({ span }) => 'milliseconds' in span);
  const type = time === undefined ? undefined : typeOf(schema, time);
  if (timed !== undefined && type !== 'timestamp') {
    throw badOption(
      timed.option,
      timed.text,
      time === undefined
        ? 'that is a time: name the column of timestamps with --time'
        : `that is a time, and column "${time}" holds no timestamps: give rows, or read it as one (--types ${time}=timestamp)`,
    );
  }
  if (type !== undefined && type !== 'timestamp' && type !== 'number') {
    throw badOption('time', time as string, `it is of type ${type}, and has to hold timestamps or numbers`);
  }
}

function typeOf(schema: Schema, name: string): Field['type'] {
  return schema.fields[fieldIndex(schema, name)].type;
}

function required(schema: Schema, name: string, option: string): void {
  if (fieldIndex(schema, name) >= 0) return;
  const names = schema.fields.map((field) => field.name).join(', ');
  throw new SoraError(
    'not-found',
    `Option --${option} names "${name}", which is no column; the columns are: ${names}.`,
  );
}

function badOption(option: string, value: string, why: string): SoraError {
  return new SoraError('bad-option', `Option --${option} is "${value}": ${why}.`, {
    details: { option, value },
  });
}

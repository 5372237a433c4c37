/**
 * Values of PostgreSQL, which come as text, as rows in process hold them. Nothing is rounded on the way: a number that
 * a double cannot hold stays text, and times keep their microseconds, so the rules of ingest decide what becomes of them.
 * Session settings of {@link SETTINGS} say how the text is written.
 */

/** Makes a value of its text. */
export type Reader = (text: string) => unknown;

/** What the texts rest on; and nothing is written through this connection. */
export const SETTINGS = [
  "set timezone = 'UTC'",
  "set datestyle = 'ISO, YMD'",
  "set intervalstyle = 'iso_8601'",
  "set bytea_output = 'hex'",
  'set extra_float_digits = 1',
  'set default_transaction_read_only = on',
].join('; ');

/** Digits of a decimal number that a double always keeps. */
const SURE_DIGITS = 15;

/** Numbers of types, from the catalog `pg_type`; they never change. */
const [BOOL, BYTEA, INT8, INT2, INT4, OID] = [16, 17, 20, 21, 23, 26];
const [JSON_TEXT, JSONB, FLOAT4, FLOAT8, NUMERIC] = [114, 3802, 700, 701, 1700];
const [DATE, TIMESTAMP, TIMESTAMPTZ, XID8] = [1082, 1114, 1184, 5069];

/** Numbers of the types that a list has, by the type of what is in it, which decides how its values are read. */
const LISTS = new Set([
  1000, 1001, 1005, 1007, 1009, 1014, 1015, 1016, 1021, 1022, 1115, 1182, 1185, 1231, 2951, 3807,
]);

/** Whether a type is a point in time. */
export function isTime(type: number): boolean {
  return type === DATE || type === TIMESTAMP || type === TIMESTAMPTZ;
}

/** Whether a type is a time that says no zone. */
export function isLocalTime(type: number): boolean {
  return type === DATE || type === TIMESTAMP;
}

/** Whether a type numbers transactions. */
export function isTransaction(type: number): boolean {
  return type === XID8;
}

/** How values of a type are read. Lists stay lists, of texts, so that they are left out like lists elsewhere. */
export function readerOf(type: number): Reader {
  if (LISTS.has(type)) return (text) => text.replace(/^{|}$/g, '').split(',');
  switch (type) {
    case BOOL:
      return (text) => text === 't';
    case INT2:
    case INT4:
    case FLOAT4:
    case FLOAT8:
      return Number;
    case INT8:
    case OID:
    case XID8:
    case NUMERIC:
      return exactNumber;
    case JSON_TEXT:
    case JSONB:
      return (text) => JSON.parse(text);
    case BYTEA:
      return (text) => Buffer.from(text.slice(2), 'hex');
    default:
      return (text) => text;
  }
}

/** A number if a double holds all its digits, else its text. */
function exactNumber(text: string): number | string {
  if (text.length <= SURE_DIGITS) return Number(text);
  const value = Number(text);
  if (Number.isSafeInteger(value) && /^-?\d+$/.test(text)) return value;
  return text.replace(/[-.]/g, '').length <= SURE_DIGITS ? value : text;
}

/**
 * Points in time as text. ISO 8601 needs no format; other orders are found from a sample and named once a column.
 * Times without a zone are UTC. Values are milliseconds since 1970, exact to the microsecond.
 */

/** How dates that are not ISO 8601 are written. */
export interface DateFormat {
  readonly order: 'mdy' | 'dmy' | 'ymd' | 'ym';
  readonly separator: '/' | '.' | '-';
  readonly time: 'none' | 'minutes' | 'seconds' | 'fraction';
}

const ISO =
  /^([+-]?\d{4,6})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|z|UTC|[+-]\d{2}(?::?\d{2})?)?)?$/;
const MONTH = /^(\d{4})-(\d{2})$/;
const OTHER = /^(\d{1,4})([/.-])(\d{1,2})\2(\d{1,4})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?$/;

/** Milliseconds of a time in ISO 8601, or in `format`; undefined if it is not one. */
export function parseTime(text: string, format?: DateFormat): number | undefined {
  if (format !== undefined) return parseOther(text, format);
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction, zone] = match;
  const time = timeOf(year, month, day, hour, minute, second, fraction);
  return time === undefined ? undefined : time - zoneMinutes(zone) * 60_000;
}

function parseOther(text: string, format: DateFormat): number | undefined {
  if (format.order === 'ym') {
    const month = MONTH.exec(text);
    return month === null ? undefined : timeOf(month[1], month[2], '1');
  }
  const match = OTHER.exec(text);
  if (match === null || match[2] !== format.separator) return undefined;
  const [, a, , b, c, hour, minute, second, fraction] = match;
  const [year, month, day] = { mdy: [c, a, b], dmy: [c, b, a], ymd: [a, b, c] }[format.order];
  if (year.length !== 4) return undefined;
  return timeOf(year, month, day, hour, minute, second, fraction);
}

function timeOf(
  year: string,
  month: string,
  day: string,
  hour = '0',
  minute = '0',
  second = '0',
  fraction = '',
): number | undefined {
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number);
  if (mo < 1 || mo > 12 || d < 1 || h > 24 || mi > 59 || s > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(y, mo - 1, d);
  if (date.getUTCMonth() !== mo - 1) return undefined;
  const micros = Number(fraction.padEnd(6, '0').slice(0, 6));
  return date.getTime() + ((h * 60 + mi) * 60 + s) * 1000 + micros / 1000;
}

function zoneMinutes(zone: string | undefined): number {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone ?? '');
  if (match === null) return 0;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return match[1] === '-' ? -minutes : minutes;
}

const MONTHS: DateFormat = { order: 'ym', separator: '-', time: 'none' };

/** The format that all of these strings share: 'iso', one with its order, or undefined. */
export function dateFormatOf(
  texts: readonly string[],
): 'iso' | { format: DateFormat; sure: boolean } | undefined {
  if (texts.length === 0) return undefined;
  if (texts.every((text) => parseTime(text) !== undefined)) return 'iso';
  if (texts.every((text) => parseOther(text, MONTHS) !== undefined)) return { format: MONTHS, sure: true };
  const first = OTHER.exec(texts[0]);
  if (first === null) return undefined;
  const separator = first[2] as DateFormat['separator'];
  const times: DateFormat['time'][] = ['none', 'minutes', 'seconds', 'fraction'];
  const level = (match: RegExpExecArray) => (match[8] ? 3 : match[7] ? 2 : match[5] ? 1 : 0);
  const time = times[level(first)];
  const orders: DateFormat['order'][] = separator === '/' ? ['ymd', 'mdy', 'dmy'] : ['ymd', 'dmy', 'mdy'];
  const fitting = orders.filter((order) =>
    texts.every((text) => {
      const match = OTHER.exec(text);
      return (
        match !== null &&
        times[level(match)] === time &&
        parseOther(text, { order, separator, time }) !== undefined
      );
    }),
  );
  if (fitting.length === 0) return undefined;
  return { format: { order: fitting[0], separator, time }, sure: fitting.length === 1 };
}

/** The format for `strptime`. */
export function strptimeFormat({ order, separator, time }: DateFormat): string {
  const parts = {
    mdy: ['%m', '%d', '%Y'],
    dmy: ['%d', '%m', '%Y'],
    ymd: ['%Y', '%m', '%d'],
    ym: ['%Y', '%m'],
  }[order];
  const clock = { none: '', minutes: ' %H:%M', seconds: ' %H:%M:%S', fraction: ' %H:%M:%S.%f' }[time];
  return parts.join(separator) + clock;
}

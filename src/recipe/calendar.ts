/**
 * Calendar parts of a timestamp (UTC, proleptic Gregorian) by integer arithmetic: no Date object a row.
 * A year is counted from 1 March so that the leap day comes last; 400 years are 146,097 days.
 */

const DAY_MS = 86_400_000;
const DAYS_PER_ERA = 146_097;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_SHIFT = 719_468;

/** Month of a timestamp in milliseconds since 1970: 0 = January … 11 = December. */
export function monthOf(milliseconds: number): number {
  const day = Math.floor(milliseconds / DAY_MS) + EPOCH_SHIFT;
  const dayOfEra = day - Math.floor(day / DAYS_PER_ERA) * DAYS_PER_ERA;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  return monthFromMarch < 10 ? monthFromMarch + 2 : monthFromMarch - 10;
}

/** Day of the week: 0 = Monday … 6 = Sunday. 1970-01-01 was a Thursday. */
export function weekdayOf(milliseconds: number): number {
  const day = Math.floor(milliseconds / DAY_MS) + 3;
  return day - Math.floor(day / 7) * 7;
}

/** Hour of the day: 0 … 23. */
export function hourOf(milliseconds: number): number {
  const inDay = milliseconds - Math.floor(milliseconds / DAY_MS) * DAY_MS;
  return Math.floor(inDay / 3_600_000);
}

/** Years since 2000-01-01, with a fraction; a year is 365.2425 days. */
export function yearsSince2000(milliseconds: number): number {
  return (milliseconds - 946_684_800_000) / (365.2425 * DAY_MS);
}

/** Whether a timestamp has no time of day. */
export function isMidnight(milliseconds: number): boolean {
  return Math.floor(milliseconds / DAY_MS) * DAY_MS === milliseconds;
}

export const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
export const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

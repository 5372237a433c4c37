import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hourOf, isMidnight, monthOf, weekdayOf, yearsSince2000 } from './calendar.ts';

it('agrees with Date over thousands of years', () => {
  const time = fc.integer({ min: Date.UTC(-2000, 0, 1), max: Date.UTC(4000, 0, 1) });
  fc.assert(
    fc.property(time, (ms) => {
      const date = new Date(ms);
      expect(monthOf(ms)).toBe(date.getUTCMonth());
      expect(weekdayOf(ms)).toBe((date.getUTCDay() + 6) % 7);
      expect(hourOf(ms)).toBe(date.getUTCHours());
    }),
    { numRuns: 2000 },
  );
});

it('knows the edges: leap days, century years, midnights, fractions', () => {
  for (const day of ['1900-02-28', '1900-03-01', '2000-02-29', '2024-02-29', '2023-12-31', '0000-03-01']) {
    const ms = Date.parse(`${day}T00:00:00Z`);
    expect(monthOf(ms)).toBe(new Date(ms).getUTCMonth());
    expect(isMidnight(ms)).toBe(true);
    expect(hourOf(ms - 0.5)).toBe(23);
  }
  expect(isMidnight(1)).toBe(false);
  expect(yearsSince2000(Date.UTC(2010, 0, 1))).toBeCloseTo(10, 2);
});

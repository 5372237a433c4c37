/**
 * Intervals of what a table of true against predicted classes says: against numeric derivatives, a bootstrap of
 * the same table, and how often they cover the truth. Values themselves are compared with scikit-learn elsewhere.
 */
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../random.ts';
import { balancedAccuracy, binaryF1, macroF1, rowTotal } from './confusion.ts';
import golden from './fixtures/multiclass.json' with { type: 'json' };
import { Z95 } from './mean.ts';

const CLASSES = 4;
const golden4 = Float64Array.from(golden.plain.confusion.flat());
const total = golden4.reduce((sum, cell) => sum + cell, 0);

const f1 = (table: Float64Array, scale = 1) => macroF1(table, CLASSES, scale);
const recall = (table: Float64Array) =>
  balancedAccuracy(
    table,
    CLASSES,
    Float64Array.from({ length: CLASSES }, (_, c) => rowTotal(table, CLASSES, c)),
  );
const times = (table: Float64Array, factor: number) => table.map((cell) => cell * factor);

/** A table of `rows` rows drawn from shares; the same for the same stream. */
function drawn(shares: Float64Array, rows: number, stream: number): Float64Array {
  const table = new Float64Array(shares.length);
  for (let row = 0; row < rows; row++) {
    let left = randomUniform(17, stream, row);
    let cell = 0;
    while (cell < shares.length - 1 && left >= shares[cell]) left -= shares[cell++];
    table[cell]++;
  }
  return table;
}

/** Standard error from the multinomial covariance of the cells and a numeric gradient. */
function numericError(of: (table: Float64Array) => { value: number }, table: Float64Array): number {
  const n = table.reduce((sum, cell) => sum + cell, 0);
  const slopes = Array.from(table, (_, cell) => {
    const step = 1e-6 * n;
    const [up, down] = [step, -step].map((change) => {
      const moved = table.slice();
      moved[cell] += change;
      return of(moved).value;
    });
    return ((up - down) / (2 * step)) * n;
  });
  const mean = slopes.reduce((sum, slope, cell) => sum + (slope * table[cell]) / n, 0);
  const square = slopes.reduce((sum, slope, cell) => sum + (slope ** 2 * table[cell]) / n, 0);
  return Math.sqrt((square - mean ** 2) / n);
}

describe.each([
  ['macro F1', f1],
  ['balanced accuracy', recall],
] as const)('%s', (_, of) => {
  it('has the delta method’s error where rows are many', () => {
    const many = times(golden4, 1e6);
    const { value, interval } = of(many);
    const error = numericError(of, many);
    expect((interval![1] - value) / Z95 / error).toBeCloseTo(1, 3);
    expect((value - interval![0]) / Z95 / error).toBeCloseTo(1, 3);
  });

  it('has the spread that a bootstrap of the table has', () => {
    const values = Array.from(
      { length: 2000 },
      (_, i) => of(drawn(times(golden4, 1 / total), total, i)).value,
    );
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length);
    const { interval } = of(golden4);
    expect((interval![1] - interval![0]) / (2 * Z95 * spread)).toBeGreaterThan(0.96);
    expect((interval![1] - interval![0]) / (2 * Z95 * spread)).toBeLessThan(1.08);
  });

  it.each([
    ['like the golden table', golden4, 150],
    [
      'with a class of three rows in a hundred',
      Float64Array.of(50, 3, 3, 1, 4, 26, 1, 1, 1, 1, 5, 1, 0, 1, 0, 2),
      200,
    ],
    ['nearly always right', Float64Array.of(40, 1, 0, 0, 0, 30, 1, 0, 0, 0, 20, 1, 1, 0, 0, 10), 100],
  ])('covers the truth in about 95 of 100 samples %s', (_, table, rows) => {
    const shares = times(table, 1 / table.reduce((sum, cell) => sum + cell, 0));
    const truth = of(shares).value;
    let covered = 0;
    for (let sample = 0; sample < 1000; sample++) {
      const { interval } = of(drawn(shares, rows, 10_000 + sample));
      if (interval![0] <= truth && truth <= interval![1]) covered++;
    }
    expect(covered / 1000).toBeGreaterThan(0.92);
  });

  it('is not certain when every row is right, or wrong', () => {
    const right = of(Float64Array.of(9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9));
    expect(right).toMatchObject({ value: 1, interval: [expect.closeTo(0.9, 1), 1] });
    const wrong = of(Float64Array.of(0, 9, 0, 0, 9, 0, 0, 0, 0, 0, 0, 9, 0, 0, 9, 0));
    expect(wrong.value).toBe(0);
    expect(wrong.interval![0]).toBe(0);
    expect(wrong.interval![1]).toBeGreaterThan(0.05);
  });

  it('leaves out a class that never occurs', () => {
    const three = Float64Array.of(30, 2, 1, 0, 4, 20, 3, 0, 1, 1, 25, 0, 0, 0, 0, 0);
    expect(of(three).interval!.every(Number.isFinite)).toBe(true);
  });
});

describe('macro F1', () => {
  it('of half the effective rows is √2 as wide, of weights all doubled as wide', () => {
    const width = ({ interval }: ReturnType<typeof f1>) => interval![1] - interval![0];
    const many = times(golden4, 100);
    expect(width(f1(many, 0.5)) / width(f1(many))).toBeCloseTo(Math.SQRT2, 3);
    expect(width(f1(times(many, 2), 0.5))).toBeCloseTo(width(f1(many)), 12);
  });
});

describe('F1 of two classes', () => {
  it('has an interval around it that covers as it says, certain of nothing', () => {
    const shares = Float64Array.of(0.8, 0.05, 0.05, 0.1);
    const truth = binaryF1(shares, 1).value;
    let covered = 0;
    for (let sample = 0; sample < 1000; sample++) {
      const { interval } = binaryF1(drawn(shares, 100, 20_000 + sample), 1);
      if (interval![0] <= truth && truth <= interval![1]) covered++;
    }
    expect(covered / 1000).toBeGreaterThan(0.93);
    expect(covered / 1000).toBeLessThan(0.97);
    expect(binaryF1(Float64Array.of(90, 0, 0, 10), 1).interval![0]).toBeLessThan(0.9);
  });
});

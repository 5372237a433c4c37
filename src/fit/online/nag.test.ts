/** NAG: units of features change nothing, to the byte where they are powers of two. Agreement row by row: online-streams.test.ts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../../random.ts';
import { createOnline } from './online.ts';

const FEATURES = { a: 'number', b: 'number', c: 'number' } as const;

/** Predictions of a stream, each before its row is learned, with features in other units. */
function answers(units: readonly [number, number, number], standardise?: boolean): number[] {
  const model = createOnline({ learner: { name: 'nag', loss: 'squared' }, features: FEATURES, standardise });
  return Array.from({ length: 200 }, (_, i) => {
    const u = (stream: number) => randomUniform(4, stream, i);
    // Sizes grow, so that scales are often surpassed.
    const [a, b, c] = [u(1) * (1 + i / 20), u(2) < 0.3 ? 0 : u(3) - 0.5, 100 * u(4)];
    const record = { a: a * units[0], b: b * units[1], c: c * units[2] };
    const { value } = model.predictOne(record);
    model.learnOne(record, 3 * a - 2 * b + c / 50);
    return value as number;
  });
}

describe('normalised adaptive gradient', () => {
  it('does not depend on the units of features', () => {
    const plain = answers([1, 1, 1]);
    const exponent = fc.integer({ min: -60, max: 60 });
    fc.assert(
      fc.property(fc.tuple(exponent, exponent, exponent), ([i, j, k]) => {
        expect(answers([2 ** i, 2 ** j, 2 ** k])).toEqual(plain);
      }),
      { numRuns: 30 },
    );
    const other = answers([1e-3, 7, 1e5]);
    for (const [row, value] of plain.entries()) expect(other[row]).toBeCloseTo(value, 8);
  });

  it('stays finite, and learns, where a value is beyond all before', () => {
    const model = createOnline({ learner: 'nag', features: { a: 'number' }, classes: ['no', 'yes'] });
    for (const [a, label] of [
      [0, 'no'],
      [1e-300, 'yes'],
      [1e-5, 'yes'],
      [1e300, 'yes'],
      [-1e300, 'no'],
    ] as const) {
      const { shares } = model.predictOne({ a });
      expect(shares?.every(Number.isFinite)).toBe(true);
      model.learnOne({ a }, label);
    }
    expect(model.predictOne({ a: 1e300 }).value).toBe('yes');
  });
});

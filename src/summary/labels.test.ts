import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  booleanColumn,
  categoryColumn,
  numberColumn,
  particleOf,
  textColumn,
} from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import type { Column } from '../particle/column.ts';
import { nearly } from './equal.ts';
import { labels } from './labels.ts';
import { partial } from './summary.ts';

const read = (y: Column, w?: (number | null)[]) => {
  const p = particleOf({ 'label:y': y, ...(w && { 'weight:w': numberColumn(w) }) });
  return labels().read(partial(labels(), p));
};

describe('labels', () => {
  it('keeps the laws', () => {
    expect(() => lawful(labels(), 1e-9)).not.toThrow();
  });

  it('weighs numbers, and lists them', () => {
    expect(read(numberColumn([0, 1, 1, null]), [1, 2, null, 1])).toEqual({
      ...{ rows: 2, missing: 1, unweighted: 1, weight: 3, min: 0, max: 1 },
      mean: 2 / 3,
      variance: expect.closeTo(2 / 9, 15),
      classes: [
        { value: '0', rows: 1, weight: 1 },
        { value: '1', rows: 1, weight: 2 },
      ],
    });
  });

  it.each([
    ['category', categoryColumn(['b', 'a', null, 'b'])],
    ['text', textColumn(['b', 'a', null, 'b'])],
  ])('lists the names of a %s label, without a mean', (_type, column) => {
    expect(read(column)).toMatchObject({
      ...{ rows: 3, missing: 1, mean: null, min: null },
      classes: [
        { value: 'a', rows: 1 },
        { value: 'b', rows: 2 },
      ],
    });
  });

  it('takes booleans as names and as 0 and 1', () => {
    const { mean, classes } = read(booleanColumn([true, false, true, true]));
    expect(mean).toBe(0.75);
    expect(classes?.map(({ value }) => value)).toEqual(['false', 'true']);
  });

  it('has a row of weight 2 weigh as that row twice, and a row of weight 0 not at all', () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 0, max: 3 })), {
      minLength: 1,
    });
    const close = nearly(1e-9);
    fc.assert(
      fc.property(rows, (pairs) => {
        const weighted = read(
          numberColumn(pairs.map(([y]) => y)),
          pairs.map(([, w]) => w),
        );
        const repeated = read(numberColumn(pairs.flatMap(([y, w]) => new Array<number>(w).fill(y))));
        const facts = ({ weight, mean, variance, min, max, classes }: typeof weighted) => {
          return { weight, mean, variance, min, max, classes: classes?.map((c) => [c.value, c.weight]) };
        };
        expect(close(facts(weighted), facts(repeated))).toBe(true);
      }),
    );
  });

  it('stops listing when there are too many', () => {
    expect(read(numberColumn(Array.from({ length: 1025 }, (_, i) => i)))).toMatchObject({
      rows: 1025,
      classes: null,
    });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { booleanColumn, categoryColumn, particleOf } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { counts } from './counts.ts';
import { partial } from './summary.ts';

const column = (values: (string | null)[]) => particleOf({ c: categoryColumn(values) });

/** Many draws from few and many words: heavy ones must survive any cap. */
const words = fc.array(
  fc.oneof(
    fc.constantFrom('a', 'b'),
    fc.integer({ min: 0, max: 60 }).map((i) => `w${i}`),
  ),
  { minLength: 1, maxLength: 120 },
);

describe('counts', () => {
  it('keeps the laws exactly while all categories fit', () => {
    expect(() => lawful(counts())).not.toThrow();
  });

  it('reads most common first, equal counts by name', () => {
    const { c, b } = counts().read(
      partial(
        counts(),
        particleOf({
          c: categoryColumn(['y', 'x', null, 'z', 'z']),
          b: booleanColumn([true, true, null, false, null]),
        }),
      ),
    );
    expect(c).toEqual({
      total: 4,
      missing: 1,
      error: 0,
      values: [
        { value: 'z', count: 2 },
        { value: 'x', count: 1 },
        { value: 'y', count: 1 },
      ],
    });
    expect(b.values).toEqual([
      { value: 'true', count: 2 },
      { value: 'false', count: 1 },
    ]);
  });

  it('does not count an entry of the dictionary that no row has', () => {
    const p = particleOf({
      c: { type: 'category', codes: Int32Array.of(1, 1), dictionary: ['a', 'b', 'c'] },
    });
    expect(counts().read(partial(counts(), p)).c.values).toEqual([{ value: 'b', count: 2 }]);
  });

  it('guarantees heavy hitters: count ≤ true ≤ count + error, and error ≤ total / (cap + 1)', () => {
    const cap = 8;
    const summary = counts({ cap });
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 8 }), (parts) => {
        const state = summary.empty();
        for (const part of parts) summary.merge(state, partial(summary, column(part)));
        const { total, values, error } = summary.read(state).c;
        const truth = new Map<string, number>();
        for (const word of parts.flat()) truth.set(word, (truth.get(word) ?? 0) + 1);
        expect(total).toBe(parts.flat().length);
        expect(values.length).toBeLessThanOrEqual(cap);
        expect(error).toBeLessThanOrEqual(total / (cap + 1));
        const listed = new Map(values.map(({ value, count }) => [value, count]));
        for (const [word, times] of truth) {
          const count = listed.get(word) ?? 0;
          expect(count).toBeLessThanOrEqual(times);
          expect(times).toBeLessThanOrEqual(count + error);
        }
      }),
    );
  });

  it('encodes alike whatever the order of first appearance', () => {
    const { codec } = counts();
    expect(codec.encode(partial(counts(), column(['a', 'b', 'b'])))).toEqual(
      codec.encode(partial(counts(), column(['b', 'a', 'b']))),
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numberColumn, particleOf } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { nearly } from './equal.ts';
import { gram } from './gram.ts';
import { partial } from './summary.ts';

const read = (columns: Record<string, (number | null)[]>, options: Parameters<typeof gram>[0] = {}) => {
  const named = Object.entries(columns).map(([name, values]) => [name, numberColumn(values)] as const);
  return gram(options).read(partial(gram(options), particleOf(Object.fromEntries(named))));
};

/** Centred product and correlation over the rows that have both, in two passes. */
function direct(a: readonly (number | null)[], b: readonly (number | null)[]) {
  const rows = a.flatMap((x, i) => (x === null || b[i] === null ? [] : [[x, b[i] as number]]));
  const mean = (k: number) => rows.reduce((sum, row) => sum + row[k] / rows.length, 0);
  const [ma, mb] = [mean(0), mean(1)];
  return { n: rows.length, product: rows.reduce((sum, [x, y]) => sum + (x - ma) * (y - mb), 0) };
}

const value = fc.option(fc.integer({ min: -1000, max: 1000 }), { freq: 5 });
const column = fc.array(value, { minLength: 1200, maxLength: 1200 });

describe('gram', () => {
  it('keeps the laws', () => {
    expect(() => lawful(gram({ columns: ['b', 'd', 'y'] }), 1e-7)).not.toThrow();
    expect(() => lawful(gram({ columns: ['b', 'd'], weighted: true }), 1e-7)).not.toThrow();
  });

  it('agrees with two passes by pair, with missing values, over several blocks', () => {
    const close = nearly(1e-9, 1e-6);
    fc.assert(
      fc.property(column, column, (x, y) => {
        const found = read({ x, y });
        const want = direct(x, y);
        expect(found.weight[0][1]).toBe(want.n);
        expect(close(found.centred[0][1], want.product)).toBe(true);
        expect(close(found.centred[0][0], direct(x, x).product)).toBe(true);
        expect(found.centred[1][0]).toBe(found.centred[0][1]);
      }),
      { numRuns: 20 },
    );
  });

  it('keeps its digits beside means of 10^8', () => {
    const x = Array.from({ length: 3000 }, (_, i) => 1e8 + (i % 5));
    const found = read({ x, y: x.map((v, i) => -v + (i % 2)) });
    expect(found.centred[0][0] / 2999).toBeCloseTo(2.000667, 6);
    expect(found.correlation[0][1]).toBeCloseTo(-0.9428, 3);
  });

  it('has no correlation with a constant, and 1 with itself', () => {
    const { correlation, mean } = read({ x: [1, 2, 3], one: [0.1, 0.1, 0.1], none: [null, null, null] });
    expect(correlation).toEqual([
      [1, null, null],
      [null, null, null],
      [null, null, null],
    ]);
    expect(mean).toEqual([2, 0.1, null]);
  });

  it('has a row of weight 2 weigh as that row twice', () => {
    const w = [1, 2, 0, 3];
    const [x, y] = [
      [1, 5, 99, 3],
      [2, 1, -99, 4],
    ];
    const weighted = gram({ columns: ['x', 'y'], weighted: true });
    const p = particleOf({ x: numberColumn(x), y: numberColumn(y), 'weight:w': numberColumn(w) });
    const one = weighted.read(partial(weighted, p));
    const repeat = (values: number[]) => values.flatMap((v, i) => new Array<number>(w[i]).fill(v));
    const many = read({ x: repeat(x), y: repeat(y) });
    for (const part of ['weight', 'mean', 'centred', 'correlation'] as const) {
      expect(nearly(1e-12)(one[part], many[part])).toBe(true);
    }
  });

  it('refuses particles that lack a column, and too many columns', () => {
    const summary = gram({ columns: ['x'] });
    expect(() => partial(summary, particleOf({ y: numberColumn([1]) }))).toThrow(/no numeric column "x"/);
    const names = Array.from({ length: 1025 }, (_, i) => `c${i}`);
    expect(() => partial(gram({ columns: names }), particleOf({}))).toThrow(/at most 1024/);
  });
});

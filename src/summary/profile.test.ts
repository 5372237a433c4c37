import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  arbitraryParticle,
  booleanColumn,
  categoryColumn,
  numberColumn,
  particleOf,
  sparseColumn,
  textColumn,
} from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { columnProfile, type NumberProfile, profile } from './profile.ts';
import { quantile } from './quantiles.ts';
import { partial } from './summary.ts';

const tame = ['b', 'c', 'd', 'e', 'g', 'h', 'y'];
const read = (p: ReturnType<typeof particleOf>, options: Parameters<typeof profile>[0] = {}) =>
  profile(options).read(partial(profile(options), p));

describe('profile', () => {
  it('keeps the laws for columns of every type, and for one side of a split', () => {
    expect(() => lawful(profile({ columns: tame }), 1e-7)).not.toThrow();
    const split = { seed: 3, fraction: 0.4, side: 'train' } as const;
    expect(() => lawful(profile({ columns: ['b', 'c', 'y'], split }), 1e-7)).not.toThrow();
  });

  it('says of each type what there is to say', () => {
    const p = particleOf({
      n: numberColumn([1, 2, null, 3], Float32Array),
      b: booleanColumn([true, false, true, null]),
      c: categoryColumn(['x', 'y', 'x', null]),
      t: textColumn(['a b', '', 'c', null]),
      s: sparseColumn([[[1, 2]], [], null, [[0, 1]]], 3),
      'label:y': numberColumn([0, 1, 1, 0]),
    });
    const found = read(p);
    expect(found.rows).toBe(4);
    expect(found.columns.map(({ name, type, role }) => [name, type, role])).toEqual([
      ['n', 'number', 'feature'],
      ['b', 'boolean', 'feature'],
      ['c', 'category', 'feature'],
      ['t', 'text', 'feature'],
      ['s', 'sparse', 'feature'],
      ['y', 'number', 'label'],
    ]);
    expect(columnProfile(found, 'n')).toMatchObject({
      ...{ present: 3, missing: 1, infinite: 0, zeros: 0, integers: true, min: 1, max: 3, mean: 2, std: 1 },
      ...{
        distinct: { estimate: 3, exact: true },
        quantiles: { values: [1, 2, 3], ends: [1, 2, 3] },
        values: null,
      },
    });
    expect(columnProfile(found, 'b')).toMatchObject({ present: 3, missing: 1, trues: 2, mean: 2 / 3 });
    expect(columnProfile(found, 'c')).toMatchObject({
      present: 3,
      missing: 1,
      error: 0,
      values: [
        { value: 'x', count: 2 },
        { value: 'y', count: 1 },
      ],
    });
    expect(columnProfile(found, 't')).toMatchObject({ present: 3, missing: 1, empty: 1, words: { max: 2 } });
    expect(columnProfile(found, 's')).toMatchObject({
      present: 3,
      entries: 2,
      width: 3,
      features: { stored: [1, 1, 0] },
    });
    expect(columnProfile(found, 'y')).toMatchObject({
      values: [
        { value: 0, count: 2 },
        { value: 1, count: 2 },
      ],
    });
    expect(quantile(columnProfile(found, 'n') as NumberProfile, 0.5)).toBe(2);
    expect(columnProfile(found, 'absent')).toBeUndefined();
  });

  it('is plain JSON for every particle', () => {
    fc.assert(
      fc.property(arbitraryParticle(), (p) => {
        const found = read(p);
        expect(JSON.parse(JSON.stringify(found))).toEqual(found);
      }),
    );
  });

  it('does not depend on the physical type of numbers', () => {
    const values = Array.from({ length: 9000 }, (_, i) => (i * 31) % 100);
    const of = (type: Parameters<typeof numberColumn>[1]) =>
      read(particleOf({ x: numberColumn(values, type) }));
    expect(of(Int8Array)).toEqual(of(Float64Array));
    expect(of(Float32Array)).toEqual(of(Float64Array));
  });

  it('sees the rows of its side of a split only, and both sides are the whole', () => {
    const values = Array.from({ length: 5000 }, (_, i) => i);
    const p = particleOf({ x: numberColumn(values) });
    const side = (side: 'train' | 'test') => read(p, { split: { seed: 1, fraction: 0.25, side } });
    const [train, test] = [side('train'), side('test')];
    expect(train.rows + test.rows).toBe(5000);
    expect(test.rows / 5000).toBeCloseTo(0.25, 1);
    const total = [train, test].reduce(
      (sum, { rows, columns }) => sum + rows * (columns[0] as NumberProfile).mean!,
      0,
    );
    expect(total).toBeCloseTo((4999 * 5000) / 2, 3);
  });

  it('lists the values of a label while there are at most 256', () => {
    const of = (n: number) =>
      read(particleOf({ 'label:y': numberColumn(Array.from({ length: n }, (_, i) => i)) }));
    expect((of(256).columns[0] as NumberProfile).values).toHaveLength(256);
    expect((of(257).columns[0] as NumberProfile).values).toBeNull();
  });

  it('refuses a column that changes its type, and takes columns that come later', () => {
    const summary = profile();
    const state = partial(summary, particleOf({ x: numberColumn([1, 2]) }));
    expect(() => summary.observe(state, particleOf({ x: textColumn(['1']) }))).toThrow(
      /type number in one particle and text/,
    );
    summary.merge(state, partial(summary, particleOf({ z: booleanColumn([true]), x: numberColumn([3]) })));
    expect(summary.read(state).columns.map(({ name, present }) => [name, present])).toEqual([
      ['x', 3],
      ['z', 1],
    ]);
  });
});

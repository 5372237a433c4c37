import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { categoryColumn, numberColumn, particleOf, textColumn } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { rowFolds } from './folds.ts';
import { partial } from './summary.ts';
import { type TargetOptions, targets } from './target.ts';

const columns = [{ name: 'c', levels: ['red', 'blue'] }];
const options: TargetOptions = { columns, label: { column: 'y' }, folds: 1, seed: 4 };

const read = (of: TargetOptions, particle: ReturnType<typeof particleOf>) => {
  const summary = targets(of);
  return summary.read(partial(summary, particle))[0];
};
const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);

describe('target statistics', () => {
  it('keeps the laws', () => {
    expect(() =>
      lawful(targets({ ...options, columns: [...columns, { name: 'e', levels: ['', 'x'] }] })),
    ).not.toThrow();
    const split = { seed: 3, fraction: 0.4, side: 'train' } as const;
    const multiclass = { column: 'y', kind: 'multiclass', classes: ['0', '1', '2'] } as const;
    expect(() => lawful(targets({ ...options, label: multiclass, split }))).not.toThrow();
  });

  it('sums the label by level, others and missing ones apart', () => {
    const p = particleOf({
      c: categoryColumn(['red', 'blue', 'red', 'grey', null, 'red']),
      'label:y': numberColumn([1, 2, 3, 4, 5, null]),
      'weight:w': numberColumn([1, 1, 2, 1, 3, 1]),
    });
    const found = read(options, p);
    expect([...found.counts]).toEqual([2, 1]);
    expect([...found.weights]).toEqual([3, 1]);
    expect([...found.sums]).toEqual([7, 2]);
    expect([...found.squares]).toEqual([19, 4]);
    expect([...found.missingWeights, ...found.missingSums]).toEqual([3, 15]);
    expect([...found.foldWeights, ...found.foldSums]).toEqual([8, 28]);
  });

  it('sums each class of a multiclass label', () => {
    const p = particleOf({
      c: textColumn(['red', 'red', 'blue', 'red']),
      'label:y': categoryColumn(['x', 'z', 'y', 'unknown']),
    });
    const label = { column: 'y', kind: 'multiclass', classes: ['x', 'y', 'z'] } as const;
    const found = read({ ...options, label }, p);
    expect(found.outputs).toBe(3);
    expect([...found.weights]).toEqual([2, 1]);
    expect([...found.sums]).toEqual([1, 0, 1, 0, 1, 0]);
    expect([...found.foldSums]).toEqual([1, 1, 1]);
  });

  it('takes the second of two classes as 1', () => {
    const p = particleOf({
      c: categoryColumn(['red', 'red', 'blue']),
      'label:y': categoryColumn(['no', 'yes', 'yes']),
    });
    const found = read({ ...options, label: { column: 'y', kind: 'binary', classes: ['no', 'yes'] } }, p);
    expect([...found.weights, ...found.sums]).toEqual([2, 1, 1, 1]);
  });

  it('divides counts by exposure', () => {
    const p = particleOf({
      c: categoryColumn(['red', 'red', 'blue', 'blue']),
      'label:y': numberColumn([2, 0, 3, 9]),
      'exposure:e': numberColumn([0.5, 1, 2, 0]),
    });
    const found = read({ ...options, label: { column: 'y', kind: 'count' } }, p);
    expect([...found.weights]).toEqual([1.5, 2]);
    expect([...found.sums]).toEqual([2, 3]);
  });

  it('puts each row into the fold that rowFolds says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('red', 'blue', 'grey'), { minLength: 1 }),
        fc.integer({ min: 2, max: 5 }),
        (c, folds) => {
          const p = particleOf({ c: categoryColumn(c), 'label:y': numberColumn(c.map((_, row) => row)) });
          const found = read({ ...options, folds }, p);
          const of = rowFolds(p, options.seed, folds);
          for (let fold = 0; fold < folds; fold++) {
            const rows = c.map((_, row) => row).filter((row) => of[row] === fold);
            expect(found.foldWeights[fold]).toBe(rows.length);
            expect(found.foldSums[fold]).toBe(sum(rows));
            expect(found.sums[fold * 2]).toBe(sum(rows.filter((row) => c[row] === 'red')));
          }
        },
      ),
    );
  });
});

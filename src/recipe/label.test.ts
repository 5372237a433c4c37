import { describe, expect, it } from 'vitest';
import { profileOf } from '../../test/recipe-data.ts';
import { createParticle } from '../particle/create.ts';
import type { Value } from '../particle/from-values.ts';
import { inferLabel, type LabelOptions } from './label.ts';

function labelOf(values: readonly Value[], options: LabelOptions = {}, exposure?: readonly number[]) {
  const particle =
    exposure === undefined
      ? createParticle({ columns: { y: values }, roles: { y: 'label' } })
      : createParticle({ columns: { y: values, e: exposure }, roles: { y: 'label', e: 'exposure' } });
  return inferLabel(particle.schema, profileOf([particle]), options);
}

describe('inferLabel', () => {
  it.each([
    [
      ['>50K', '<=50K'],
      ['<=50K', '>50K'],
    ],
    [
      ['yes', 'no', null],
      ['no', 'yes'],
    ],
    [
      ['Yes', 'no'],
      ['no', 'Yes'],
    ],
    [
      [true, false],
      ['false', 'true'],
    ],
    [
      [0, 1, 1],
      ['0', '1'],
    ],
    [
      [1, -1],
      ['-1', '1'],
    ],
    [
      [2, 1],
      ['1', '2'],
    ],
    [
      ['spam', 'ham'],
      ['ham', 'spam'],
    ],
  ])('%j is binary, the positive class last', (values, classes) => {
    expect(labelOf(values)).toMatchObject({
      kind: 'binary',
      classes,
      positive: classes[1],
      loss: 'logistic',
    });
  });

  it('lets the positive class be named', () => {
    expect(labelOf(['a', 'b'], { positive: 'a' })).toMatchObject({ classes: ['b', 'a'] });
    expect(() => labelOf(['a', 'b'], { positive: 'c' })).toThrow(/"c" is no class.*"a", "b"/);
  });

  it('takes several categories, and few whole numbers, for classes in order', () => {
    expect(labelOf(['b', 'a', 'c', 'b', 'b'])).toMatchObject({
      kind: 'multiclass',
      classes: ['a', 'b', 'c'],
    });
    const numbers = labelOf([3, 10, 2, 3]);
    expect(numbers).toMatchObject({ kind: 'multiclass', classes: ['2', '3', '10'], loss: 'softmax' });
    expect(numbers?.note).toContain('--task regression');
    expect(labelOf([3, 10, 2], { task: 'regression' })).toMatchObject({
      kind: 'number',
      loss: 'squared',
      mean: 5,
    });
  });

  it('takes other numbers for numbers, and counts with an exposure for counts', () => {
    expect(labelOf([0.5, 1.5, 2.5])).toMatchObject({ kind: 'number' });
    expect(labelOf(Array.from({ length: 30 }, (_, i) => i))).toMatchObject({ kind: 'number' });
    expect(labelOf([0, 1, 0], {}, [1, 0.5, 1])).toMatchObject({ kind: 'count', loss: 'poisson' });
    expect(labelOf([0, 3, 1], { task: 'count' })).toMatchObject({ kind: 'count' });
    expect(() => labelOf([-1, 3, 1], { task: 'count' })).toThrow(/0 or more.*-1/);
  });

  it('says what cannot be learned', () => {
    expect(() => labelOf(['a', 'a', null])).toThrow(/always "a"/);
    expect(() => labelOf([4, 4])).toThrow(/always "4"/);
    expect(() => labelOf([null, null])).toThrow(/no value/);
    expect(() => labelOf(Array.from({ length: 1001 }, (_, i) => `c${i}`))).toThrow(
      /1001 classes; at most 1000/,
    );
    expect(() => labelOf([1, 2, 3], { task: 'binary' })).toThrow(/has 3: use multiclass/);
    expect(() => labelOf(['a', 'b'], { task: 'regression' })).toThrow(/needs a number label/);
    expect(inferLabel({ fields: [] }, { rows: 0, columns: [] })).toBeUndefined();
  });

  it('fits the typical value where a few rows outweigh all others', () => {
    const values = Array.from({ length: 2000 }, (_, i) => (i * 7) % 50);
    expect(labelOf(values, { task: 'regression' })).toMatchObject({ loss: 'squared' });
    values[3] = 80_995;
    values[4] = -80_995;
    const label = labelOf(values, { task: 'regression' });
    expect(label).toMatchObject({ kind: 'number', loss: 'huber' });
    expect(label?.note).toMatch(/-80995 to 80995.*--loss squared/);
  });
});

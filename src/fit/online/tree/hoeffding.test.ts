/** Hoeffding trees: what they split on, and when; categories, missing values, depth, purity, and states that are damaged. */
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../../../random.ts';
import type { Arrays, Shape } from '../learner.ts';
import { RowBuffer } from '../row.ts';
import { HoeffdingTree, type TreeOptions, treeKey } from './hoeffding.ts';
import { normalBelow } from './observers.ts';
import { Resampler } from './resample.ts';

const OPTIONS: TreeOptions = { grace: 100, delta: 1e-4, tie: 0.05, leaf: 'adaptive', depth: 20, leaves: 100 };
const NUMBERS: Shape = { width: 3, fields: 3, classes: 2, nominal: [false, false, false], seed: 0 };
const MIXED: Shape = { width: 2, fields: 2, classes: 3, nominal: [true, false], seed: 0 };

function rowOf(...values: readonly number[]): RowBuffer {
  const row = new RowBuffer();
  values.forEach((value, at) => {
    row.push(at, value, 0);
  });
  return row;
}

const u = (stream: number, i: number) => randomUniform(5, stream, i);

/** Three numbers of which the second alone decides, at 0.6. */
const numberRow = (i: number) => rowOf(u(0, i), u(1, i), u(2, i));
const numberLabel = (row: RowBuffer) => (row.values[1] > 0.6 ? 1 : 0);

function errors(tree: HoeffdingTree, rows: readonly RowBuffer[], label: (row: RowBuffer) => number): number {
  const out = new Float64Array(3);
  return rows.filter((row) => {
    tree.predict(row, out);
    return out.indexOf(Math.max(...out)) !== label(row);
  }).length;
}

describe('a Hoeffding tree', () => {
  it('asks first for the feature that decides, near where it does', () => {
    const tree = new HoeffdingTree({ ...OPTIONS, leaf: 'majority' }, NUMBERS);
    for (let i = 0; i < 3000; i++) tree.learn(numberRow(i), numberLabel(numberRow(i)), 1);
    const { links, numbers } = tree.save();
    expect(links[0]).toBe(1);
    expect(Math.abs(numbers[0] - 0.6)).toBeLessThan(0.1);
    const rows = Array.from({ length: 500 }, (_, i) => numberRow(10_000 + i));
    expect(errors(tree, rows, numberLabel)).toBeLessThan(25);
  });

  it('does not split on chance, nor beyond its depth and number of leaves, nor where there is one class', () => {
    const chance = new HoeffdingTree({ ...OPTIONS, tie: 0 }, NUMBERS);
    for (let i = 0; i < 3000; i++) chance.learn(numberRow(i), u(7, i) < 0.5 ? 0 : 1, 1);
    expect(chance.nodes).toBe(1);
    const flat = new HoeffdingTree({ ...OPTIONS, depth: 1 }, NUMBERS);
    for (let i = 0; i < 3000; i++) flat.learn(numberRow(i), numberLabel(numberRow(i)), 1);
    expect(flat.nodes).toBe(3);
    for (const leaves of [1, 4]) {
      const small = new HoeffdingTree({ ...OPTIONS, tie: 0.5, leaves }, NUMBERS);
      for (let i = 0; i < 6000; i++) small.learn(numberRow(i), u(7, i) < numberRow(i).values[0] ? 0 : 1, 1);
      expect(small.nodes).toBe(2 * leaves - 1);
    }
    const pure = new HoeffdingTree(OPTIONS, NUMBERS);
    for (let i = 0; i < 3000; i++) pure.learn(numberRow(i), 1, 1);
    expect(pure.nodes).toBe(1);
  });

  it('splits on categories, one against the others', () => {
    const label = (row: RowBuffer) => [2, 0, 1, 0, 1, 2][row.values[0]];
    const make = (i: number) => rowOf(Math.floor(u(3, i) * 6), u(4, i));
    const tree = new HoeffdingTree({ ...OPTIONS, leaf: 'majority', tie: 0.2 }, MIXED);
    for (let i = 0; i < 6000; i++) tree.learn(make(i), label(make(i)), 1);
    const rows = Array.from({ length: 300 }, (_, i) => make(10_000 + i));
    expect(errors(tree, rows, label)).toBe(0);
    expect(Array.from(tree.save().links).filter((_, at) => at % 5 === 0)).toContain(0);
  });

  it('sends a missing value where more rows went, and learns from it', () => {
    const tree = new HoeffdingTree({ ...OPTIONS, leaf: 'majority', depth: 1 }, NUMBERS);
    for (let i = 0; i < 2000; i++) tree.learn(numberRow(i), numberLabel(numberRow(i)), 1);
    const out = new Float64Array(2);
    tree.predict(rowOf(0.5, Number.NaN, 0.5), out);
    expect(out[0]).toBeGreaterThan(0.9);
    const gone = new HoeffdingTree(OPTIONS, NUMBERS);
    for (let i = 0; i < 500; i++)
      gone.learn(rowOf(Number.NaN, Number.NaN, Number.NaN), i % 3 === 0 ? 1 : 0, 1);
    gone.predict(rowOf(Number.NaN, 1, Number.NaN), out);
    expect(out[1]).toBeCloseTo(1 / 3, 2);
    expect(gone.nodes).toBe(1);
  });

  it('watches as many features in a leaf as it is told, others in other leaves and trees', () => {
    const wide: Shape = { width: 40, fields: 40, classes: 2, nominal: new Array(40).fill(false), seed: 0 };
    const chosen = [0, 1, 2].map((key) => {
      const { chosen } = new HoeffdingTree(OPTIONS, wide, treeKey(1, key, 0), 6).save();
      return Array.from(chosen);
    });
    for (const one of chosen) {
      expect(new Set(one).size).toBe(6);
      expect(one).toEqual([...one].sort((a, b) => a - b));
    }
    expect(chosen[0]).not.toEqual(chosen[1]);
    const counts = new Float64Array(40);
    for (let key = 0; key < 2000; key++) {
      for (const feature of new HoeffdingTree(OPTIONS, wide, treeKey(2, key, 0), 6).save().chosen)
        counts[feature]++;
    }
    // 300 expected of each, standard deviation 16.
    expect(Math.min(...counts)).toBeGreaterThan(300 - 80);
    expect(Math.max(...counts)).toBeLessThan(300 + 80);
  });

  it('refuses a state that leads in a circle or does not fit', () => {
    const tree = new HoeffdingTree(OPTIONS, NUMBERS);
    for (let i = 0; i < 2000; i++) tree.learn(numberRow(i), numberLabel(numberRow(i)), 1);
    const saved = tree.save();
    const damaged = (name: string, change: (values: Int32Array) => void): Arrays => {
      const values = saved[name].slice() as Int32Array;
      change(values);
      return { ...saved, [name]: values };
    };
    const other = () => new HoeffdingTree(OPTIONS, NUMBERS);
    expect(() => other().restore(damaged('links', (links) => links.set([0], 1)))).toThrow(/neither a leaf/);
    expect(() => other().restore(damaged('links', (links) => links.set([9], 0)))).toThrow(/neither a leaf/);
    expect(() => other().restore(damaged('chosen', (chosen) => chosen.fill(3)))).toThrow(/not there/);
    expect(() => other().restore({ ...saved, numbers: saved.numbers.slice(5) })).toThrow(/fit each other/);
    const back = other();
    back.restore(saved);
    expect(back.save()).toEqual(saved);
  });
});

describe('what trees are made of', () => {
  it('knows the normal distribution to 1e-7', () => {
    // Values of the standard normal distribution function, exact to ten places.
    const table = [
      [0, 0.5],
      [0.5, 0.6914624613],
      [1, 0.8413447461],
      [1.96, 0.9750021049],
      [3, 0.998650102],
      [-1, 0.1586552539],
      [-4, 0.0000316712],
    ];
    for (const [z, share] of table) expect(Math.abs(normalBelow(z) - share)).toBeLessThan(1e-7);
  });

  it('draws Poisson numbers that depend on member and row alone', () => {
    const resampler = new Resampler(6, 3);
    const draws = Array.from({ length: 20_000 }, (_, row) => resampler.times(2, row));
    const mean = draws.reduce((a, b) => a + b) / draws.length;
    const variance = draws.reduce((sum, k) => sum + (k - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(6, 1);
    expect(variance).toBeGreaterThan(5.7);
    expect(variance).toBeLessThan(6.3);
    expect(new Resampler(6, 3).times(2, 777)).toBe(draws[777]);
    expect(draws).not.toEqual(draws.map((_, row) => resampler.times(3, row)));
  });
});

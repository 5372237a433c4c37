/** Nested means against Henderson's mixed model equations solved whole, and against sums by hand. */
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../random.ts';
import { type Depth, nestedMeans, nestedVariances } from './nested.ts';

/** Depths from rows of [group, level, label]; levels lie in the groups that rows say. */
function treeOf(rows: readonly (readonly [number, number, number])[]): Depth[] {
  const sizes = [1, 1 + Math.max(...rows.map(([a]) => a)), 1 + Math.max(...rows.map(([, b]) => b))];
  const parents = [[], Array(sizes[1]).fill(0), Array(sizes[2]).fill(0)] as number[][];
  const tree = sizes.map((size, depth) => ({
    parents: parents[depth],
    weights: new Float64Array(size),
    sums: new Float64Array(size),
    squares: new Float64Array(size),
  }));
  for (const [a, b, y] of rows) {
    parents[2][b] = a;
    for (const [depth, cell] of [0, a, b].entries()) {
      tree[depth].weights[cell]++;
      tree[depth].sums[cell] += y;
      tree[depth].squares[cell] += y * y;
    }
  }
  return tree;
}

/** Solves a dense system. */
function solve(matrix: number[][], right: number[]): number[] {
  const m = matrix.map((row, i) => [...row, right[i]]);
  for (let k = 0; k < m.length; k++) {
    for (let i = 0; i < m.length; i++) {
      if (i === k) continue;
      const share = m[i][k] / m[k][k];
      for (let j = k; j <= m.length; j++) m[i][j] -= share * m[k][j];
    }
  }
  return m.map((row, i) => row[m.length] / row[i]);
}

describe('nested means', () => {
  it('have the variances of the nested analysis of variance', () => {
    const rows = [0, 2, 3, 5, 5, 7, 8, 10].map((y, i) => [i >> 2, i >> 1, y] as const);
    const found = nestedVariances(treeOf(rows));
    expect(found.rows).toBeCloseTo(2, 10);
    expect(found.effects[2]).toBeCloseTo((9 - 2) / 2, 10);
    expect(found.effects[1]).toBeCloseTo((50 - 9) / 4, 10);
  });

  it('of one depth shrink by n / (n + rows / effects)', () => {
    const rows = [
      [0, 0, 4],
      [0, 0, 6],
      [1, 1, 1],
      [1, 1, 3],
    ] as const;
    const tree = treeOf(rows).slice(0, 2);
    const means = nestedMeans(tree, { effects: [0, 2], rows: 4 });
    expect(means[0][0]).toBeCloseTo(3.5, 12);
    expect([...means[1]]).toEqual([3.5 + 1.5 / 2, 3.5 - 1.5 / 2]);
  });

  it('are best linear unbiased predictions of unbalanced trees', () => {
    const rows = Array.from({ length: 60 }, (_, i) => {
      const level = Math.floor(11 * randomUniform(1, 1, i) ** 2);
      return [level % 3, level, 5 * randomUniform(1, 2, i) + level] as const;
    });
    const [a, b, e] = [1.5, 0.7, 2];
    const [groups, levels] = [3, 11];
    const order = 1 + groups + levels;
    const matrix = Array.from({ length: order }, () => Array<number>(order).fill(0));
    const right = Array<number>(order).fill(0);
    for (const [group, level, y] of rows) {
      const places = [0, 1 + group, 1 + groups + level];
      for (const i of places) {
        right[i] += y;
        for (const j of places) matrix[i][j]++;
      }
    }
    for (let i = 1; i < order; i++) matrix[i][i] += e / (i <= groups ? a : b);
    const effects = solve(matrix, right);
    const tree = treeOf(rows);
    const means = nestedMeans(tree, { effects: [0, a, b], rows: e });
    expect(means[0][0]).toBeCloseTo(effects[0], 9);
    for (let g = 0; g < groups; g++) expect(means[1][g]).toBeCloseTo(effects[0] + effects[1 + g], 9);
    for (let l = 0; l < levels; l++) {
      const parent = tree[2].parents[l];
      expect(means[2][l]).toBeCloseTo(effects[0] + effects[1 + parent] + effects[1 + groups + l], 9);
    }
  });
});

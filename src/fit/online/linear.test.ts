/** Linear online learners: lazy penalties against eager ones, exact zeros, margins and norms as their papers define them. */
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../../random.ts';
import { adagrad } from './adagrad.ts';
import { alma } from './alma.ts';
import { ftrl } from './ftrl.ts';
import type { OnlineLearner } from './learner.ts';
import { passiveAggressive } from './passive-aggressive.ts';
import { RowBuffer } from './row.ts';

const shape = { width: 12, fields: 1, classes: 2, nominal: [], seed: 0 };

function rowOf(entries: readonly (readonly [number, number])[]): RowBuffer {
  const row = new RowBuffer();
  for (const [index, value] of entries) row.push(index, value, 0);
  return row;
}

/** Sparse rows: coordinate 0 always, three others at random. */
function sparseRow(i: number): RowBuffer {
  const u = (stream: number) => randomUniform(3, stream, i);
  const others = [0, 1, 2].map((k) => [1 + ((i + Math.floor(u(k) * 11)) % 11), u(k + 5) - 0.5] as const);
  return rowOf([[0, 1], ...new Map(others)]);
}

const labelOf = (row: RowBuffer) => (row.values[1] + 0.3 * row.values[0] > 0.2 ? 1 : 0);

describe('AdaGrad', () => {
  it('makes up lazily for the penalties of rows without a coordinate, as if they had been paid row by row', () => {
    const [rate, epsilon, l1, l2] = [0.1, 1e-8, 0.003, 0.01];
    const learner = adagrad({ name: 'adagrad', rate, epsilon, l1, l2 }, shape);
    const weights = new Float64Array(12);
    const squares = new Float64Array(12);
    for (let i = 0; i < 500; i++) {
      const row = sparseRow(i);
      const label = labelOf(row);
      const margin = row.indices
        .slice(0, row.count)
        .reduce((sum, at, e) => sum + weights[at] * row.values[e], 0);
      const slope = 1 / (1 + Math.exp(-margin)) - label;
      for (let e = 0; e < row.count; e++) {
        const g = slope * row.values[e];
        squares[row.indices[e]] += g * g;
        weights[row.indices[e]] -= (rate / Math.sqrt(squares[row.indices[e]] + epsilon)) * g;
      }
      for (let at = 0; at < 12; at++) {
        const s = rate / Math.sqrt(squares[at] + epsilon);
        const size = Math.max(0, Math.abs(weights[at]) - s * l1) / (1 + s * l2);
        weights[at] = Math.sign(weights[at]) * size;
      }
      learner.learn(row, label, 1);
    }
    const out = new Float64Array(2);
    for (let at = 0; at < 12; at++) {
      learner.predict(rowOf([[at, 1]]), out);
      expect(Math.log(out[1] / out[0])).toBeCloseTo(weights[at], 9);
    }
    expect(weights.filter((w) => w !== 0).length).toBeGreaterThan(3);
  });
});

describe('FTRL-Proximal', () => {
  it('agrees with algorithm 1 of the paper, written down plainly', () => {
    const [alpha, beta, l1, l2] = [0.2, 1, 2, 0.3];
    const learner = ftrl({ name: 'ftrl', alpha, beta, l1, l2 }, shape);
    const z = new Float64Array(12);
    const n = new Float64Array(12);
    const weight = (at: number) =>
      Math.abs(z[at]) <= l1 ? 0 : -(z[at] - Math.sign(z[at]) * l1) / ((beta + Math.sqrt(n[at])) / alpha + l2);
    for (let i = 0; i < 300; i++) {
      const row = sparseRow(i);
      const label = labelOf(row);
      const ws = Array.from(row.indices.slice(0, row.count), weight);
      const p = 1 / (1 + Math.exp(-ws.reduce((sum, w, e) => sum + w * row.values[e], 0)));
      ws.forEach((w, e) => {
        const g = (p - label) * row.values[e];
        const at = row.indices[e];
        const sigma = (Math.sqrt(n[at] + g * g) - Math.sqrt(n[at])) / alpha;
        z[at] += g - sigma * w;
        n[at] += g * g;
      });
      learner.learn(row, label, 1);
    }
    const { weights } = learner.save();
    for (let at = 0; at < 12; at++) expect(weights[at]).toBeCloseTo(weight(at), 10);
    expect(Array.from(weights)).toContain(0);
  });

  it('counts a row of weight 2 with twice the gradient', () => {
    const once = ftrl({ name: 'ftrl', alpha: 0.1, beta: 1, l1: 0, l2: 0 }, shape);
    const twice = ftrl({ name: 'ftrl', alpha: 0.1, beta: 1, l1: 0, l2: 0 }, shape);
    once.learn(sparseRow(1), 1, 2);
    twice.learn(sparseRow(1), 1, 1);
    expect(once.save().squares[0]).toBeCloseTo(4 * twice.save().squares[0], 12);
  });
});

describe('passive-aggressive', () => {
  it('gives a row its margin of 1 exactly, and changes nothing where it has one', () => {
    const learner = passiveAggressive(
      { name: 'passive-aggressive', variant: 'pa', aggressiveness: 1, epsilon: 0.1 },
      shape,
    );
    for (let i = 0; i < 50; i++) {
      const row = sparseRow(i);
      learner.learn(row, i & 1, 1);
      const after = learner.save().weights.slice();
      learner.learn(row, i & 1, 1);
      const margin = (2 * (i & 1) - 1) * inner(after as Float64Array, row);
      expect(margin).toBeGreaterThanOrEqual(1 - 1e-12);
      learner.save().weights.forEach((w, at) => {
        expect(w).toBeCloseTo(after[at], 12);
      });
    }
  });
});

describe('ALMA', () => {
  it.each([2, 3, 5.5])('stays in the unit ball of the q-norm, and reaches its surface, p = %d', (p) => {
    const learner = alma({ name: 'alma', p, alpha: 0.9, c: 4 }, shape);
    const q = p / (p - 1);
    let most = 0;
    for (let i = 0; i < 200; i++) {
      learner.learn(sparseRow(i), labelOf(sparseRow(i)), 1);
      const norm = unitWeights(learner).reduce((sum, w) => sum + Math.abs(w) ** q, 0) ** (1 / q);
      expect(norm).toBeLessThanOrEqual(1 + 1e-9);
      most = Math.max(most, norm);
    }
    expect(most).toBeGreaterThan(0.999);
  });

  it.each([2, 3])('agrees with the paper, weights kept and mapped there and back, p = %d', (p) => {
    const q = p / (p - 1);
    const learner = alma({ name: 'alma', p, alpha: 0.9, c: Math.SQRT2 }, shape);
    const norm = (v: readonly number[], r: number) =>
      v.reduce((sum, x) => sum + Math.abs(x) ** r, 0) ** (1 / r);
    const map = (v: readonly number[], r: number) => {
      const size = norm(v, r);
      return v.map((x) => (size === 0 ? 0 : (Math.sign(x) * Math.abs(x) ** (r - 1)) / size ** (r - 2)));
    };
    let w: number[] = new Array(12).fill(0);
    let k = 1;
    for (let i = 0; i < 300; i++) {
      const row = sparseRow(i);
      const y = 2 * labelOf(row) - 1;
      const gamma = ((1 / 0.9) * Math.sqrt(p - 1)) / Math.sqrt(k);
      if (y * inner(Float64Array.from(w), row) < 0.1 * gamma) {
        const theta = map(w, q);
        for (let e = 0; e < row.count; e++) {
          theta[row.indices[e]] += (Math.SQRT2 / Math.sqrt((p - 1) * k)) * y * row.values[e];
        }
        w = map(theta, p);
        const size = Math.max(1, norm(w, q));
        w = w.map((x) => x / size);
        k++;
      }
      learner.learn(row, (y + 1) / 2, 1);
    }
    unitWeights(learner).forEach((weight, at) => {
      expect(weight).toBeCloseTo(w[at], 8);
    });
    expect(k).toBeGreaterThan(10);
  });
});

function inner(weights: Float64Array, row: RowBuffer): number {
  let sum = 0;
  for (let e = 0; e < row.count; e++) sum += weights[row.indices[e]] * row.values[e];
  return sum;
}

/** Weights read through predictions of unit rows. */
function unitWeights(learner: OnlineLearner): number[] {
  const out = new Float64Array(2);
  return Array.from({ length: 12 }, (_, at) => {
    learner.predict(rowOf([[at, 1]]), out);
    return Math.log(out[1] / out[0]);
  });
}

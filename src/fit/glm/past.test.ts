/** The quadratic that is kept of rows: exact where it is one, joined without loss, packed and back. */
import { describe, expect, it } from 'vitest';
import { joinPasts, type Past, packCurvature, pastAt, unpackCurvature } from './past.ts';
import type { Problem } from './problem.ts';

const problem = { features: 1, outputs: 1, l1: 0, l2: 0 } as unknown as Problem;

/** Σ (w0 x + w1 − y)² / 2 of rows, as a quadratic about `at`. */
function pastOf(rows: readonly (readonly [x: number, y: number])[], at: readonly [number, number]): Past {
  let loss = 0;
  const [gradient, values] = [new Float64Array(2), new Float64Array(4)];
  for (const [x, y] of rows) {
    const error = at[0] * x + at[1] - y;
    loss += error ** 2 / 2;
    gradient[0] += error * x;
    gradient[1] += error;
    [x * x, x, x, 1].forEach((value, i) => {
      values[i] += value;
    });
  }
  const curvature = { kind: 'full', values } as const;
  return { rows: rows.length, weight: rows.length, at: Float64Array.from(at), loss, gradient, curvature };
}

const OLD = [
  [1, 2],
  [2, 3],
  [-1, 0.5],
] as const;
const NEW = [
  [3, 1],
  [0.5, 0],
] as const;

describe('what is kept of rows', () => {
  it('says the loss and gradient of squared errors anywhere', () => {
    const there = pastAt(pastOf(OLD, [0.1, 0.2]), Float64Array.of(-1, 2));
    const exact = pastOf(OLD, [-1, 2]);
    expect(there.value).toBeCloseTo(exact.loss, 12);
    there.gradient.forEach((value, i) => {
      expect(value).toBeCloseTo(exact.gradient[i], 12);
    });
  });

  it('is that of all rows once joined, expanded at the second place', () => {
    const joined = joinPasts(pastOf(OLD, [0.1, 0.2]), pastOf(NEW, [0.4, -1]));
    const whole = pastOf([...OLD, ...NEW], [0.4, -1]);
    expect(joined).toMatchObject({ rows: 5, weight: 5 });
    expect(joined.loss).toBeCloseTo(whole.loss, 12);
    expect([...joined.curvature.values]).toEqual([...whole.curvature.values]);
    joined.gradient.forEach((value, i) => {
      expect(value).toBeCloseTo(whole.gradient[i], 12);
    });
  });

  it('packs symmetric matrices and back, and refuses another number of numbers', () => {
    const { curvature } = pastOf(OLD, [0, 0]);
    const packed = packCurvature(curvature, 2);
    expect(packed).toHaveLength(3);
    expect(unpackCurvature(packed, problem)).toEqual(curvature);
    expect(unpackCurvature(packed.subarray(1), problem)).toBeUndefined();
  });
});

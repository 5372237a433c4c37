import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DenseView } from '../../particle/view.ts';
import { randomUniform } from '../../random.ts';
import { checkLaws } from '../../summary/laws.ts';
import { partial } from '../../summary/summary.ts';
import { blockCurvature } from './block-curvature.ts';
import { curvature } from './curvature.ts';
import { gradient } from './gradient.ts';
import { encodeParameters } from './parameters.ts';
import { sampleBlocks } from './sample.ts';
import { sampledCurvature, sampledGradient, sampledPass } from './sampled.ts';

function viewOf(rows: number, features = 3, classes = 2): DenseView {
  const stride = (rows + 3) & ~3;
  const values = new Float32Array(features * stride);
  for (let f = 0; f < features; f++) {
    for (let r = 0; r < rows; r++) values[f * stride + r] = randomUniform(1, r, f) - 0.5;
  }
  const labels = Float64Array.from({ length: rows }, (_, r) => {
    const score = classes * (0.5 + 0.6 * values[r] + 0.4 * (randomUniform(2, r, 0) - 0.5));
    return Math.min(classes - 1, Math.max(0, Math.floor(score)));
  });
  return { kind: 'dense', rows, features, stride, values, labels };
}

const LOGISTIC = { loss: 'logistic', features: 3, outputs: 1 };

describe('sampleBlocks', () => {
  it('takes about the share that was asked for, each row at most once, the windows in order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (rows, share) => {
          const view = { ...viewOf(4), rows, labels: Float64Array.from({ length: rows }, (_, r) => r) };
          const blocks = sampleBlocks(view, share);
          const taken = blocks.flatMap((block) => Array.from(block.labels));
          expect(new Set(taken).size).toBe(taken.length);
          expect(taken).toEqual([...taken].sort((a, b) => a - b));
          expect(taken.length).toBeGreaterThan(0);
          expect(taken.length).toBeLessThanOrEqual(Math.min(rows, share * rows + 64 + 4));
          expect(taken.length).toBeGreaterThanOrEqual(Math.min(rows, share * rows) - 64);
        },
      ),
    );
  });
});

describe('sampled sums', () => {
  const at = encodeParameters(Float64Array.of(0.3, -0.2, 0.1, 0.05));
  it('of all rows are the sums, and of some are near their share', () => {
    const view = viewOf(2000);
    const whole = partial(gradient(LOGISTIC, at), view);
    expect(partial(sampledGradient({ ...LOGISTIC, share: 1 }, at), view)).toEqual(whole);
    const some = partial(sampledGradient({ ...LOGISTIC, share: 0.3 }, at), view);
    expect(some.weight).toBeGreaterThan(500);
    expect(some.weight).toBeLessThan(700);
    expect(some.loss / some.weight).toBeCloseTo(whole.loss / whole.weight, 1);
    const all = curvature(LOGISTIC, at);
    const few = sampledCurvature({ ...LOGISTIC, share: 0.3 }, at);
    const [a, b] = [all.read(partial(all, view)), few.read(partial(few, view))];
    expect(b.hessian![5] / b.weight).toBeCloseTo(a.hessian![5] / a.weight, 1);
  });

  it('of a stochastic pass lower the loss', () => {
    const view = viewOf(2000);
    const pass = sampledPass({ ...LOGISTIC, share: 0.5 });
    const value = pass.read(partial(pass, view));
    expect(value.rows).toBe(1000);
    const loss = (parameters?: Uint8Array) => partial(gradient(LOGISTIC, parameters), view).loss;
    expect(loss(encodeParameters(value.parameters))).toBeLessThan(0.9 * loss());
  });
});

describe('blockCurvature', () => {
  const shape = { loss: 'softmax', features: 3, outputs: 3 };
  const at = encodeParameters(Float64Array.from({ length: 12 }, (_, i) => Math.sin(i)));

  it('has the diagonal blocks of the Hessian', () => {
    const view = viewOf(150, 3, 3);
    const all = curvature(shape, at);
    const { hessian, weight } = all.read(partial(all, view));
    const summary = blockCurvature({ ...shape, share: 1 }, at);
    summary.read(partial(summary, view)).forEach((block, k) => {
      for (let a = 0; a < 4; a++) {
        for (let b = 0; b < 4; b++) {
          expect(block[a * 4 + b]).toBeCloseTo(hessian![(k * 4 + a) * 12 + k * 4 + b] / weight, 12);
        }
      }
    });
  });

  it('keeps the laws that do not cut particles', () => {
    const summary = blockCurvature({ ...shape, share: 1 }, at);
    const close = (a: readonly Float64Array[], b: readonly Float64Array[]) =>
      a.every((block, k) => block.every((x, i) => Object.is(x, b[k][i]) || Math.abs(x - b[k][i]) < 1e-12));
    const slice = (view: DenseView, from: number, to: number): DenseView => {
      const rows = to - from;
      const stride = (rows + 3) & ~3;
      const values = new Float32Array(3 * stride);
      for (let f = 0; f < 3; f++) {
        for (let r = 0; r < rows; r++) values[f * stride + r] = view.values[f * view.stride + from + r];
      }
      return { ...view, rows, stride, values, labels: view.labels.slice(from, to) };
    };
    const whole = viewOf(40, 3, 3);
    const inputs = [slice(whole, 0, 11), slice(whole, 11, 12), slice(whole, 12, 40)];
    expect(() => checkLaws(summary as never, { inputs, slice, close } as never)).not.toThrow();
  });
});

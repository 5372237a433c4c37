import { describe, expect, it } from 'vitest';
import type { CsrView, DenseView } from '../../particle/view.ts';
import { randomUniform } from '../../random.ts';
import { checkLaws } from '../../summary/laws.ts';
import { partial } from '../../summary/summary.ts';
import { sampleProducts } from './sample-products.ts';

const FEATURES = 5;
const BANDS = 3;
const WIDTH = 4 + BANDS;
/** parameter, direction, step, band of every feature and of the intercept. */
const TABLE = Float32Array.from({ length: 4 * (FEATURES + 1) }, (_, i) =>
  i % 4 === 3 ? Math.floor(i / 8) : randomUniform(3, 0, i) - 0.5,
);

function csrOf(rows: number): CsrView {
  const [starts, indices, values] = [[0], [] as number[], [] as number[]];
  for (let r = 0; r < rows; r++) {
    for (let f = 0; f < FEATURES; f++) {
      if (randomUniform(4, r, f) < 0.5) continue;
      indices.push(f);
      values.push(randomUniform(5, r, f) - 0.5);
    }
    starts.push(indices.length);
  }
  return {
    kind: 'csr',
    rows,
    features: FEATURES,
    starts: Uint32Array.from(starts),
    indices: Uint32Array.from(indices),
    values: Float32Array.from(values),
    labels: Float64Array.from({ length: rows }, (_, r) => r % 2),
    weights: Float64Array.from({ length: rows }, (_, r) => 1 + (r % 3)),
    offsets: Float64Array.from({ length: rows }, (_, r) => r / 10),
  };
}

function denseOf(view: CsrView): DenseView {
  const stride = (view.rows + 3) & ~3;
  const values = new Float32Array(FEATURES * stride);
  for (let r = 0; r < view.rows; r++)
    for (let j = view.starts[r]; j < view.starts[r + 1]; j++)
      values[view.indices[j] * stride + r] = view.values[j];
  const { rows, features, labels, weights, offsets } = view;
  return { kind: 'dense', rows, features, stride, values, labels, weights, offsets };
}

function productsOf(view: CsrView | DenseView, share: number): Float64Array {
  const options = { features: FEATURES, bands: BANDS, share };
  const summary = sampleProducts(options, new Uint8Array(TABLE.buffer));
  return summary.read(partial(summary, view));
}

describe('sampleProducts', () => {
  it('has label, weight, margin and products of every row it takes, from dense and sparse views', () => {
    const view = csrOf(11);
    const rows = productsOf(view, 1);
    expect(rows.length).toBe(11 * WIDTH);
    const dense = denseOf(view);
    const few = productsOf(dense, 1);
    expect(few.length).toBe(3 * WIDTH);
    [1, 5, 9].forEach((row, i) => {
      for (let k = 0; k < WIDTH; k++) expect(few[i * WIDTH + k]).toBeCloseTo(rows[row * WIDTH + k], 12);
    });
    for (let r = 0; r < 11; r++) {
      const expected = [view.labels[r], view.weights![r], view.offsets![r], 0, 0, 0, 0];
      for (let f = 0; f <= FEATURES; f++) {
        const x = f === FEATURES ? 1 : dense.values[f * dense.stride + r];
        expected[2] += x * TABLE[4 * f];
        expected[3] += x * TABLE[4 * f + 1];
        expected[4 + TABLE[4 * f + 3]] += x * TABLE[4 * f + 2];
      }
      expected.forEach((value, i) => {
        expect(rows[r * WIDTH + i]).toBeCloseTo(value, 12);
      });
    }
  });

  it('takes rows at even distances', () => {
    const view = csrOf(100);
    const all = productsOf(view, 1);
    const some = productsOf(view, 0.1);
    expect(some.length).toBe(10 * WIDTH);
    for (let i = 0; i < 10; i++) {
      const row = 10 * i + 5;
      expect(some.subarray(i * WIDTH, (i + 1) * WIDTH)).toEqual(all.subarray(row * WIDTH, (row + 1) * WIDTH));
    }
  });

  it('keeps the laws where it takes all rows, and refuses bytes that are no rows', () => {
    const options = { features: FEATURES, bands: BANDS, share: 1 };
    const summary = sampleProducts(options, new Uint8Array(TABLE.buffer));
    const slice = (view: CsrView, from: number, to: number): CsrView => ({
      ...view,
      rows: to - from,
      starts: view.starts.slice(from, to + 1),
      labels: view.labels.slice(from, to),
      weights: view.weights?.slice(from, to),
      offsets: view.offsets?.slice(from, to),
    });
    const whole = csrOf(40);
    const inputs = [slice(whole, 0, 11), slice(whole, 11, 12), slice(whole, 12, 40)];
    expect(() => checkLaws(summary, { inputs, slice } as never)).not.toThrow();
    expect(() => summary.codec.decode(new Uint8Array(8 * WIDTH - 8))).toThrow(
      expect.objectContaining({ code: 'corrupt' }),
    );
  });
});

/** Steps of wide problems: the best step of a span, and how many passes such steps save on text-like rows. */
import { describe, expect, it } from 'vitest';
import { lossOf } from '../../loss/registry.ts';
import type { CsrView } from '../../particle/view.ts';
import { randomUniform } from '../../random.ts';
import { partial } from '../../summary/summary.ts';
import { fitLoopSync } from '../loop.ts';
import { BANDS, bandedSteps, bandsOf, type ProductsAsk } from './bands.ts';
import { curvature } from './curvature.ts';
import { lbfgs } from './lbfgs.ts';
import { dot, type Evaluation, type Optimum, type Point } from './objective.ts';
import { encodeParameters } from './parameters.ts';
import { sampleProducts } from './sample-products.ts';
import { minimiseInSubspace } from './subspace.ts';

const WORDS = 800;
const ROWS = 3000;
const L2 = 1 / ROWS;

/** Rows of about thirty words, frequent ones far more often than rare ones. */
function text(count: (mean: number, r: number) => number): CsrView {
  const [starts, indices, values, labels] = [[0], [] as number[], [] as number[], [] as number[]];
  for (let r = 0; r < ROWS; r++) {
    const words = new Set<number>();
    for (let i = 0; i < 30; i++) words.add(Math.floor(WORDS ** randomUniform(11, r, i)) - 1);
    let margin = -0.3;
    for (const word of [...words].sort((a, b) => a - b)) {
      indices.push(word);
      values.push(1 / Math.sqrt(words.size));
      margin += (4 * (randomUniform(12, 0, word) - 0.5)) / Math.sqrt(words.size);
    }
    starts.push(indices.length);
    labels.push(count(margin, r));
  }
  return {
    kind: 'csr',
    rows: ROWS,
    features: WORDS,
    starts: Uint32Array.from(starts),
    indices: Uint32Array.from(indices),
    values: Float32Array.from(values),
    labels: Float64Array.from(labels),
  };
}

/** Fits with and without the improvement of directions; all in this process. */
function fits(loss: string, view: CsrView, tolerance: number): { plain: Optimum; banded: Optimum } {
  const shape = { loss, features: WORDS, outputs: 1 };
  const evaluate = (at: Float64Array): Evaluation & { diagonal: Float64Array } => {
    const summary = curvature({ ...shape, curvature: 'diagonal' }, encodeParameters(at));
    const sums = summary.read(partial(summary, view));
    const penalty = at.map((value, i) => (i < WORDS ? L2 * value : 0));
    return {
      value: sums.loss / sums.weight + dot(penalty, at) / 2,
      gradient: sums.gradient.map((value, i) => value / sums.weight + penalty[i]),
      diagonal: sums.diagonal.map((value, i) => value / sums.weight + (i < WORDS ? L2 : 0)),
    };
  };
  const products = ({ table }: ProductsAsk): Float64Array => {
    const options = { features: WORDS, bands: BANDS, share: 0.25 };
    const summary = sampleProducts(options, new Uint8Array(table.slice().buffer));
    return summary.read(partial(summary, view));
  };
  const start = new Float64Array(WORDS + 1);
  const rule = { tolerance, maxRounds: 300 };
  const steps = () => bandedSteps(lossOf(loss), evaluate(start).diagonal, L2);
  const plain = fitLoopSync(lbfgs(start, { ...rule, precondition: steps().precondition }), evaluate);
  const machine = lbfgs(start, { ...rule, ...steps() });
  const banded = fitLoopSync(
    machine,
    (ask) => (ask instanceof Float64Array ? evaluate(ask) : products(ask)) as Evaluation,
  );
  return { plain, banded };
}

const bernoulli = (margin: number, r: number) =>
  randomUniform(13, r, 0) < 1 / (1 + Math.exp(-2 * margin)) ? 1 : 0;
const poisson = (margin: number, r: number) => Math.floor(Math.exp(margin) + 2 * randomUniform(13, r, 0));

describe('bandedSteps', () => {
  it.each([
    ['logistic', bernoulli],
    ['poisson', poisson],
    ['squared', (margin: number, r: number) => margin + randomUniform(13, r, 0)],
  ])('reach the minimum that plain steps reach, in far fewer passes: %s', (loss, label) => {
    const view = text(label);
    const loose = fits(loss, view, 1e-4);
    expect(loose.banded.converged).toBe(true);
    expect(loose.banded.rounds).toBeLessThan(0.7 * loose.plain.rounds);
    const tight = fits(loss, view, 1e-7);
    expect(tight.banded.reason).toBe('gradient');
    expect(tight.banded.rounds).toBeLessThan(tight.plain.rounds);
    expect(tight.banded.point.value).toBeCloseTo(tight.plain.point.value, 10);
  });

  it('cut coefficients by quarters of the greatest curvature, the intercept apart', () => {
    const diagonal = Float64Array.of(4, 1.1, 1, 0.9, 0.2, 1e-9, 0, 1000);
    expect(Array.from(bandsOf(diagonal))).toEqual([0, 0, 0, 1, 2, 7, 7, 8]);
    expect(Array.from(bandsOf(Float64Array.of(4, 0.99, 1)))).toEqual([0, 1, 8]);
  });

  it('leave a parameter without any curvature where it is', () => {
    const { precondition } = bandedSteps(lossOf('logistic'), Float64Array.of(1, 0, 1), 0);
    const vector = Float64Array.of(1, 0, 1);
    precondition(vector);
    expect(vector).toEqual(Float64Array.of(1, 0, 1));
  });

  it('keep to the direction where the sample has no rows', () => {
    const point: Point = { parameters: new Float64Array(2), value: 1, gradient: Float64Array.of(1, -1) };
    const direction = Float64Array.of(-2, 2);
    const machine = bandedSteps(lossOf('logistic'), Float64Array.of(1, 1), 0).improve(point, direction);
    expect((machine.next().value as ProductsAsk).table.length).toBe(8);
    expect(machine.next(new Float64Array(0))).toEqual({ done: true, value: direction });
  });
});

describe('minimiseInSubspace', () => {
  const loss = lossOf('squared');
  /** Two directions; margins 0. */
  const rows = Float64Array.from(
    [
      [1, 1, 0, 1, 0],
      [2, 2, 0, 1, 1],
      [4, 1, 0, 0, 1],
    ].flat(),
  );
  const space = { loss, rows, width: 5, directions: [0, 1], penalty: new Float64Array(4) };

  it('is weighted least squares for squared loss, and a Newton step with the slope of all rows', () => {
    // Mean over weight 4 of (label - U a)²/2: slopes -(Σ w u y)/4.
    const own = minimiseInSubspace({ ...space, slopes: Float64Array.of(-5 / 4, -8 / 4) });
    // Normal equations [3 2; 2 3] a = [5; 8].
    expect(own.coefficients![0]).toBeCloseTo(-1 / 5, 6);
    expect(own.coefficients![1]).toBeCloseTo(14 / 5, 6);
    expect(own.curvatures).toEqual([1, 1]);
    const other = minimiseInSubspace({ ...space, slopes: Float64Array.of(-1, 0) });
    // [3 2; 2 3] a = [4; 0].
    expect(other.coefficients![0]).toBeCloseTo(12 / 5, 6);
    expect(other.coefficients![1]).toBeCloseTo(-8 / 5, 6);
  });

  it('says when nothing is lower', () => {
    expect(minimiseInSubspace({ ...space, slopes: new Float64Array(2) }).coefficients).toBeUndefined();
  });

  it('lowers what a full Newton step would raise', () => {
    const steep = Float64Array.from({ length: 40 }, (_, i) =>
      i % 4 === 0 ? 1 : i % 4 === 1 ? 1 : i % 4 === 2 ? 3 : 20,
    );
    const pushed = { ...space, loss: lossOf('poisson'), rows: steep, width: 4, directions: [0] };
    const slopes = Float64Array.of(-1000);
    const { coefficients } = minimiseInSubspace({ ...pushed, slopes, penalty: Float64Array.of(0) });
    expect(coefficients![0]).toBeGreaterThan(0);
    // φ' = e³·20·(e^{20a} − 1) − 1000 = 0.
    expect(coefficients![0]).toBeCloseTo(Math.log(1 + 50 / Math.exp(3)) / 20, 4);
  });
});

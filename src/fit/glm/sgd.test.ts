import { afterEach, describe, expect, it } from 'vitest';
import {
  csrView,
  denseView,
  type LearnerView,
  resident,
  sliceView,
  someNumbers,
} from '../../../test/learner-views.ts';
import { arena } from '../../kernel/memory.ts';
import { kernelRuns, setKernelMode } from '../../kernel/mode.ts';
import type { LossName } from '../../loss/registry.ts';
import { randomUniform } from '../../random.ts';
import { checkLaws } from '../../summary/laws.ts';
import { partial } from '../../summary/summary.ts';
import { gradient } from './gradient.ts';
import { encodeParameters } from './parameters.ts';
import { type SgdValue, sgd } from './sgd.ts';

const LOSSES: [LossName, 'numbers' | 'counts' | number, number][] = [
  ['squared', 'numbers', 1],
  ['huber', 'numbers', 1],
  ['logistic', 2, 1],
  ['poisson', 'counts', 1],
  ['softmax', 3, 3],
];
const FEATURES = 6;

/** A view whose labels follow a linear model with scales of features that differ by a million. */
function linearView(rows: number, seed: number, kind: 'dense' | 'csr' = 'dense'): LearnerView {
  const view =
    kind === 'dense'
      ? denseView({ rows, features: 4, labels: 2, seed })
      : csrView({ rows, features: 4, labels: 2, seed }, 0.7);
  const truth = [3, -2, 1, 0];
  const margins = new Float64Array(rows).fill(0.5);
  if (view.kind === 'dense') {
    for (let f = 0; f < 4; f++) {
      for (let r = 0; r < rows; r++) {
        margins[r] += truth[f] * view.values[f * view.stride + r];
        view.values[f * view.stride + r] *= 1000 ** (f - 1);
      }
    }
  } else {
    for (let r = 0; r < rows; r++) {
      for (let j = view.starts[r]; j < view.starts[r + 1]; j++) {
        margins[r] += truth[view.indices[j]] * view.values[j];
        view.values[j] *= 1000 ** (view.indices[j] - 1);
      }
    }
  }
  const labels = margins.map((z, r) => (randomUniform(seed, 77, r) < 1 / (1 + Math.exp(-2 * z)) ? 1 : 0));
  return { ...view, labels };
}

/** Mean logistic loss of the views at parameters. */
function meanLoss(views: LearnerView[], parameters: Float64Array): number {
  const summary = gradient({ loss: 'logistic', features: 4 }, encodeParameters(parameters));
  const sums = views.map((view) => partial(summary, view));
  return sums.reduce((sum, { loss }) => sum + loss, 0) / sums.reduce((sum, { weight }) => sum + weight, 0);
}

describe.each(LOSSES)('averaged pass of %s', (loss, labels, outputs) => {
  const start = encodeParameters(someNumbers(outputs * (FEATURES + 1), 4, 0.1));
  const summary = sgd({ loss, features: FEATURES, outputs }, start);
  const arenaStart = arena.mark();
  afterEach(() => {
    arena.reset(arenaStart);
    setKernelMode('wasm');
  });

  it.each(['dense', 'csr'] as const)('gives the same bits on both paths and in place: %s', (kind) => {
    for (const rows of [1, 3, 64, 131]) {
      const spec = { rows, features: FEATURES, labels, seed: rows, weights: rows > 3, offsets: rows === 64 };
      const view = kind === 'dense' ? denseView(spec) : csrView(spec);
      setKernelMode('plain');
      const before = kernelRuns();
      const plain = summary.codec.encode(partial(summary, view));
      setKernelMode('wasm');
      expect(summary.codec.encode(partial(summary, view))).toEqual(plain);
      expect(summary.codec.encode(partial(summary, resident(view)))).toEqual(plain);
      expect(kernelRuns()).toEqual({ wasm: before.wasm + 2, plain: before.plain + 1 });
    }
  });

  it('keeps the laws, a particle being one whole', () => {
    const view = (rows: number, seed: number) => denseView({ rows, features: FEATURES, labels, seed });
    const near = (a: SgdValue, b: SgdValue) =>
      a.rows === b.rows &&
      a.parameters.every((p, i) => Math.abs(p - b.parameters[i]) <= 1e-12 * Math.max(1, Math.abs(p)));
    checkLaws(summary, {
      inputs: [view(9, 1), view(30, 2), view(17, 3)] as LearnerView[],
      close: near,
      rows: (input) => (input.rows > 0 ? 1 : 0),
      slice: (input, from, to) => (to > from ? input : sliceView(input, 0, 0)),
    });
    expect(partial(summary, view(9, 1)).rows).toBe(9);
  });

  it('lowers the loss', () => {
    const view = csrView({ rows: 3000, features: FEATURES, labels, seed: 9 }, 0.8);
    const zero = new Float64Array(outputs * (FEATURES + 1));
    // Labels follow the first feature, so there is something to learn.
    const first = Float64Array.from({ length: view.rows }, (_, r) => {
      for (let j = view.starts[r]; j < view.starts[r + 1]; j++)
        if (view.indices[j] === 0) return view.values[j];
      return 0;
    });
    const learnable = {
      ...view,
      labels: first.map((x) => (loss === 'softmax' ? (x < -0.3 ? 0 : x > 0.3 ? 2 : 1) : x > 0 ? 1 : 0)),
    };
    const pass = sgd({ loss, features: FEATURES, outputs }, encodeParameters(zero));
    const { parameters } = pass.read(partial(pass, learnable));
    const lossAt = (at: Float64Array) =>
      partial(gradient({ loss, features: FEATURES, outputs }, encodeParameters(at)), learnable).loss;
    expect(lossAt(parameters)).toBeLessThan(0.85 * lossAt(zero));
  });
});

describe('averaging over particles', () => {
  const options = { loss: 'logistic', features: 4 };

  it.each([
    'dense',
    'csr',
  ] as const)('comes near the optimum in one pass, whatever the scales: %s', (kind) => {
    const views = [4000, 300, 2000, 37].map((rows, i) => linearView(rows, i + 1, kind));
    const summary = sgd(options);
    const state = summary.empty();
    for (const view of views) summary.merge(state, partial(summary, view));
    const { parameters } = summary.read(state);
    const best = Float64Array.of(6000, -4, 0.002, 0, 1);
    expect(meanLoss(views, new Float64Array(5))).toBeGreaterThan(0.6);
    expect(meanLoss(views, parameters) / meanLoss(views, best)).toBeLessThan(1.05);
  });

  it('moves by the weight of evidence: a particle of three rows hardly counts beside one of thousands', () => {
    const summary = sgd(options);
    const [large, small] = [partial(summary, linearView(5000, 1)), partial(summary, linearView(3, 2))];
    const alone = summary.read(large).parameters;
    const other = summary.read(small).parameters;
    summary.merge(large, small);
    const both = summary.read(large).parameters;
    for (let i = 0; i < 5; i++) {
      expect(Math.abs(both[i] - alone[i])).toBeLessThanOrEqual(0.02 * Math.abs(other[i] - alone[i]) + 1e-12);
    }
  });

  it('leaves parameters that saw no gradient where they were', () => {
    const view = csrView({ rows: 20, features: 4, labels: 2 }, 0);
    const start = Float64Array.of(1, 2, 3, 4, 5);
    const summary = sgd(options, encodeParameters(start));
    const { parameters } = summary.read(partial(summary, view));
    expect([...parameters.subarray(0, 4)]).toEqual([1, 2, 3, 4]);
    expect(parameters[4]).not.toBe(5);
    expect(summary.read(summary.empty()).parameters).toEqual(start);
  });

  it('refuses a learning rate that is no positive number', () => {
    expect(() => sgd({ ...options, learningRate: 0 })).toThrow(/learning rate is 0/);
  });
});

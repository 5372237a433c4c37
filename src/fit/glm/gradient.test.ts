import { afterEach, describe, expect, it } from 'vitest';
import {
  csrView,
  denseView,
  type LearnerView,
  pickRows,
  resident,
  sliceView,
  someNumbers,
} from '../../../test/learner-views.ts';
import { arena } from '../../kernel/memory.ts';
import { type KernelMode, kernelRuns, setKernelMode } from '../../kernel/mode.ts';
import type { LossSpec } from '../../loss/registry.ts';
import { checkLaws } from '../../summary/laws.ts';
import { partial } from '../../summary/summary.ts';
import { type CurvatureValue, curvature } from './curvature.ts';
import { type GradientSums, gradient } from './gradient.ts';
import { encodeParameters } from './parameters.ts';

interface Case {
  loss: LossSpec;
  labels: 'numbers' | 'counts' | number;
  outputs: number;
}

const CASES: [string, Case][] = [
  ['squared', { loss: { name: 'squared' }, labels: 'numbers', outputs: 1 }],
  ['huber', { loss: { name: 'huber', delta: 1.2 }, labels: 'numbers', outputs: 1 }],
  ['logistic', { loss: { name: 'logistic' }, labels: 2, outputs: 1 }],
  ['poisson', { loss: { name: 'poisson' }, labels: 'counts', outputs: 1 }],
  ['softmax', { loss: { name: 'softmax' }, labels: 3, outputs: 3 }],
];
const KINDS = ['dense', 'csr'] as const;
const FEATURES = 6;

function viewOf(
  kind: 'dense' | 'csr',
  { labels }: Case,
  rows: number,
  seed = 1,
  features = FEATURES,
): LearnerView {
  const spec = { rows, features, labels, seed, weights: seed % 2 === 1, offsets: seed % 3 === 1 };
  return kind === 'dense' ? denseView(spec) : csrView(spec);
}

/** Numbers of a value, one after another. */
function numbers(value: GradientSums | CurvatureValue): number[] {
  const more = 'diagonal' in value ? [...value.diagonal, ...(value.hessian ?? [])] : [];
  return [value.loss, value.weight, value.rows, ...value.gradient, ...more];
}

/** Equal up to rounding of sums. */
function close(a: GradientSums | CurvatureValue, b: GradientSums | CurvatureValue): boolean {
  const [x, y] = [numbers(a), numbers(b)];
  return x.length === y.length && x.every((v, i) => Math.abs(v - y[i]) <= 1e-11 * Math.max(1, Math.abs(v)));
}

function summaries({ loss, outputs }: Case, parameters: Float64Array, features = FEATURES) {
  const options = { loss: { ...loss }, outputs, features };
  const bytes = encodeParameters(parameters);
  return {
    gradient: gradient(options, bytes),
    full: curvature(options, bytes),
    diagonal: curvature({ ...options, curvature: 'diagonal' }, bytes),
  };
}

function on<T>(mode: KernelMode, body: () => T): T {
  const before = kernelRuns()[mode];
  setKernelMode(mode);
  const result = body();
  expect(kernelRuns()[mode]).toBeGreaterThan(before);
  return result;
}

describe.each(CASES)('%s', (_, given) => {
  const parameters = someNumbers(given.outputs * (FEATURES + 1), 3);
  const arenaStart = arena.mark();
  afterEach(() => {
    arena.reset(arenaStart);
    setKernelMode('wasm');
  });

  it.each(KINDS)('keeps the laws over %s views', (kind) => {
    const inputs = [viewOf(kind, given, 9), viewOf(kind, given, 23, 3), viewOf(kind, given, 4, 5)];
    const edges = [viewOf(kind, given, 1100, 7)];
    const { gradient: first, full, diagonal } = summaries(given, parameters);
    const options = {
      inputs,
      edges,
      close,
      slice: sliceView<LearnerView>,
      rows: (view: LearnerView) => view.rows,
    };
    checkLaws(first, options);
    checkLaws(full, options);
    checkLaws(diagonal, options);
    expect(partial(first, inputs[0]).rows).toBe(9);
  });

  it.each(KINDS)('gives the same bits on both paths and in place over %s views', (kind) => {
    for (const rows of [0, 1, 3, 1026]) {
      const view = viewOf(kind, given, rows, rows + 1);
      for (const summary of Object.values(summaries(given, parameters))) {
        const bytes = (mode: KernelMode, input: LearnerView) => {
          const observe = () => {
            const state = summary.empty();
            summary.observe(state as never, input);
            return summary.codec.encode(state as never);
          };
          return rows === 0 ? observe() : on(mode, observe);
        };
        const plain = bytes('plain', view);
        expect(bytes('wasm', view)).toEqual(plain);
        expect(bytes('wasm', resident(view))).toEqual(plain);
      }
    }
  });

  it.each(KINDS)('is the numeric derivative over %s views', (kind) => {
    const view = viewOf(kind, given, 40, 7);
    const at = (p: Float64Array) => partial(summaries(given, p).gradient, view);
    const { full, diagonal } = summaries(given, parameters);
    const value = full.read(partial(full, view));
    const here = at(parameters);
    const { loss, weight, rows, gradient: slopes } = value;
    expect(close({ loss, weight, rows, gradient: slopes }, here)).toBe(true);
    expect(
      [...diagonal.read(partial(diagonal, view)).diagonal].every(
        (h, i) => Math.abs(h - value.diagonal[i]) < 1e-9,
      ),
    ).toBe(true);
    const count = parameters.length;
    for (let i = 0; i < count; i++) {
      const h = 1e-5;
      const up = at(parameters.map((p, j) => (j === i ? p + h : p)));
      const down = at(parameters.map((p, j) => (j === i ? p - h : p)));
      const slope = (up.loss - down.loss) / (2 * h);
      expect(Math.abs(here.gradient[i] - slope)).toBeLessThan(1e-5 * Math.max(1, Math.abs(slope)));
      for (let j = 0; j < count; j++) {
        const bend = (up.gradient[j] - down.gradient[j]) / (2 * h);
        expect(Math.abs(value.hessian![i * count + j] - bend)).toBeLessThan(
          1e-5 * Math.max(1, Math.abs(bend)),
        );
      }
    }
  });

  it.each(KINDS)('weight 2 is the row twice, weight 0 is no row: %s', (kind) => {
    const view = viewOf(kind, given, 7, 4);
    const weighted = { ...view, weights: Float64Array.of(1, 2, 1, 0, 1, 1, 2) };
    const repeated = { ...pickRows(view, [0, 1, 1, 2, 4, 5, 6, 6]), weights: undefined };
    const { gradient: first, full } = summaries(given, parameters);
    for (const summary of [first, full]) {
      const read = (input: LearnerView) => ({ ...summary.read(partial(summary, input) as never), rows: 0 });
      expect(close(read(weighted), read(repeated))).toBe(true);
    }
    expect(partial(first, weighted).weight).toBe(8);
  });
});

describe('states', () => {
  it('are written sparse when that is smaller, and read back alike', () => {
    const features = 5000;
    const given: Case = { loss: { name: 'logistic' }, labels: 2, outputs: 1 };
    const spec = { rows: 3, features, labels: 2 };
    const summary = summaries(given, new Float64Array(features + 1), features).gradient;
    const sparse = partial(summary, csrView(spec, 0.01));
    const dense = partial(summary, csrView(spec, 0.99));
    const bytes = summary.codec.encode(sparse);
    expect(bytes.length).toBeLessThan(3 * 12 * 100);
    expect(summary.codec.encode(dense).length).toBe(24 + 8 + 8 * (features + 1));
    for (const state of [sparse, dense]) {
      expect(summary.codec.decode(summary.codec.encode(state)).gradient).toEqual(state.gradient);
    }
  });

  it('are refused when damaged or of another shape', () => {
    const given: Case = { loss: { name: 'squared' }, labels: 'numbers', outputs: 1 };
    const summary = summaries(given, new Float64Array(7)).gradient;
    const bytes = summary.codec.encode(partial(summary, viewOf('dense', given, 5)));
    expect(() => summary.codec.decode(bytes.subarray(0, bytes.length - 1))).toThrow(/more bytes/);
    expect(() => summary.codec.decode(Uint8Array.of(...bytes, 0))).toThrow(/left over/);
    const other = summaries(given, new Float64Array(4), 3).gradient;
    expect(() => other.codec.decode(bytes)).toThrow(/a vector has 7 numbers, not 4/);
  });

  it('refuse parameters of another shape', () => {
    expect(() => gradient({ loss: 'squared', features: 3 }, encodeParameters(new Float64Array(3)))).toThrow(
      /take 4 parameters, not 3/,
    );
  });

  it('do not depend on the scale of a huge margin: no NaN in any sum', () => {
    const view = denseView({ rows: 50, features: 2, labels: 2, scale: 1e4 });
    for (const name of ['logistic', 'poisson', 'softmax', 'huber'] as const) {
      const outputs = name === 'softmax' ? 2 : 1;
      const summary = curvature(
        { loss: name, features: 2, outputs },
        encodeParameters(new Float64Array(3 * outputs).fill(9)),
      );
      const value = summary.read(partial(summary, view));
      expect(numbers(value).every(Number.isFinite)).toBe(true);
    }
  });
});

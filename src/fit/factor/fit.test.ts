/** Factorization machines over particles: both paths and any cut that keeps particles give the same bits, and it learns. */
import { afterEach, describe, expect, it } from 'vitest';
import { csrView } from '../../../test/learner-views.ts';
import { factorParts } from '../../explain/factor-parts.ts';
import { kernelRuns, setKernelMode } from '../../kernel/mode.ts';
import type { LossName } from '../../loss/registry.ts';
import { factorScorer } from '../../model/factor.ts';
import { encodeParameters } from '../../model/scorer.ts';
import type { CsrView } from '../../particle/view.ts';
import { partial } from '../../summary/summary.ts';
import { type MachineOptions, modelOf, startState, stateLength } from './machine.ts';
import { machinePass } from './pass.ts';
import { visits } from './visits.ts';

const FEATURES = 7;
const LOSSES: [LossName, 'numbers' | 'counts' | number, number][] = [
  ['squared', 'numbers', 1],
  ['huber', 'numbers', 1],
  ['logistic', 2, 1],
  ['poisson', 'counts', 1],
  ['softmax', 3, 3],
];

function optionsOf(loss: LossName, outputs: number): MachineOptions & { round: number } {
  const steps = { rate: 0.1, factorRate: 0.2, prior: 1, factorPrior: 2 };
  const centres = Array.from({ length: outputs }, (_, k) => 0.1 * k);
  const scale = outputs === 1 ? 1.5 : 1;
  return {
    ...{ loss, features: FEATURES, outputs, factors: 4, ...steps, centres, scale, slopeScale: scale },
    round: 2,
  };
}

const view = (rows: number, labels: 'numbers' | 'counts' | number, seed = rows) =>
  csrView(
    { rows, features: FEATURES, labels, seed, weights: rows > 3, offsets: rows === 64 },
    0.5,
  ) as CsrView;

describe.each(LOSSES)('a pass of %s', (loss, labels, outputs) => {
  const options = optionsOf(loss, outputs);
  const start = startState(options, new Float64Array(FEATURES).fill(3), 5, 0.3);
  const summary = machinePass(options as never, encodeParameters(start));
  afterEach(() => setKernelMode('wasm'));

  it('gives the same bits on both paths', () => {
    for (const rows of [1, 3, 64, 131]) {
      setKernelMode('plain');
      const plain = summary.codec.encode(partial(summary, view(rows, labels)));
      setKernelMode('wasm');
      const before = kernelRuns().wasm;
      expect(summary.codec.encode(partial(summary, view(rows, labels)))).toEqual(plain);
      expect(kernelRuns().wasm).toBe(before + 1);
    }
  });

  it('of one particle moves as far as its steps went, and keeps its codec', () => {
    const sums = partial(summary, view(64, labels));
    const { state } = summary.read(sums);
    expect(state.length).toBe(stateLength(options));
    expect(state.every(Number.isFinite)).toBe(true);
    expect(state).not.toEqual(start);
    const bytes = summary.codec.encode(sums);
    expect(summary.codec.encode(summary.codec.decode(bytes))).toEqual(bytes);
    const empty = summary.empty();
    summary.merge(empty, sums);
    expect(summary.codec.encode(empty)).toEqual(bytes);
    expect(summary.read(summary.empty()).state).toEqual(start);
  });

  it('scores alike on both paths, and parts add up to the margin', () => {
    const model = modelOf(options, summary.read(partial(summary, view(131, labels))).state);
    const rows = view(131, labels);
    setKernelMode('plain');
    const plain = factorScorer(model, outputs)(rows);
    setKernelMode('wasm');
    const margins = factorScorer(model, outputs)(rows);
    expect(margins).toEqual(plain);
    const columnOf = [0, 0, 0, 1, 1, 2, 2];
    const parts = factorParts(model, rows, columnOf, 3);
    for (let r = 0; r < rows.rows; r++) {
      for (let k = 0; k < outputs; k++) {
        let sum = model.intercepts[k] + (rows.offsets?.[r] ?? 0);
        for (let c = 0; c < 3; c++) sum += parts[(k * 3 + c) * rows.rows + r];
        expect(sum).toBeCloseTo(margins[r * outputs + k], 9);
      }
    }
  });
});

it('a feature that one particle alone has moves as that particle says, others by the mean of their evidence', () => {
  const options = optionsOf('squared', 1);
  const start = startState(options, new Float64Array(FEATURES).fill(3), 5, 0.3);
  const summary = machinePass(options as never, encodeParameters(start));
  const one = (feature: number, label: number): CsrView => ({
    kind: 'csr',
    rows: 1,
    features: FEATURES,
    starts: Uint32Array.of(0, 2),
    indices: Uint32Array.of(0, feature),
    values: Float32Array.of(1, 1),
    labels: Float64Array.of(label),
  });
  const [up, down] = [partial(summary, one(1, 5)), partial(summary, one(2, -5))];
  const alone = summary.read(up).state;
  const both = summary.empty();
  summary.merge(both, up);
  summary.merge(both, down);
  const { state } = summary.read(both);
  const weight = (feature: number) => 2 + feature * 8;
  expect(state[weight(1)]).toBeCloseTo(alone[weight(1)], 12);
  expect(Math.abs(state[weight(0)] - start[weight(0)])).toBeLessThan(
    0.2 * Math.abs(alone[weight(0)] - start[weight(0)]),
  );
});

it('visits count the rows of each feature', () => {
  const rows = view(64, 'numbers');
  const counts = partial(visits({ features: FEATURES }), rows);
  expect(counts.reduce((a, b) => a + b)).toBe(rows.starts[64] - rows.starts[0]);
});

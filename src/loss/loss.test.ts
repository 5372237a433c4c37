import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { someNumbers } from '../../test/learner-views.ts';
import { type KernelRun, kernelRuns, runKernels, setKernelMode } from '../kernel/mode.ts';
import { checkLabels, type Loss, type LossBlock, lossBlock, sumLoss } from './loss.ts';
import { LOSS_NAMES, lossOf } from './registry.ts';

const CASES: [string, Loss, number][] = [
  ['squared', lossOf('squared'), 1],
  ['huber', lossOf({ name: 'huber', delta: 0.7 }), 1],
  ['logistic', lossOf('logistic'), 1],
  ['poisson', lossOf('poisson'), 1],
  ['gamma', lossOf('gamma'), 1],
  ['tweedie', lossOf({ name: 'tweedie', power: 1.3 }), 1],
  ['quantile', lossOf({ name: 'quantile', quantile: 0.8 }), 1],
  ['softmax 2', lossOf('softmax'), 2],
  ['softmax 3', lossOf('softmax'), 3],
  ['softmax 5', lossOf('softmax'), 5],
];

/** A label that the loss takes. */
function labelFor(loss: Loss, outputs: number, i: number): number {
  if (loss.name === 'softmax') return i % outputs;
  if (loss.name === 'logistic') return i % 2;
  if (loss.name === 'gamma') return 0.5 + (i % 7);
  return loss.name === 'poisson' || loss.name === 'tweedie' ? i % 7 : (i % 11) - 5;
}

function fill(
  run: KernelRun,
  loss: Loss,
  outputs: number,
  margins: ArrayLike<number>,
  rows: number,
): LossBlock {
  const stride = rows + 2;
  const block = {
    rows,
    outputs,
    stride,
    margins: run.zeros(Float64Array, outputs * stride),
    labels: run.zeros(Float64Array, stride),
    weights: run.zeros(Float64Array, stride),
    residuals: run.zeros(Float64Array, outputs * stride),
    curvatures: run.zeros(Float64Array, outputs * stride),
  };
  for (let r = 0; r < rows; r++) {
    block.labels[r] = labelFor(loss, outputs, r * 7 + (r >> 2));
    block.weights[r] = r === rows - 1 ? 0 : 0.25 + (r % 5);
    for (let k = 0; k < outputs; k++)
      block.margins[k * stride + r] = margins[(r * outputs + k) % margins.length];
  }
  return block;
}

/** 2490 rows of weight 1 and 10 of padding. */
function fillUnit(run: KernelRun, loss: Loss, outputs: number, margins: ArrayLike<number>): LossBlock {
  const block = fill(run, loss, outputs, margins, 2500);
  block.weights.fill(1, 0, 2490).fill(0, 2490);
  return block;
}

/** Everything that a block gives. */
function evaluate(loss: Loss, outputs: number, margins: ArrayLike<number>, rows: number) {
  return runKernels((run) => {
    const block = fill(run, loss, outputs, margins, rows);
    const sum = lossBlock(loss, run.wasm, block);
    const { residuals, curvatures } = block;
    return { sum, residuals: [...residuals], curvatures: [...curvatures!], margins: [...block.margins] };
  });
}

/** Loss of one row of weight 1. */
function rowLoss(loss: Loss, margins: number[], label: number): number {
  return sumLoss(loss, Float64Array.from(margins), margins.length, Float64Array.of(label)).loss;
}

/** First and second derivatives of one row of weight 1: residuals and curvatures. */
function derivatives(loss: Loss, margins: number[], label: number) {
  const outputs = margins.length;
  const block = {
    rows: 2,
    outputs,
    stride: 2,
    margins: new Float64Array(outputs * 2),
    labels: Float64Array.of(label, 0),
    weights: Float64Array.of(1, 0),
    residuals: new Float64Array(outputs * 2),
    curvatures: new Float64Array(outputs * 2),
  };
  for (const [k, margin] of margins.entries()) block.margins[k * 2] = margin;
  loss.block(block);
  const planes = (array: Float64Array) => margins.map((_, k) => array[k * 2]);
  return { block, residuals: planes(block.residuals), curvatures: planes(block.curvatures) };
}

describe.each(CASES)('loss %s', (_, loss, outputs) => {
  it.each([0, 2, 4, 1024])('kernel and twin give the same bits: %i rows', (rows) => {
    for (const scale of [1e-8, 1, 30, 900]) {
      const margins = someNumbers(1000, 4, scale);
      setKernelMode('plain');
      const before = kernelRuns();
      const plain = evaluate(loss, outputs, margins, rows);
      setKernelMode('wasm');
      expect(evaluate(loss, outputs, margins, rows)).toEqual(plain);
      expect(kernelRuns()).toEqual({ wasm: before.wasm + 1, plain: before.plain + 1 });
    }
  });

  it('gives the same bits and the same loss with unit weights', () => {
    const margins = someNumbers(3000, 6, 10);
    const unit = () =>
      runKernels((run) => {
        const block = { ...fillUnit(run, loss, outputs, margins), unitWeights: true };
        const sum = lossBlock(loss, run.wasm, block);
        const exact = lossBlock(loss, run.wasm, {
          ...fillUnit(run, loss, outputs, margins),
          unitWeights: false,
        });
        return { sum, exact, residuals: [...block.residuals] };
      });
    setKernelMode('plain');
    const plain = unit();
    setKernelMode('wasm');
    expect(unit()).toEqual(plain);
    expect(Math.abs(plain.sum - plain.exact)).toBeLessThan(1e-13 * plain.exact);
  });

  it('is finite and the same on both paths at huge margins, and never NaN at infinite ones', () => {
    const huge = [800, -800, 1e4, -1e4, 1e150, -1e150, 0, -0];
    const infinite = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e308, 3];
    for (const [margins, finite] of [
      [huge, loss.name !== 'squared'],
      [infinite, false],
    ] as const) {
      setKernelMode('plain');
      const plain = evaluate(loss, outputs, margins, 64);
      setKernelMode('wasm');
      expect(evaluate(loss, outputs, margins, 64)).toEqual(plain);
      // The last row has weight 0, which an infinite loss turns into NaN: squared and Huber's loss of infinity.
      const given = [plain.residuals, plain.curvatures].map((plane) => plane.filter((_, i) => i % 66 < 63));
      expect(given.flat().some(Number.isNaN)).toBe(false);
      if (finite) expect(Number.isFinite(plain.sum)).toBe(true);
    }
  });

  it('has residuals that are numeric gradients and curvatures that are numeric Hessians', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -6, max: 6, noNaN: true }), { minLength: outputs, maxLength: outputs }),
        fc.nat(100),
        (margins, place) => {
          const label = labelFor(loss, outputs, place);
          if (loss.name === 'huber') fc.pre(Math.abs(Math.abs(margins[0] - label) - 0.7) > 1e-2);
          if (loss.name === 'quantile') fc.pre(Math.abs(margins[0] - label) > 1e-2);
          const { block, residuals, curvatures } = derivatives(loss, margins, label);
          const moved = (k: number, by: number) => margins.with(k, margins[k] + by);
          const out = new Float64Array(2);
          for (let k = 0; k < outputs; k++) {
            const h = 1e-5;
            const slope = (rowLoss(loss, moved(k, h), label) - rowLoss(loss, moved(k, -h), label)) / (2 * h);
            expect(Math.abs(residuals[k] - slope)).toBeLessThan(1e-6 * Math.max(1, Math.abs(slope)));
            const after = derivatives(loss, moved(k, h), label).residuals;
            const before = derivatives(loss, moved(k, -h), label).residuals;
            for (let j = 0; j < outputs; j++) {
              const bend = (after[j] - before[j]) / (2 * h);
              if (j !== k) loss.cross!(block, j, k, out);
              const given = j === k ? curvatures[k] : out[0];
              expect(Math.abs(given - bend)).toBeLessThan(1e-6 * Math.max(1, Math.abs(bend)));
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('has inverse links and a best constant margin', () => {
    const labels = Float64Array.from({ length: 200 }, (_, i) => labelFor(loss, outputs, (i * i) % 31));
    const classes = Array.from({ length: outputs }, (_, k) => labels.filter((y) => y === k).length);
    const sum = labels.reduce((a, b) => a + b);
    const below = loss.startQuantile === undefined ? 0 : Math.ceil(200 * loss.startQuantile) - 1;
    const quantile = [...labels].sort((a, b) => a - b)[below];
    const best = loss.bestConstant({ weight: 200, sum, exposure: 200, classes, quantile }, outputs);
    expect(best.length).toBe(outputs);
    const at = (margins: Float64Array) =>
      sumLoss(
        loss,
        Float64Array.from({ length: 200 * outputs }, (_, i) => margins[i % outputs]),
        outputs,
        labels,
      ).loss;
    if (loss.name !== 'huber') {
      for (let k = 0; k < outputs; k++) {
        for (const step of [-0.01, 0.01])
          expect(at(best.map((z, i) => (i === k ? z + step : z)))).toBeGreaterThan(at(best));
      }
    }
    const means = best.slice();
    loss.toMeans(means, outputs);
    if (loss.perClass) expect([...means].every((p, k) => Math.abs(p - classes[k] / 200) < 1e-12)).toBe(true);
    else if (loss.startQuantile === undefined) expect(means[0]).toBeCloseTo(sum / 200, 12);
    loss.toMargins(means, outputs);
    loss.toMeans(means, outputs);
    const again = best.slice();
    loss.toMeans(again, outputs);
    for (let k = 0; k < outputs; k++) expect(means[k]).toBeCloseTo(again[k], 12);
  });

  it('has a finite best constant for one-sided labels and for none', () => {
    const some = loss.bestConstant({ weight: 5, sum: 0, exposure: 5, classes: [5, 0, 0, 0, 0] }, outputs);
    const none = loss.bestConstant({ weight: 0, sum: 0, exposure: 0, classes: [0, 0, 0, 0, 0] }, outputs);
    expect([...some, ...none].every(Number.isFinite)).toBe(true);
    expect([...none]).toEqual(new Array(outputs).fill(0));
  });

  it('weighs: weight 2 is the row twice, weight 0 is no row', () => {
    const margins = someNumbers(4 * outputs, 8, 2);
    const labels = Float64Array.from({ length: 4 }, (_, i) => labelFor(loss, outputs, i));
    const weighted = sumLoss(loss, margins, outputs, labels, Float64Array.of(2, 1, 0, 1));
    const rows = [0, 0, 1, 3];
    const twice = sumLoss(
      loss,
      Float64Array.from(rows.flatMap((r) => [...margins.subarray(r * outputs, (r + 1) * outputs)])),
      outputs,
      Float64Array.from(rows, (r) => labels[r]),
    );
    expect(weighted.weight).toBe(twice.weight);
    expect(weighted.loss).toBeCloseTo(twice.loss, 12);
  });
});

describe('labels and names', () => {
  it.each([
    ['logistic', 2, 1],
    ['logistic', 0.5, 1],
    ['softmax', 3, 3],
    ['softmax', -1, 3],
    ['softmax', 1.5, 3],
    ['poisson', -1, 1],
    ['poisson', Number.POSITIVE_INFINITY, 1],
    ['gamma', 0, 1],
    ['gamma', Number.POSITIVE_INFINITY, 1],
    ['tweedie', -0.5, 1],
    ['quantile', Number.NaN, 1],
    ['squared', Number.NaN, 1],
    ['huber', Number.NEGATIVE_INFINITY, 1],
  ])('%s refuses label %d', (name, label, outputs) => {
    const labels = Float64Array.of(1, label);
    expect(() => checkLabels(lossOf(name), labels, outputs)).toThrow(new RegExp(`Row 1: label ${label} `));
  });

  it('takes good labels', () => {
    for (const [name, outputs] of [
      ['logistic', 1],
      ['softmax', 2],
      ['poisson', 1],
      ['squared', 1],
    ] as const) {
      expect(() => checkLabels(lossOf(name), Float64Array.of(0, 1), outputs)).not.toThrow();
    }
  });

  it('finds losses by name and refuses others', () => {
    expect(LOSS_NAMES.map((name) => lossOf(name).name)).toEqual(LOSS_NAMES);
    expect(lossOf({ name: 'huber', delta: 2 }).id).toBe('huber(2)');
    expect(() => lossOf('hinge')).toThrow(/no loss "hinge"; choose one of squared, huber/);
    expect(() => lossOf('toString')).toThrow(/no loss/);
    expect(() => lossOf({ name: 'huber', delta: -1 })).toThrow(/delta is -1/);
    expect(() => lossOf({ name: 'quantile', quantile: 1 })).toThrow(/quantile is 1/);
    expect(() => lossOf({ name: 'tweedie', power: 2 })).toThrow(/power is 2/);
    expect(lossOf({ name: 'quantile', quantile: 0.9 }).id).toBe('quantile(0.9)');
    expect(lossOf({ name: 'tweedie', power: 1.7 }).id).toBe('tweedie(1.7)');
  });

  it('Poisson stays finite where its exponential would not', () => {
    expect(rowLoss(lossOf('poisson'), [1000], 3)).toBe(Math.exp(100) * 901 - 3000);
  });
});

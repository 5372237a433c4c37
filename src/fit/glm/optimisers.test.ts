import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../../random.ts';
import { fitLoop, fitLoopSync } from '../loop.ts';
import { cholesky, solveCholesky } from './cholesky.ts';
import { lbfgs } from './lbfgs.ts';
import { newton } from './newton.ts';
import { dot, type Evaluation, maxNorm } from './objective.ts';
import { owlqn, pseudoGradient } from './owlqn.ts';

const RULE = { tolerance: 1e-9, maxRounds: 500 };

/** Mean logistic loss of random rows with `features` correlated columns and a ridge, as a plain formula. */
function logisticProblem(rows: number, features: number, seed: number, l2: number) {
  const x = Array.from({ length: rows }, (_, r) =>
    Float64Array.from({ length: features }, (_, f) => {
      const own = randomUniform(seed, r, f) - 0.5;
      return f === 0 ? 1 : own * (1 + f) + (randomUniform(seed, r, 1000) - 0.5) * 3;
    }),
  );
  const y = x.map((row, r) => (row[1] - 0.5 * (row[2] ?? 0) + 2 * randomUniform(seed, r, 2000) > 1 ? 1 : 0));
  const at = (w: Float64Array): Evaluation & { hessian: Float64Array } => {
    const gradient = new Float64Array(features);
    const hessian = new Float64Array(features * features);
    let value = 0;
    for (let r = 0; r < rows; r++) {
      const margin = dot(x[r], w);
      const p = 1 / (1 + Math.exp(-margin));
      value += (Math.log1p(Math.exp(-Math.abs(margin))) + Math.max(margin, 0) - y[r] * margin) / rows;
      for (let f = 0; f < features; f++) {
        gradient[f] += ((p - y[r]) * x[r][f]) / rows;
        for (let g = 0; g < features; g++)
          hessian[f * features + g] += (p * (1 - p) * x[r][f] * x[r][g]) / rows;
      }
    }
    for (let f = 0; f < features; f++) {
      value += (l2 / 2) * w[f] * w[f];
      gradient[f] += l2 * w[f];
      hessian[f * features + f] += l2;
    }
    return { value, gradient, hessian };
  };
  return at;
}

function rosenbrock(x: Float64Array): Evaluation {
  const gradient = new Float64Array(x.length);
  let value = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const bend = x[i + 1] - x[i] * x[i];
    value += 100 * bend * bend + (1 - x[i]) * (1 - x[i]);
    gradient[i] += -400 * x[i] * bend - 2 * (1 - x[i]);
    gradient[i + 1] += 200 * bend;
  }
  return { value, gradient };
}

describe('lbfgs', () => {
  it('finds the minimum of the Rosenbrock function in ten dimensions', () => {
    const start = new Float64Array(10).map((_, i) => (i % 2 === 0 ? -1.2 : 1));
    const optimum = fitLoopSync(lbfgs(start, RULE), rosenbrock);
    expect(optimum.converged).toBe(true);
    for (const value of optimum.point.parameters) expect(value).toBeCloseTo(1, 7);
    expect(optimum.rounds).toBeLessThan(120);
  });

  it('agrees with Newton on a logistic objective, and a preconditioner saves rounds', () => {
    const at = logisticProblem(300, 12, 7, 1e-3);
    const start = new Float64Array(12);
    const plain = fitLoopSync(lbfgs(start, RULE), at);
    const exact = fitLoopSync(newton(start, RULE), at);
    const factor = cholesky(at(exact.point.parameters).hessian, 12);
    const helped = fitLoopSync(lbfgs(start, { ...RULE, precondition: (v) => solveCholesky(factor, v) }), at);
    for (const optimum of [plain, exact, helped]) {
      expect(optimum.converged).toBe(true);
      expect(optimum.point.value).toBeCloseTo(exact.point.value, 13);
    }
    expect(helped.rounds).toBeLessThan(plain.rounds / 2);
    expect(exact.rounds).toBeLessThan(12);
  });

  it('stops at max-rounds, says so, and never does more rounds than asked', () => {
    for (const maxRounds of [1, 2, 3, 7]) {
      let calls = 0;
      const optimum = fitLoopSync(lbfgs(new Float64Array(10), { tolerance: 1e-12, maxRounds }), (x) => {
        calls++;
        return rosenbrock(x);
      });
      expect(optimum).toMatchObject({ converged: false, reason: 'max-rounds' });
      expect(calls).toBe(optimum.rounds);
      expect(calls).toBeLessThanOrEqual(maxRounds);
    }
  });

  it('ends on a start that is not finite and steps back from an overflow', () => {
    const broken = fitLoopSync(lbfgs(new Float64Array(2), RULE), () => ({
      value: Number.NaN,
      gradient: new Float64Array(2),
    }));
    expect(broken).toMatchObject({ converged: false, reason: 'not-finite' });
    const steep = (x: Float64Array): Evaluation => {
      const wall = x[0] > 3 ? Number.POSITIVE_INFINITY : -Math.log(3.0001 - x[0]) - 40 * x[0];
      return { value: wall, gradient: Float64Array.of(1 / (3.0001 - x[0]) - 40) };
    };
    const optimum = fitLoopSync(lbfgs(new Float64Array(1), { ...RULE, tolerance: 1e-6 }), steep);
    expect(optimum.converged).toBe(true);
    expect(optimum.point.parameters[0]).toBeCloseTo(3.0001 - 1 / 40, 6);
  });

  it('ends on separable data without a penalty', () => {
    const at = (w: Float64Array): Evaluation => ({
      value: Math.log1p(Math.exp(-w[0])),
      gradient: Float64Array.of(-1 / (1 + Math.exp(w[0]))),
    });
    const optimum = fitLoopSync(lbfgs(new Float64Array(1), { tolerance: 1e-6, maxRounds: 200 }), at);
    expect(optimum.converged).toBe(true);
    expect(optimum.rounds).toBeLessThan(60);
  });
});

describe('newton', () => {
  it('solves a quadratic in one step and survives a singular Hessian', async () => {
    const at = (w: Float64Array) => ({
      value: 0.5 * (w[0] + w[1] - 2) ** 2,
      gradient: new Float64Array(2).fill(w[0] + w[1] - 2),
      hessian: new Float64Array(4).fill(1),
    });
    const optimum = await fitLoop(newton(new Float64Array(2), RULE), async (w) => at(w));
    expect(optimum.converged).toBe(true);
    expect(optimum.point.parameters[0] + optimum.point.parameters[1]).toBeCloseTo(2, 8);
    expect(optimum.rounds).toBeLessThanOrEqual(3);
  });
});

describe('cholesky', () => {
  it('solves random positive definite systems', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat(), (order, seed) => {
        const a = Float64Array.from({ length: order * order }, (_, i) => randomUniform(seed, 1, i) - 0.5);
        const matrix = new Float64Array(order * order);
        for (let i = 0; i < order; i++) {
          for (let j = 0; j < order; j++) {
            for (let k = 0; k < order; k++) matrix[i * order + j] += a[i * order + k] * a[j * order + k];
            if (i === j) matrix[i * order + j] += 0.1;
          }
        }
        const x = Float64Array.from({ length: order }, (_, i) => randomUniform(seed, 2, i));
        const b = Float64Array.from(x, (_, i) => dot(matrix.subarray(i * order, (i + 1) * order), x));
        solveCholesky(cholesky(matrix, order), b);
        for (let i = 0; i < order; i++) expect(b[i]).toBeCloseTo(x[i], 8);
      }),
    );
  });
});

describe('owlqn', () => {
  it('solves the lasso on an orthogonal design by soft thresholding, exactly zero below it', () => {
    const target = Float64Array.of(3, -2, 0.4, -0.3, 0, 5);
    const strengths = Float64Array.of(0.5, 0.5, 0.5, 0.5, 0.5, 0);
    const at = (w: Float64Array): Evaluation => ({
      value: w.reduce((sum, v, i) => sum + 0.5 * (v - target[i]) ** 2, 0),
      gradient: w.map((v, i) => v - target[i]),
    });
    const optimum = fitLoopSync(owlqn(new Float64Array(6), { ...RULE, strengths }), at);
    expect(optimum.converged).toBe(true);
    const expected = [2.5, -1.5, 0, 0, 0, 5];
    optimum.point.parameters.forEach((value, i) => {
      if (expected[i] === 0) expect(value).toBe(0);
      else expect(value).toBeCloseTo(expected[i], 8);
    });
  });

  it('ends where the subgradient holds zero, for random logistic problems and penalties', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 10 }),
        fc.nat(1000),
        fc.double({ min: 0, max: 0.2, noNaN: true }),
        (features, seed, l1) => {
          const at = logisticProblem(80, features, seed, 1e-4);
          const strengths = new Float64Array(features).fill(l1);
          strengths[0] = 0;
          const rule = { tolerance: 1e-7, maxRounds: 3000 };
          const optimum = fitLoopSync(owlqn(new Float64Array(features), { ...rule, strengths }), at);
          expect(optimum.converged).toBe(true);
          const end = { ...optimum.point, ...at(optimum.point.parameters) };
          expect(maxNorm(pseudoGradient(end, strengths))).toBeLessThan(1e-5);
        },
      ),
      { numRuns: 40 },
    );
  });
});

/**
 * Whole fits against scikit-learn (scripts/goldens/glm.py) and against the promises of fitGlm.
 * Tolerance 2e-5 on coefficients: both solvers stop at gradients of about 1e-9, the rest is f32 features and, for
 * saga, its own stopping rule.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { createParticle } from '../../particle/create.ts';
import type { Particle } from '../../particle/particle.ts';
import type { Role } from '../../particle/schema.ts';
import { randomUniform } from '../../random.ts';
import { inlineExecutor } from '../../run/inline.ts';
import { memoryParticles } from '../../run/memory-source.ts';
import type { Reference } from '../../run/reference.ts';
import golden from './fixtures/adult.json' with { type: 'json' };
import { type FitGlmOptions, fitGlm, type GlmResult } from './glm.ts';

const executor = inlineExecutor();
afterAll(() => executor.close());

const VIEW = new URL('../../../test/number-view.ts', import.meta.url).href;
const DENSE: Reference = { module: VIEW, name: 'numberView' };
const SPARSE: Reference = { module: VIEW, name: 'sparseNumberView' };

async function fitted(
  particles: readonly Particle[],
  options: Omit<FitGlmOptions, 'view'>,
  view = DENSE,
): Promise<GlmResult> {
  const session = await executor.open(memoryParticles(particles));
  try {
    return await fitGlm(session, { ...options, view });
  } finally {
    await session.close();
  }
}

const ADULT = readFileSync(new URL('../../../data/adult/adult.csv.gz', import.meta.url));
const ROWS = 4000;
const CELLS = gunzipSync(ADULT)
  .toString()
  .split('\n')
  .slice(1, ROWS + 1)
  .map((line) => line.split(',').map((cell) => cell.trim()));
const NUMERIC = [0, 2, 4, 10, 11, 12];

function standardised(column: number): Float32Array {
  const values = CELLS.map((row) => Number(row[column]));
  const mean = values.reduce((sum, value) => sum + value, 0) / ROWS;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / ROWS;
  return Float32Array.from(values, (value) => (value - mean) / Math.sqrt(variance));
}

const X = NUMERIC.map(standardised);
const INCOME = CELLS.map((row) => (row[14].startsWith('>50K') ? 1 : 0));
const RELATIONS = [...new Set(CELLS.map((row) => row[7]))].sort();
const RELATION = CELLS.map((row) => RELATIONS.indexOf(row[7]));
const HOURS = Array.from(X[5]);
const WEIGHTS = CELLS.map((_, i) => Number((1 + (i % 7) / 3).toFixed(3)));
const EXPOSURE = CELLS.map((_, i) => 0.5 + (i % 5) / 4);
const COUNTS = CELLS.map((row, i) => (((i * 7919) % 11) + Math.floor(Number(row[0]) / 20)) * (i % 3));

/** Particles of 900 rows each. */
function particlesOf(
  features: readonly ArrayLike<number>[],
  labels: readonly number[],
  more: Partial<Record<'weight' | 'exposure', readonly number[]>> = {},
): Particle[] {
  const all: Record<string, ArrayLike<number>> = { ...more, label: labels };
  features.forEach((column, f) => {
    all[`x${f}`] = column;
  });
  const roles: Record<string, Role> = { label: 'label' };
  for (const role of Object.keys(more)) roles[role] = role as Role;
  const particles: Particle[] = [];
  for (let start = 0; start < labels.length; start += 900) {
    const columns = Object.fromEntries(
      Object.entries(all).map(([name, values]) => [name, Array.from(values).slice(start, start + 900)]),
    );
    particles.push(createParticle({ columns, roles }));
  }
  return particles;
}

interface Golden {
  readonly l1?: number;
  readonly l2: number;
  readonly delta?: number;
  readonly coefficients: readonly (readonly number[])[];
  readonly intercepts: readonly number[];
}

/** Coefficients and intercepts of a golden as parameters; softmax is centred over classes, as both sides end. */
function parametersOf({ coefficients, intercepts }: Golden): number[] {
  return coefficients.flatMap((row, k) => [...row, intercepts[k]]);
}

/** Softmax intercepts have no penalty, so only their differences are fixed: both sides are centred. */
function centred(parameters: ArrayLike<number>, outputs: number): number[] {
  const width = parameters.length / outputs;
  const out = Array.from(parameters);
  let mean = 0;
  for (let k = 0; k < outputs; k++) mean += out[k * width + width - 1] / outputs;
  if (outputs > 1) for (let k = 0; k < outputs; k++) out[k * width + width - 1] -= mean;
  return out;
}

function expectParameters(result: GlmResult, expected: Golden, outputs = 1, tolerance = 2e-5): void {
  const ours = centred(result.parameters, outputs);
  const theirs = centred(parametersOf(expected), outputs);
  expect(ours.length).toBe(theirs.length);
  ours.forEach((value, i) => {
    expect(Math.abs(value - theirs[i]), `parameter ${i}: ${value} against ${theirs[i]}`).toBeLessThan(
      tolerance,
    );
  });
}

const OTHERS = X.map((column, f) => (f === 5 ? new Float32Array(ROWS) : column));
const TIGHT = { tolerance: 1e-9, features: 6, outputs: 1 } as const;
const { goldens } = golden;

it('sees the same features as the goldens', () => {
  golden.features.forEach((column, f) => {
    column.forEach((value, row) => {
      expect(X[f][row]).toBeCloseTo(value, 9);
    });
  });
});

describe('fitGlm against scikit-learn', () => {
  const income = particlesOf(X, INCOME);
  const hours = particlesOf(OTHERS, HOURS);

  it.each([
    ['logistic', goldens.logistic],
    ['logisticStrong', goldens.logisticStrong],
    ['logisticL1', goldens.logisticL1],
    ['logisticElastic', goldens.logisticElastic],
  ] as const)('%s, dense and sparse', async (_, expected: Golden) => {
    const { l1, l2 } = expected;
    for (const view of [DENSE, SPARSE]) {
      const result = await fitted(income, { ...TIGHT, loss: 'logistic', l1, l2 }, view);
      expect(result.converged).toBe(true);
      expectParameters(result, expected);
      const zeros = expected.coefficients[0].map((value) => value === 0);
      expect(Array.from(result.parameters.subarray(0, 6), (value) => value === 0)).toEqual(zeros);
    }
  });

  it('logistic with row weights, and the default penalty is C = 1', async () => {
    const result = await fitted(particlesOf(X, INCOME, { weight: WEIGHTS }), { ...TIGHT, loss: 'logistic' });
    expect(result.l2).toBeCloseTo(goldens.logisticWeighted.l2, 15);
    expectParameters(result, goldens.logisticWeighted);
  });

  it('logistic with balanced class weights, by name and by factor', async () => {
    const positive = INCOME.reduce((sum: number, y) => sum + y, 0);
    const factors = [ROWS / (2 * (ROWS - positive)), ROWS / (2 * positive)];
    for (const classWeight of ['balanced', factors] as const) {
      const result = await fitted(income, { ...TIGHT, loss: 'logistic', classWeight });
      expect(result.weight).toBeCloseTo(ROWS, 8);
      expectParameters(result, goldens.logisticBalanced);
    }
  });

  it('softmax', async () => {
    const options = { ...TIGHT, loss: 'softmax', outputs: RELATIONS.length } as const;
    const result = await fitted(particlesOf(X, RELATION), options);
    expect(result.converged).toBe(true);
    expectParameters(result, goldens.softmax, RELATIONS.length, 2e-4);
  });

  it('ridge and elastic net', async () => {
    expectParameters(await fitted(hours, { ...TIGHT, loss: 'squared', l2: goldens.ridge.l2 }), goldens.ridge);
    const { l1, l2 } = goldens.elasticNet;
    expectParameters(await fitted(hours, { ...TIGHT, loss: 'squared', l1, l2 }), goldens.elasticNet);
  });

  it('Poisson, with and without exposure', async () => {
    const plain = await fitted(particlesOf(X, COUNTS), { ...TIGHT, loss: 'poisson', l2: goldens.poisson.l2 });
    expectParameters(plain, goldens.poisson);
    const particles = particlesOf(X, COUNTS, { exposure: EXPOSURE });
    const exposed = await fitted(particles, { ...TIGHT, loss: 'poisson', l2: goldens.poissonExposure.l2 });
    expectParameters(exposed, goldens.poissonExposure);
  });

  it('gamma and Tweedie', async () => {
    const amounts = COUNTS.map((count) => count + 0.5);
    const { gamma, tweedie } = goldens;
    expectParameters(await fitted(particlesOf(X, amounts), { ...TIGHT, loss: 'gamma', l2: gamma.l2 }), gamma);
    const loss = { name: 'tweedie', power: 1.4 } as const;
    expectParameters(await fitted(particlesOf(X, COUNTS), { ...TIGHT, loss, l2: tweedie.l2 }), tweedie);
  });

  it('refuses quantiles, and labels that a loss does not take', async () => {
    const particles = particlesOf(X, COUNTS);
    await expect(fitted(particles, { ...TIGHT, loss: 'quantile' })).rejects.toMatchObject({
      code: 'bad-option',
    });
    await expect(fitted(particles, { ...TIGHT, loss: 'gamma' })).rejects.toMatchObject({
      code: 'bad-data',
      message: expect.stringContaining('least label of the training rows is 0'),
    });
  });

  it('Huber with a fixed delta', async () => {
    const { l2, delta } = goldens.huber;
    const result = await fitted(hours, { ...TIGHT, loss: 'huber', l2, delta });
    expect(result.delta).toBe(delta);
    expectParameters(result, goldens.huber, 1, 2e-4);
  });
});

describe('fitGlm', () => {
  const income = particlesOf(X, INCOME);

  it('gives the same parameters, bit for bit, twice and from a wide or narrow plan the same optimum', async () => {
    const options = { loss: 'logistic', outputs: 1, features: 6 } as const;
    const [a, b] = [await fitted(income, options), await fitted(income, options)];
    expect(a.parameters).toEqual(b.parameters);
    expect(a.history).toEqual(b.history);
  });

  it('solves wide problems, with and without L1, and many classes, to a small gradient', async () => {
    const rows = 600;
    const wide = Array.from({ length: 700 }, (_, f) =>
      Float32Array.from({ length: rows }, (_, r) => (randomUniform(5, r, f) < 0.02 ? 1 : 0)),
    );
    const y = Array.from({ length: rows }, (_, r) =>
      randomUniform(6, 0, r) + wide[0][r] + wide[1][r] > 0.7 ? 1 : 0,
    );
    const options = { loss: 'logistic', outputs: 1, features: 700, l2: 1e-3, tolerance: 1e-7 } as const;
    for (const l1 of [0, 0.005]) {
      const result = await fitted(particlesOf(wide, y), { ...options, l1 }, SPARSE);
      expect(result.converged).toBe(true);
      expect(result.gradientNorm).toBeLessThan(2e-6);
      const zeros = result.parameters.filter((value) => value === 0).length;
      expect(l1 === 0 ? zeros === 0 : zeros > 300).toBe(true);
    }
    const classes = Array.from({ length: rows }, (_, r) => Math.floor(8 * randomUniform(7, 0, r)));
    const many = { loss: 'softmax', outputs: 8, features: 100, l2: 1e-2, tolerance: 1e-7 } as const;
    const result = await fitted(particlesOf(wide.slice(0, 100), classes), many);
    expect(result).toMatchObject({ converged: true, reason: 'gradient' });
    expect(result.rounds).toBeLessThan(60);
  });

  it('ends a wide fit where Newton ends', async () => {
    const repeated = Array.from({ length: 700 }, (_, f) => (f < 6 ? X[f] : new Float32Array(ROWS)));
    const labels = INCOME;
    const options = { ...TIGHT, loss: 'logistic', features: 700 } as const;
    const result = await fitted(particlesOf(repeated, labels), options, SPARSE);
    const exact = goldens.logistic.coefficients[0];
    exact.forEach((value, f) => {
      expect(result.parameters[f]).toBeCloseTo(value, 4);
    });
    expect(result.parameters.slice(6, 700).every((value) => value === 0)).toBe(true);
  });

  it('leaves columns that no row has at 0 in wide fits without an L2 penalty', async () => {
    const columns = Array.from({ length: 700 }, (_, f) => (f < 6 ? X[f] : new Float32Array(ROWS)));
    for (const l1 of [0, 1e-3]) {
      const options = { loss: 'logistic', outputs: 1, features: 700, l1, l2: 0 } as const;
      const result = await fitted(particlesOf(columns, INCOME), options, SPARSE);
      expect(result.converged).toBe(true);
      expect(result.parameters.every(Number.isFinite)).toBe(true);
      expect(result.parameters.slice(6, 700).every((value) => value === 0)).toBe(true);
    }
  });

  it('ends on separable data without a penalty', async () => {
    const x = Float32Array.from(
      { length: 400 },
      (_, i) => (i % 2 === 0 ? -1 : 1) * (1 + randomUniform(1, 1, i)),
    );
    const y = Array.from(x, (value) => (value > 0 ? 1 : 0));
    for (const l1 of [0, 1e-9]) {
      const options = { loss: 'logistic', outputs: 1, features: 1, l1, l2: 0, maxRounds: 100 } as const;
      const result = await fitted(particlesOf([x], y), options);
      expect(result.objective).toBeLessThan(0.01);
      expect(result.rounds).toBeLessThanOrEqual(100);
      expect(result.parameters.every(Number.isFinite)).toBe(true);
    }
  });

  it('says when it stopped before the end', async () => {
    const rounds: number[] = [];
    const result = await fitted(income, {
      ...TIGHT,
      loss: 'logistic',
      maxRounds: 1,
      onRound: ({ round }) => rounds.push(round),
    });
    expect(result).toMatchObject({ converged: false, reason: 'max-rounds', rounds: 1 });
    expect(rounds).toEqual([1]);
  });

  it('starts from given parameters, and at the optimum needs one round', async () => {
    const options = { loss: 'logistic', outputs: 1, features: 6, tolerance: 1e-6 } as const;
    const first = await fitted(income, options);
    const again = await fitted(income, { ...options, warmStart: first.parameters });
    expect(again.rounds).toBe(1);
    expect(again.converged).toBe(true);
  });

  it('weighs a row of weight 2 as the row twice, and one of weight 0 not at all', async () => {
    const options = { ...TIGHT, loss: 'logistic', l2: 1e-3 } as const;
    const small = X.map((column) => column.slice(0, 60));
    const labels = INCOME.slice(0, 60);
    const heavy = await fitted(
      particlesOf(small, labels, { weight: labels.map((_, i) => (i < 20 ? 2 : 1)) }),
      options,
    );
    const twice = await fitted(
      particlesOf(
        small.map((column) => Float32Array.from([...column, ...column.subarray(0, 20)])),
        [...labels, ...labels.slice(0, 20)],
      ),
      options,
    );
    heavy.parameters.forEach((value, i) => {
      expect(value).toBeCloseTo(twice.parameters[i], 6);
    });
  });

  it('refuses what cannot be learned, with the remedy', async () => {
    const one = particlesOf(X, new Array(ROWS).fill(1));
    await expect(fitted(one, { ...TIGHT, loss: 'logistic' })).rejects.toThrow(
      /All 4000 training rows have the same class/,
    );
    await expect(fitted(income, { ...TIGHT, loss: 'logistic', l1: -1 })).rejects.toThrow(/Option l1 is -1/);
    await expect(fitted(income, { ...TIGHT, loss: 'logistic', classWeight: [1] })).rejects.toThrow(
      /2 positive numbers/,
    );
    await expect(fitted(income, { ...TIGHT, loss: 'squared', classWeight: 'balanced' })).rejects.toThrow(
      /label with classes/,
    );
  });

  it('stops on request', async () => {
    const controller = new AbortController();
    const signal = controller.signal;
    const work = fitted(income, { ...TIGHT, loss: 'logistic', signal, onRound: () => controller.abort() });
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
  });
});

import { afterEach, expect, it } from 'vitest';
import { randomUniform, randomWord } from '../random.ts';
import { kernelRuns, setKernelMode } from './mode.ts';
import { type Forces, withForces } from './rank.ts';

afterEach(() => setKernelMode('wasm'));

function queryOf(seed: number, rows: number, ties: boolean) {
  const scores = Float64Array.from({ length: rows }, (_, row) =>
    ties ? Math.floor(3 * randomUniform(seed, 0, row)) : 40 * (randomUniform(seed, 0, row) - 0.5),
  );
  return {
    scores: scores.sort().reverse(),
    gains: Float64Array.from({ length: rows }, (_, row) => (2 ** (randomWord(seed, 1, row) % 4) - 1) / 20),
    discounts: Float64Array.from({ length: rows }, (_, place) => 1 / Math.log2(place + 2)),
  };
}

/** Pair by pair, as the paper has it. */
function expected({ scores, gains, discounts }: ReturnType<typeof queryOf>, places: number) {
  const residuals = new Float64Array(scores.length);
  const curvatures = new Float64Array(scores.length);
  let total = 0;
  for (let i = 0; i < Math.min(places, scores.length); i++) {
    for (let j = i + 1; j < scores.length; j++) {
      if (gains[i] === gains[j]) continue;
      const [high, low] = gains[i] > gains[j] ? [i, j] : [j, i];
      const change = (gains[high] - gains[low]) * (discounts[i] - discounts[j]);
      const isFlat = scores[0] === scores[scores.length - 1];
      const force = isFlat ? change : change / (0.01 + Math.abs(scores[high] - scores[low]));
      const share = 1 / (1 + Math.exp(scores[high] - scores[low]));
      residuals[high] -= share * force;
      residuals[low] += share * force;
      for (const row of [high, low]) curvatures[row] += share * (1 - share) * force;
      total += 2 * share * force;
    }
  }
  return { residuals, curvatures, total };
}

it.each([
  [1, 1, false],
  [2, 2, false],
  [3, 7, true],
  [4, 40, false],
  [5, 41, true],
  [6, 200, false],
])('forces of a query are those of its pairs, on both paths (%i: %i rows)', (seed, rows, ties) => {
  const query = queryOf(seed, rows, ties);
  const copy = ({ residuals, curvatures, total }: Forces) => ({
    residuals: residuals.slice(0, rows),
    curvatures: curvatures.slice(0, rows),
    total,
  });
  const [plain, wasm] = (['plain', 'wasm'] as const).map((mode) => {
    setKernelMode(mode);
    const before = kernelRuns()[mode];
    const found = withForces(query, 30, 0.01, copy);
    expect(kernelRuns()[mode]).toBe(before + 1);
    return found;
  });
  expect(wasm).toEqual(plain);
  const { residuals, curvatures, total } = expected(query, 30);
  expect(wasm.total).toBeCloseTo(total, 10);
  for (let row = 0; row < rows; row++) {
    expect(wasm.residuals[row]).toBeCloseTo(residuals[row], 10);
    expect(wasm.curvatures[row]).toBeCloseTo(curvatures[row], 10);
  }
});

it('equal scores are divided by nothing', () => {
  const query = { ...queryOf(9, 20, true), scores: new Float64Array(20).fill(3) };
  const { total } = expected(query, 30);
  expect(withForces(query, 30, 0.01, (forces) => forces.total)).toBeCloseTo(total, 10);
});

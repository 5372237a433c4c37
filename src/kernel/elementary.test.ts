import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../random.ts';
import { exp, expm1, expUnit, log, log1p, log1pUnit, sigmoid, softplus, tanh } from './elementary.ts';
import { loadKernels } from './load.ts';
import { scratch } from './memory.ts';

type Function1 = (x: number) => number;

/** Largest errors in units in the last place, as docs/decisions/004-kernels.md states them. */
const ALLOWED: [string, Function1, number][] = [
  ['exp', exp, 1],
  ['log', log, 0.8],
  ['log1p', log1p, 0.8],
  ['log1pUnit', log1pUnit, 1.2],
  ['expm1', expm1, 1.3],
  ['tanh', tanh, 2.3],
  ['sigmoid', sigmoid, 2.8],
  ['softplus', softplus, 1.6],
];

/** x, the double nearest to f(x), and what f(x) is more than that; written by fixtures/elementary.py. */
const goldens: Record<string, [number, number, number][]> = JSON.parse(
  readFileSync(new URL('./fixtures/elementary.json', import.meta.url), 'utf8'),
);

function ulp(x: number): number {
  const bits = new BigInt64Array(1);
  const number = new Float64Array(bits.buffer);
  number[0] = Math.abs(x);
  bits[0] += 1n;
  return number[0] - Math.abs(x);
}

describe('elementary functions', () => {
  it.each(ALLOWED)('%s is within its stated error of exact values', (name, f, allowed) => {
    for (const [x, nearest, rest] of goldens[name]) {
      expect(Math.abs(f(x) - nearest - rest), `${name}(${x})`).toBeLessThanOrEqual(allowed * ulp(nearest));
    }
  });

  it('agrees with Math over its range', () => {
    const near = (a: number, b: number, allowed: number) =>
      expect(Math.abs(a - b), `${a} and ${b}`).toBeLessThanOrEqual(allowed * ulp(b));
    for (let i = 0; i < 20_000; i++) {
      const x = 1400 * randomUniform(1, 1, i) - 700;
      const small = 4 * randomUniform(1, 2, i) - 2;
      near(exp(x), Math.exp(x), 2);
      near(exp(small), Math.exp(small), 2);
      near(log(Math.exp(x)), Math.log(Math.exp(x)), 2);
      near(log(small + 2.001), Math.log(small + 2.001), 2);
      near(log1p(small / 2.001), Math.log1p(small / 2.001), 2);
      near(expm1(small), Math.expm1(small), 3);
      near(tanh(small), Math.tanh(small), 5);
    }
  });

  it('has the limits of the functions', () => {
    const { POSITIVE_INFINITY: infinity, NaN: nan } = Number;
    expect([exp(0), exp(-infinity), exp(infinity), exp(710), exp(-746), exp(-745)]).toEqual([
      1,
      0,
      infinity,
      infinity,
      0,
      5e-324,
    ]);
    expect([log(1), log(0), log(-1), log(infinity)]).toEqual([0, -infinity, nan, infinity]);
    expect([log1p(0), log1p(-1), log1p(-2), log1p(infinity)]).toEqual([0, -infinity, nan, infinity]);
    expect([expm1(0), expm1(-infinity), expm1(infinity)]).toEqual([0, -1, infinity]);
    expect([tanh(-0), tanh(infinity), tanh(-infinity)]).toEqual([-0, 1, -1]);
    expect([sigmoid(800), sigmoid(-1000), softplus(-1000), softplus(1e6)].map((x) => Math.round(x))).toEqual([
      1, 0, 0, 1e6,
    ]);
    for (const f of [exp, expm1, log, log1p, tanh, sigmoid, softplus]) expect(f(nan)).toBeNaN();
  });

  it('has the special forms of the loss kernels', () => {
    for (let i = 0; i < 5000; i++) {
      const x = -708 * randomUniform(2, 1, i);
      expect(Math.abs(expUnit(x) - exp(x))).toBeLessThanOrEqual(2 * ulp(exp(x)));
      const t = randomUniform(2, 2, i);
      expect(Math.abs(log1pUnit(t) - log1p(t))).toBeLessThanOrEqual(2 * ulp(log1p(t)));
    }
    expect(expUnit(-1e300)).toBe(expUnit(-708));
    expect([expUnit(0), log1pUnit(0)]).toEqual([1, 0]);
  });

  it('gives the same bits in both lanes of the kernels', () => {
    const count = 20_000;
    const mark = scratch.mark();
    const inputs = scratch.alloc(Float64Array, count)!;
    const outputs = scratch.alloc(Float64Array, count)!;
    const specials = [
      0,
      -0,
      1,
      -1,
      710,
      -745.1,
      -746,
      1e300,
      -1e300,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ];
    inputs.set(specials.map((x, i) => (inputs[i] = x)));
    for (let i = specials.length; i < count; i++) {
      const span = i % 3 === 0 ? 1500 : i % 3 === 1 ? 4 : 1e-3;
      inputs[i] = span * (randomUniform(3, 1, i) - 0.5);
    }
    loadKernels().expArray(inputs.byteOffset, outputs.byteOffset, count);
    expect([...outputs]).toEqual([...inputs].map(exp));
    for (let i = 0; i < count; i++)
      inputs[i] = i % 2 ? 1e3 * randomUniform(3, 2, i) + 1e-9 : 2 ** (2000 * randomUniform(3, 3, i) - 1000);
    loadKernels().logArray(inputs.byteOffset, outputs.byteOffset, count);
    expect([...outputs]).toEqual([...inputs].map(log));
    scratch.reset(mark);
  });
});

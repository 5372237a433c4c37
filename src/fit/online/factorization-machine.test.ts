/** Factorization machines: their formulas against plain sums and differences, and what they promise of rows never seen. */
import { describe, expect, it } from 'vitest';
import { FACTOR_HEAD, factorMargin, factorRecord, factorStep } from '../../kernel/factor.ts';
import { randomUniform } from '../../random.ts';
import { createOnline, type OnlineModel } from './online.ts';

const FACTORS = 4;
const STRIDE = factorRecord(FACTORS);

function table(width: number, outputs: number) {
  const records = Float64Array.from(
    { length: width * outputs * STRIDE },
    (_, i) => randomUniform(3, 1, i) - 0.5,
  );
  for (let at = 0; at < width * outputs; at++) {
    records[at * STRIDE + 1] = 0.3;
    records[at * STRIDE + 2] = 0.2;
    records[at * STRIDE + 3] = 4;
  }
  return { factors: FACTORS, outputs, records, sums: new Float64Array(outputs * FACTORS) };
}

const row = { indices: Uint32Array.of(9, 5, 0, 2, 7), values: Float64Array.of(9, 1.5, -2, 0.25, 1) };

describe('records of factorization machines', () => {
  it('give the margin that the sum over pairs gives', () => {
    const { records, ...rest } = table(8, 2);
    const at = (e: number, n: number) => records[(row.indices[e] * 2 + 1) * STRIDE + n];
    let expected = 0;
    for (let a = 1; a < 5; a++) {
      expected += at(a, 0) * row.values[a];
      for (let b = a + 1; b < 5; b++) {
        let dot = 0;
        for (let f = 0; f < FACTORS; f++) dot += at(a, FACTOR_HEAD + f) * at(b, FACTOR_HEAD + f);
        expected += dot * row.values[a] * row.values[b];
      }
    }
    expect(factorMargin({ records, ...rest }, 1, row, 1, 5)).toBeCloseTo(expected, 12);
  });

  it('step down the derivative of the margin, AdaGrad and prior as written', () => {
    const machine = table(8, 1);
    const before = machine.records.slice();
    const gradient = (record: number, n: number) => {
      const moved = (by: number) => {
        const records = before.slice();
        records[record * STRIDE + n] += by;
        return factorMargin({ ...machine, records, sums: new Float64Array(FACTORS) }, 0, row, 1, 5);
      };
      return (moved(1e-5) - moved(-1e-5)) / 2e-5;
    };
    factorMargin(machine, 0, row, 1, 5);
    factorStep(machine, 0, row, 1, 5, 1.7, { rate: 0.2, factorRate: 0.4, prior: 3, factorPrior: 5 });
    for (let e = 1; e < 5; e++) {
      const record = row.indices[e];
      const g = 1.7 * gradient(record, 0);
      const step = 0.2 / Math.sqrt(1 + 0.3 + g * g);
      expect(machine.records[record * STRIDE]).toBeCloseTo(
        (before[record * STRIDE] - step * g) / (1 + (step * 3) / 4),
        8,
      );
      const gradients = Array.from({ length: FACTORS }, (_, f) => 1.7 * gradient(record, FACTOR_HEAD + f));
      const squares = 0.2 + gradients.reduce((sum, d) => sum + d * d, 0) / FACTORS;
      const move = 0.4 / Math.sqrt(1 + squares);
      for (const [f, d] of gradients.entries()) {
        const at = record * STRIDE + FACTOR_HEAD + f;
        expect(machine.records[at]).toBeCloseTo((before[at] - move * d) / (1 + (move * 5) / 4), 7);
      }
    }
    for (const untouched of [1, 3, 4, 6]) {
      const from = untouched * STRIDE;
      expect(machine.records.subarray(from, from + STRIDE)).toEqual(before.subarray(from, from + STRIDE));
    }
  });
});

const features = { user: 'category', kind: 'category', item: 'category' } as const;

/** Users of two kinds like items of two sorts crosswise: no column says anything alone. */
function taught(learner: 'factorization-machine' | 'field-aware-machine', seed = 3): OnlineModel {
  const model = createOnline({
    learner: { name: learner, rate: 0.2, factorPrior: 1 },
    features,
    hashBits: 10,
    seed,
  });
  for (let i = 0; i < 6000; i++) {
    const [user, item] = [Math.floor(40 * randomUniform(1, 1, i)), Math.floor(40 * randomUniform(1, 2, i))];
    const record = { user: `u${user}`, kind: `k${user % 2}`, item: `i${item}` };
    model.learnOne(record, user % 2 === item % 2 ? 5 : 1);
  }
  return model;
}

describe.each(['factorization-machine', 'field-aware-machine'] as const)('%s', (learner) => {
  const model = taught(learner);
  const value = (record: Record<string, string | null>) => model.predictOne(record).value as number;

  it('learns interactions that no column has alone', () => {
    expect(value({ user: 'u2', kind: 'k0', item: 'i4' })).toBeGreaterThan(4);
    expect(value({ user: 'u2', kind: 'k0', item: 'i5' })).toBeLessThan(2);
  });

  it('knows a user that it never saw by its kind, and as no user at all', () => {
    const fresh = value({ user: 'never seen', kind: 'k0', item: 'i4' });
    expect(fresh).toBe(value({ user: null, kind: 'k0', item: 'i4' }));
    expect(fresh).toBeGreaterThan(3.5);
    expect(value({ user: 'never seen', kind: 'k0', item: 'i5' })).toBeLessThan(2.5);
  });

  it('is a function of rows and seed', () => {
    expect(Buffer.compare(taught(learner).save(), model.save())).toBe(0);
    expect(Buffer.compare(taught(learner, 4).save(), model.save())).not.toBe(0);
  });

  it('saves the coordinates that it met, and no others', () => {
    expect(createOnline({ learner, features }).save().length).toBeLessThan(2000);
    expect(model.save().length).toBeLessThan(100_000);
  });
});

it('machines refuse more room than they should take', () => {
  const name = 'field-aware-machine';
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`c${i}`, 'category' as const]));
  expect(() => createOnline({ learner: { name, factors: 16 }, features: many })).toThrow(/more than 1 GiB/);
});

/** Nearest neighbours against a naive search over all rows, and what ties, exact matches and an empty window give. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../../random.ts';
import { createOnline } from './online.ts';

const FEATURES = { a: 'number', b: 'number', kind: 'category' } as const;

interface Sample {
  readonly a: number | null;
  readonly b: number | null;
  readonly kind: string | null;
  readonly label: number;
  readonly weight: number;
}

const samples = (seed: number, count: number): Sample[] =>
  Array.from({ length: count }, (_, i) => {
    const u = (stream: number) => randomUniform(seed, stream, i);
    return {
      a: u(1) < 0.1 ? null : Math.floor(u(2) * 20),
      b: u(3) < 0.1 ? null : u(4) * 1000,
      kind: u(5) < 0.1 ? null : ['red', 'green', 'blue'][Math.floor(u(6) * 3)],
      label: Math.floor(u(7) * 4),
      weight: 1 + Math.floor(u(8) * 3),
    };
  });

/** The mean of the labels of the nearest, from the definition. */
function naive(
  seen: readonly Sample[],
  query: Sample,
  neighbours: number,
  window: number,
  equal: boolean,
): number {
  const variance = (name: 'a' | 'b') => {
    const values = seen.map((sample) => sample[name]).filter((value) => value !== null);
    const mean = values.reduce((x, y) => x + y, 0) / values.length;
    return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  };
  const variances = { a: variance('a'), b: variance('b') };
  const square = (sample: Sample) => {
    let sum = sample.kind === query.kind ? 0 : 2;
    for (const name of ['a', 'b'] as const) {
      const [x, y] = [sample[name], query[name]];
      if (x === null || y === null) sum += x === y ? 0 : 2;
      else sum += variances[name] > 0 ? (x - y) ** 2 / variances[name] : 0;
    }
    return sum;
  };
  const ordered = seen
    .slice(-window)
    .reverse()
    .map((sample) => ({ ...sample, square: square(sample) }))
    .sort((x, y) => x.square - y.square)
    .slice(0, neighbours);
  const exact = ordered[0].square === 0 && !equal;
  const votes = ordered
    .filter((one) => !exact || one.square === 0)
    .map((one) => ({ ...one, vote: one.weight / (exact || equal ? 1 : Math.sqrt(one.square)) }));
  const total = votes.reduce((sum, { vote }) => sum + vote, 0);
  return votes.reduce((sum, { vote, label }) => sum + vote * label, 0) / total;
}

describe('nearest neighbours', () => {
  it('are those of a search over all rows', () => {
    fc.assert(
      fc.property(
        fc.record({
          seed: fc.nat(1000),
          count: fc.integer({ min: 1, max: 60 }),
          neighbours: fc.integer({ min: 1, max: 12 }),
          window: fc.integer({ min: 1, max: 40 }),
          equal: fc.boolean(),
        }),
        ({ seed, count, neighbours, window, equal }) => {
          const votes = equal ? 'equal' : 'distance';
          const model = createOnline({
            learner: { name: 'nearest', neighbours, window, votes },
            features: FEATURES,
          });
          const [query, ...rows] = samples(seed, count + 1);
          for (const { label, weight, ...record } of rows) model.learnOne(record, label, weight);
          const { label: _, weight: __, ...record } = query;
          // A category that was never learned is missing to the model.
          const known = { ...query, kind: rows.some(({ kind }) => kind === query.kind) ? query.kind : null };
          expect(model.predictOne(record).value).toBeCloseTo(
            naive(rows, known, neighbours, window, equal),
            9,
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  it('give shares of classes, equal ones before there is a row, and 0 where numbers are learned', () => {
    const features = { x: 'number' } as const;
    const model = createOnline({
      learner: { name: 'nearest', neighbours: 3 },
      features,
      classes: ['a', 'b'],
    });
    expect([...(model.predictOne({ x: 1 }).shares ?? [])]).toEqual([0.5, 0.5]);
    for (const [x, label] of [
      [0, 'a'],
      [1, 'a'],
      [4, 'b'],
      [100, 'b'],
    ] as const)
      model.learnOne({ x }, label);
    // Distances 2, 1 and 2 of any unit: a has 1/2 + 1, b 1/2.
    expect(model.predictOne({ x: 2 }).shares?.[0]).toBeCloseTo(0.75, 12);
    expect([...(model.predictOne({ x: 4 }).shares ?? [])]).toEqual([0, 1]);
    expect(createOnline({ learner: 'nearest', features }).predictOne({ x: 1 }).value).toBe(0);
  });
});

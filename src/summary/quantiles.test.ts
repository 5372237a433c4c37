import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numberColumn, particleOf } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import type { Particle } from '../particle/particle.ts';
import { randomUniform } from '../random.ts';
import { checkLaws } from './laws.ts';
import { type QuantileTable, quantile, quantiles, rankError, SAMPLE_SIZE } from './quantiles.ts';
import { partial } from './summary.ts';

const summary = quantiles();

/** Partials of the particles, merged in order on the dyadic tree. */
function tableOf(particles: readonly Particle[], of = summary): QuantileTable {
  let level = particles.map((particle) => partial(of, particle));
  while (level.length > 1) {
    const next = [];
    for (let i = 0; i < level.length; i += 2) {
      if (i + 1 < level.length) of.merge(level[i], level[i + 1]);
      next.push(level[i]);
    }
    level = next;
  }
  return of.read(level[0]).x;
}

function cut(values: readonly number[], size: number): Particle[] {
  const parts: Particle[] = [];
  for (let at = 0; at < values.length; at += size) {
    parts.push(particleOf({ x: numberColumn(values.slice(at, at + size)) }));
  }
  return parts;
}

/** Greatest distance, as a share of n, between q and the ranks that the q-quantile has in the data. */
function worstRank(values: readonly number[], table: QuantileTable): number {
  const sorted = Float64Array.from(values).sort();
  let worst = 0;
  for (let i = 0; i <= 1000; i++) {
    const q = i / 1000;
    const value = quantile(table, q)!;
    const low = firstAtLeast(sorted, value) / sorted.length;
    const high = firstAbove(sorted, value) / sorted.length;
    worst = Math.max(worst, low - q, q - high);
  }
  return worst;
}

const firstAtLeast = (sorted: Float64Array, value: number) => firstWhere(sorted, (x) => x >= value);
const firstAbove = (sorted: Float64Array, value: number) => firstWhere(sorted, (x) => x > value);

function firstWhere(sorted: Float64Array, holds: (x: number) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

const draws = (n: number, seed: number, of: (u: number, i: number) => number) =>
  Array.from({ length: n }, (_, i) => of(randomUniform(seed, 0, i), i));

describe('quantiles', () => {
  it('keeps the laws exactly while the sketch is exact', () => {
    expect(() => lawful(summary)).not.toThrow();
  });

  it('keeps the laws within the rank error once it compacts', () => {
    const inputs = [700, 900, 650].map((rows, seed) =>
      particleOf({ x: numberColumn(draws(rows, seed, (u) => u)) }),
    );
    const small = quantiles({ k: 64 });
    const close = (a: { readonly x?: QuantileTable }, b: { readonly x?: QuantileTable }) => {
      if (a.x === undefined || b.x === undefined) return a.x === b.x;
      const [p, q] = [a.x, b.x];
      // Uniform numbers: a difference of values is a difference of ranks; both sides may be off, one each way.
      return [0.1, 0.5, 0.9].every((at) => {
        const [u, v] = [quantile(p, at), quantile(q, at)];
        return u === null || v === null
          ? u === v
          : Math.abs(u - v) < 4 * rankError(64) + 0.1 / Math.sqrt(p.ends.length);
      });
    };
    checkLaws(small, { inputs, close });
  });

  it('agrees with linear interpolation of sorted values while exact', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 1, maxLength: 200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, q) => {
          const sorted = Float64Array.from(values).sort();
          const rank = q * (values.length - 1);
          const low = sorted[Math.floor(rank)];
          const want = low + (sorted[Math.ceil(rank)] - low) * (rank - Math.floor(rank));
          expect(quantile(tableOf(cut(values, 37)), q)).toBeCloseTo(want, 9);
        },
      ),
    );
  });

  it.each([
    ['uniform', (u: number) => u],
    ['heavy tailed', (u: number) => 1 / (u + 1e-9)],
    ['sorted', (_: number, i: number) => i],
    ['falling', (_: number, i: number) => -i],
    ['few values', (u: number) => Math.floor(u * 7)],
    ['periodic', (_: number, i: number) => (i * 37) % 64],
    ['not f32', (u: number, i: number) => 1.6e12 + u * 1e9 + i / 7],
  ])('stays within its rank error on %s data, over particles of any size', (_name, of) => {
    const values = draws(120_000, 11, of);
    for (const size of [700, 8192, 20_000, 120_000]) {
      const limit = rankError(512, size > SAMPLE_SIZE);
      expect(worstRank(values, tableOf(cut(values, size)))).toBeLessThan(limit);
    }
  });

  it('has the least and greatest value exactly', () => {
    const values = draws(50_000, 5, (u) => u);
    const table = tableOf(cut(values, 9000));
    expect(quantile(table, 0)).toBe(values.reduce((a, b) => Math.min(a, b)));
    expect(quantile(table, 1)).toBe(values.reduce((a, b) => Math.max(a, b)));
    expect(table.ends.at(-1)).toBe(50_000);
  });

  it('is unbiased: errors of many columns do not lean to one side', () => {
    let lean = 0;
    for (let seed = 0; seed < 40; seed++) {
      const values = draws(20_000, 100 + seed, (u) => u);
      lean += quantile(tableOf(cut(values, 1000), quantiles({ k: 64 })), 0.5)! - 0.5;
    }
    // One column's error has a standard deviation near 0.01; the mean of 40 should lie well below 0.006.
    expect(Math.abs(lean / 40)).toBeLessThan(0.006);
  });

  it('holds bounded memory', () => {
    const table = tableOf(
      cut(
        draws(300_000, 9, (u) => u),
        5000,
      ),
    );
    expect(table.values.length).toBeLessThan(3 * 512 + 100);
  });

  it('is empty without values', () => {
    expect(quantile(tableOf([particleOf({ x: numberColumn([null, null]) })]), 0.5)).toBeNull();
  });

  const root = process.env.SORA_DATA ?? join(import.meta.dirname, '../../../shared/data');
  const file = join(root, 'california_housing', 'housing.csv');
  it.skipIf(!existsSync(file))(`stays within its rank error on every column of ${file}`, () => {
    const columns = columnsOf(file);
    expect(columns.length).toBe(9);
    for (const values of columns) {
      for (const size of [500, 30_000]) {
        const limit = rankError(512, size > SAMPLE_SIZE);
        expect(worstRank(values, tableOf(cut(values, size)))).toBeLessThan(limit);
      }
    }
  });
});

/** The values of the numeric columns of a CSV file without quotes. */
function columnsOf(file: string): number[][] {
  const [head, ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  const rows = lines.map((line) => line.split(','));
  return head
    .split(',')
    .map((_, column) => rows.flatMap((row) => (row[column] === '' ? [] : [Number(row[column])])))
    .filter((values) => values.every(Number.isFinite));
}

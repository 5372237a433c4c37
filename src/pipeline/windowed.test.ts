import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { createParticle } from '../particle/create.ts';
import type { Particle } from '../particle/particle.ts';
import { randomUniform } from '../random.ts';
import { threadExecutor } from '../run/threads.ts';
import { openStore, type Store } from '../store/store.ts';
import { SUMMARIES, type SummaryName, summaryReference } from '../summary/catalog.ts';
import type { Counts } from '../summary/counts.ts';
import { nearly } from '../summary/equal.ts';
import type { Moments } from '../summary/moments.ts';
import { openExecutor } from './resources.ts';
import { windowed } from './windowed.ts';

const folder = temporaryFolder();
const HOUR = 3_600_000;
/** 2025-01-06, a Monday. */
const START = Date.UTC(2025, 0, 6);

/** A row every half hour. */
function particleOf(from: number, rows: number): Particle {
  const at = (i: number) => from + i;
  const each = <T>(of: (i: number) => T) => Array.from({ length: rows }, (_, i) => of(at(i)));
  return createParticle({
    columns: {
      at: each((i) => START + (i * HOUR) / 2),
      x: each((i) => Math.round(100 * randomUniform(1, 0, i))),
      kind: each((i) => ['a', 'b', 'c'][Math.floor(3 * randomUniform(2, 0, i))]),
      y: each((i) => i % 7),
      note: each((i) => `word ${i % 5}`),
      raw: each((i) => Uint8Array.of(i % 256, 3, 7)),
    },
    roles: { at: 'time', y: 'label' },
    types: { at: 'timestamp', note: 'text' },
  });
}

async function storeOf(name: string, sizes: readonly number[]): Promise<Store> {
  const store = await openStore(join(folder, name), { create: true });
  let from = 0;
  const add = [];
  for (const rows of sizes) {
    add.push(await store.putParticle(particleOf(from, rows)));
    from += rows;
  }
  await store.commit({ schema: particleOf(0, 1).schema, add });
  return store;
}

type MomentsOf = Readonly<Record<string, Moments>>;
const momentsOfX = summaryReference('moments', { columns: ['x'] });

/** Mean of x over rows [from, to), by hand. */
function meanOf(from: number, to: number, weight: (i: number) => number = () => 1): number {
  let [sum, total] = [0, 0];
  for (let i = from; i < to; i++) {
    sum += weight(i) * Math.round(100 * randomUniform(1, 0, i));
    total += weight(i);
  }
  return sum / total;
}

describe('windows over particles', () => {
  const sizes = [10, 37, 48, 5, 96, 1, 60, 79];
  const rows = sizes.reduce((sum, size) => sum + size, 0);

  it('tumble over rows, particles and days, cut where they end and not where particles do', async () => {
    const store = await storeOf('tumbling.sora', sizes);
    const run = (size: { rows: number } | { particles: number } | { time: string }) =>
      windowed<MomentsOf>(store, { summary: momentsOfX, kind: 'tumbling', size });
    for (const [size, length] of [[{ rows: 50 }, 50] as const, [{ time: '1d' }, 48] as const]) {
      const { windows } = await run(size);
      expect(windows).toHaveLength(Math.ceil(rows / length));
      for (const [w, { value }] of windows.entries()) {
        const [from, to] = [w * length, Math.min(rows, (w + 1) * length)];
        expect(value.x.n).toBe(to - from);
        expect(value.x.mean).toBeCloseTo(meanOf(from, to), 10);
      }
    }
    const weeks = await run({ time: '1w' });
    expect(weeks.windows.map(({ from }) => from)).toEqual([START]);
    expect(weeks.windows[0].value.x.n).toBe(336);
    const pairs = await run({ particles: 2 });
    expect(pairs.windows.map(({ value }) => value.x.n)).toEqual([47, 53, 97, 139]);
  });

  it('slide by steps', async () => {
    const store = await storeOf('sliding.sora', sizes);
    const options = {
      summary: momentsOfX,
      kind: 'sliding',
      size: { time: '2d' },
      step: { time: '1d' },
    } as const;
    const { windows } = await windowed<MomentsOf>(store, options);
    expect(windows.map(({ value }) => value.x.n)).toEqual([48, 96, 96, 96, 96, 96, 96]);
    expect(windows[3].value.x.mean).toBeCloseTo(meanOf(96, 192), 10);
  });

  it('decay: a particle weighs less with its age', async () => {
    const store = await storeOf('decaying.sora', sizes);
    const ends = sizes.map((_, p) => sizes.slice(0, p + 1).reduce((sum, size) => sum + size, 0));
    const end = (i: number) => ends.find((one) => one > i) as number;
    const run = (halfLife: object) =>
      windowed<MomentsOf>(store, { summary: momentsOfX, kind: 'decaying', halfLife: halfLife as never });
    const byRows = (await run({ rows: 40 })).windows[0].value.x;
    expect(byRows.mean).toBeCloseTo(
      meanOf(0, rows, (i) => 2 ** ((end(i) - rows) / 40)),
      9,
    );
    const byTime = (await run({ time: '20h' })).windows[0].value.x;
    expect(nearly(1e-9)(byTime, byRows)).toBe(true);
    const counted = await windowed<Readonly<Record<string, Counts>>>(store, {
      summary: summaryReference('counts', { columns: ['kind'] }),
      kind: 'decaying',
      halfLife: { particles: 1 },
    });
    const weight = sizes.reduce((sum, size, p) => sum + size * 2 ** (p + 1 - sizes.length), 0);
    expect(counted.windows[0].value.kind.total).toBeCloseTo(weight, 9);
    await expect(
      windowed(store, { summary: summaryReference('quantiles'), kind: 'decaying', halfLife: { rows: 9 } }),
    ).rejects.toThrow(/quantiles.* cannot be weighed by age/);
  });

  it('observe nothing the second time, and only what is new after an append', async () => {
    const store = await storeOf('again.sora', sizes);
    const run = (time: string) =>
      windowed<MomentsOf>(store, { summary: momentsOfX, kind: 'tumbling', size: { time } });
    const first = await run('1d');
    expect(first.observed).toBeGreaterThanOrEqual(sizes.length);
    const again = await run('1d');
    expect(again).toEqual({ ...first, observed: 0 });
    // Weeks take the particles that days took; what their ends cut is their own.
    expect((await run('1w')).observed).toBe(0);
    await store.commit({ add: [await store.putParticle(particleOf(rows, 60))] });
    // The new particle, its times, and its parts on both sides of a midnight.
    const more = await run('1d');
    expect(more.observed).toBe(4);
    expect(more.windows).toHaveLength(9);
    expect(more.windows.slice(0, 7)).toEqual(first.windows);
  });

  it('are the same on threads', async () => {
    const store = await storeOf('threads.sora', sizes);
    const other = await storeOf('threads-2.sora', sizes);
    const options = { summary: momentsOfX, kind: 'tumbling', size: { time: '1d' } } as const;
    const inline = await windowed(store, options);
    const executor = threadExecutor({ workers: 2 });
    try {
      expect(await windowed(other, { ...options, executor })).toEqual(inline);
    } finally {
      await executor.close();
    }
  }, 60_000);

  it('say what is missing', async () => {
    const store = await storeOf('errors.sora', [10]);
    const run = (more: object) => windowed(store, { summary: momentsOfX, kind: 'sliding', ...more });
    await expect(run({})).rejects.toThrow(/needs the option size/);
    await expect(run({ size: { rows: 5 } })).rejects.toThrow(/needs the option step/);
    await expect(run({ size: { rows: 5 }, step: { time: '1h' } })).rejects.toThrow(/positive number of rows/);
    await expect(run({ size: { rows: 0 }, step: { rows: 1 } })).rejects.toThrow(/positive number of rows/);
  });
});

/** Options of the summaries that need some. */
const OPTIONS: Partial<Record<SummaryName, Parameters<typeof summaryReference>[1]>> = {
  histogram: { columns: ['x'], edges: [0, 50, 100] },
  distribution: { edges: { x: [0, 50, 100] }, categories: ['kind'] },
  targets: {
    columns: [{ name: 'kind', levels: ['a', 'b'] }],
    label: { column: 'y' },
    folds: 3,
    seed: 1,
  },
};

describe('appending 1 % of particles costs at most 3 % of a full pass', () => {
  it.each(Object.keys(SUMMARIES) as SummaryName[])('%s', async (name) => {
    const store = await storeOf(`append-${name}.sora`, new Array(100).fill(20));
    const executor = openExecutor({ workers: 0 }, { bytes: 0 });
    const play = async () => {
      const { particles } = await store.snapshot();
      const session = await executor.open({ particles, source: store.reference, partials: store.partials });
      const summary = summaryReference(name, OPTIONS[name] ?? null);
      const result = await session.reduce({ summary, keep: 'nodes' });
      await session.close();
      return result;
    };
    const full = await play();
    expect(full.observed).toBe(100);
    const again = await play();
    expect(again.observed).toBe(0);
    expect(again.value).toEqual(full.value);
    await store.commit({ add: [await store.putParticle(particleOf(2000, 20))] });
    const appended = await play();
    expect(appended.observed).toBe(1);
    expect(appended.observed).toBeLessThanOrEqual(0.03 * full.observed);
    // The same as from nothing.
    const fresh = await executor.open({
      particles: (await store.snapshot()).particles,
      source: store.reference,
    });
    const whole = await fresh.reduce({ summary: summaryReference(name, OPTIONS[name] ?? null) });
    expect(whole.observed).toBe(101);
    expect(appended.value).toEqual(whole.value);
    await fresh.close();
    await executor.close();
  });
});

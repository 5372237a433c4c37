import { beforeEach, describe, expect, it } from 'vitest';
import { arena, configureMemory, isResident } from '../kernel/memory.ts';
import { packedSize } from '../particle/pack.ts';
import { fixture, numberedParticles } from './fixtures/particles.ts';
import { counts, packed, scaled } from './fixtures/summaries.mjs';
import { Inputs } from './inputs.ts';
import { memoryParticles } from './memory-source.ts';
import { resolveReference } from './reference.ts';
import type { Source, ViewKind } from './session.ts';
import { ViewMemory } from './view-memory.ts';

configureMemory({ bytes: 4 * 2 ** 20 });

const ROWS = 1000;
const COUNT = 12;
const inner = memoryParticles(numberedParticles(COUNT, ROWS));
const kindOf = (factor: number): ViewKind<unknown> => scaled({ factor });
const size = packedSize(kindOf(1).derive(numberedParticles(1, ROWS)[0]) as never);

function sourceOf(views: boolean): Promise<Source> {
  const { module, name } = inner.source;
  return resolveReference(fixture('counted', { module, name, views }), inner.sourceData);
}

/** One pass over all particles, as a task makes it; returns the sums of labels. */
async function pass(inputs: Inputs, kind: ViewKind<unknown>, source: Source, pin = true): Promise<number[]> {
  const sums: number[] = [];
  const add = (view: unknown): void => {
    const { labels } = view as { labels: Float64Array };
    expect(isResident(labels)).toBe(true);
    sums.push(labels.reduce((a, b) => a + b, 0));
  };
  inputs.beginRound(kind);
  for (const ref of inner.particles) {
    const view = inputs.resident(kind, ref);
    if (view === undefined) await inputs.use(kind, source, ref, pin, add);
    else add(view);
  }
  return sums;
}

beforeEach(() => {
  new Inputs().clear();
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) counts[key] = 0;
  packed.clear();
});

describe('views within a limit', () => {
  it('all stay where they fit', async () => {
    const source = await sourceOf(true);
    const inputs = new Inputs();
    const first = await pass(inputs, kindOf(1), source);
    expect(await pass(inputs, kindOf(1), source)).toEqual(first);
    expect(counts).toEqual({ derived: COUNT, loaded: COUNT, read: 0, written: 0 });
  });

  it('the first stay and the rest are streamed from the cache, with the same values', async () => {
    const source = await sourceOf(true);
    const whole = await pass(new Inputs(), kindOf(1), source);
    new Inputs().clear();
    const inputs = new Inputs(9 * size);
    expect(await pass(inputs, kindOf(1), source)).toEqual(whole);
    const { derived, written } = counts;
    expect(written).toBeGreaterThan(COUNT / 3);
    const mark = arena.mark();
    for (let turn = 1; turn <= 3; turn++) {
      expect(await pass(inputs, kindOf(1), source)).toEqual(whole);
      expect([counts.derived, counts.read]).toEqual([derived, turn * written]);
    }
    expect(arena.mark()).toBe(mark);
  });

  it('are derived again where there is no cache', async () => {
    const source = await sourceOf(false);
    const inputs = new Inputs(9 * size);
    const first = await pass(inputs, kindOf(1), source);
    counts.derived = 0;
    expect(await pass(inputs, kindOf(1), source)).toEqual(first);
    expect(counts.derived).toBeLessThan(COUNT);
    expect(counts.derived).toBeGreaterThan(COUNT / 3);
  });

  it('are derived again where the cache is damaged or gone', async () => {
    const source = await sourceOf(true);
    const inputs = new Inputs(5 * size);
    const first = await pass(inputs, kindOf(1), source, false);
    expect(packed.size).toBe(COUNT);
    for (const [index, [key, bytes]] of [...packed].entries()) {
      if (index % 2 === 0) packed.set(key, bytes.fill(7));
      else packed.delete(key);
    }
    expect(await pass(inputs, kindOf(1), source, false)).toEqual(first);
    expect(counts.derived).toBe(2 * COUNT);
  });

  it('do not stay with a worker that only helps out', async () => {
    const source = await sourceOf(true);
    const inputs = new Inputs();
    await pass(inputs, kindOf(1), source, false);
    await pass(inputs, kindOf(1), source, false);
    expect(counts).toMatchObject({ derived: COUNT, written: COUNT, read: COUNT });
  });

  it('give way to another kind that is played on, not to one that is played once', async () => {
    const source = await sourceOf(false);
    const inputs = new Inputs(20 * size);
    await pass(inputs, kindOf(1), source);
    counts.derived = 0;
    await pass(inputs, kindOf(2), source);
    await pass(inputs, kindOf(1), source);
    expect(counts.derived).toBe(COUNT);
    await pass(inputs, kindOf(2), source);
    await pass(inputs, kindOf(2), source);
    await pass(inputs, kindOf(2), source);
    counts.derived = 0;
    await pass(inputs, kindOf(2), source);
    expect(counts.derived).toBe(0);
  });

  it('of which one does not fit name the need and the limit', async () => {
    const source = await sourceOf(false);
    await expect(pass(new Inputs(2 * size), kindOf(1), source)).rejects.toMatchObject({
      code: 'over-budget',
      message: expect.stringMatching(/1000 rows.* needs \d+ bytes with its view, and a worker has \d+/),
      details: { needBytes: expect.any(Number), limitBytes: 2 * size },
    });
  });

  it('larger than the whole memory are used where they lie, if nothing limits them', async () => {
    const inputs = new Inputs();
    const big: ViewKind<unknown> = {
      id: 'big',
      kept: true,
      derive: () => ({ kind: 'big', rows: 1, labels: new Float64Array(2 ** 20).fill(2) }),
    };
    const source = await sourceOf(false);
    await pass(inputs, kindOf(1), source);
    let sum = 0;
    await inputs.use(big, await sourceOf(true), inner.particles[0], true, (view) => {
      sum = (view as { labels: Float64Array }).labels.reduce((a, b) => a + b, 0);
    });
    expect(sum).toBe(2 ** 21);
    counts.derived = 0;
    await pass(inputs, kindOf(1), source);
    expect(counts.derived).toBe(0);
  });
});

describe('ViewMemory', () => {
  it('gives up its last view when a larger one needs the room', () => {
    const memory = new ViewMemory();
    const limit = 1_000_000;
    memory.beginRound('k');
    for (let i = 0; i < 9; i++) {
      const place = memory.place('k', 100_000, true, limit);
      expect(place?.pinned).toBe(i < 9 && memory.bytes + 200_000 <= limit);
      if (place?.pinned) memory.keep('k', `${i}`, place, { kind: 'k', rows: i });
      memory.free();
    }
    const before = memory.bytes;
    const place = memory.place('k', 400_000, true, limit);
    expect(place).toMatchObject({ pinned: false });
    expect(memory.bytes).toBeLessThan(before);
    expect(memory.get('k', '0')).toEqual({ kind: 'k', rows: 0 });
    memory.free();
    memory.clear();
    expect(memory.get('k', '0')).toBeUndefined();
  });
});

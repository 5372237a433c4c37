import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SoraError } from '../errors.ts';
import { CountingCache, fixture, numberedParticles, particleOf } from './fixtures/particles.ts';
import { counts, packed } from './fixtures/summaries.mjs';
import { inlineExecutor } from './inline.ts';
import { memoryParticles, reduceParticles } from './memory-source.ts';
import type { Executor, Round, RoundResult, Session, SessionOptions } from './session.ts';

let executor: Executor;
beforeEach(() => {
  executor = inlineExecutor();
  for (const key of Object.keys(counts) as (keyof typeof counts)[]) counts[key] = 0;
  packed.clear();
});
afterEach(() => executor.close());

/** A session over numbered particles whose source counts. */
function open(count: number, options: Partial<SessionOptions> & { views?: boolean } = {}): Promise<Session> {
  const { views = false, ...rest } = options;
  const inner = memoryParticles(numberedParticles(count));
  const source = fixture('counted', { module: inner.source.module, name: inner.source.name, views });
  return executor.open({ ...inner, source, ...rest });
}

async function play(session: Session, round: Partial<Round> = {}): Promise<RoundResult<unknown, string>> {
  return session.reduce<unknown, string>({ summary: fixture('brackets'), ...round });
}

describe('cached partials', () => {
  it('answer a second run: nothing is loaded or observed', async () => {
    const partials = new CountingCache();
    for (const keep of ['nodes', 'root'] as const) {
      const first = await play(await open(11, { partials }), { keep, label: keep });
      counts.loaded = 0;
      const second = await play(await open(11, { partials }), { keep });
      expect([second.value, second.observed, counts.loaded]).toEqual([first.value, 0, 0]);
      if (keep === 'nodes') expect(first.observed).toBe(11);
    }
  });

  it('make an append cost what is new', async () => {
    const partials = new CountingCache();
    let before = 0;
    for (const count of [1, 2, 3, 5, 8, 9, 16, 17, 40]) {
      const cached = await play(await open(count, { partials }), { keep: 'nodes' });
      expect(cached.observed).toBe(count - before);
      expect(cached.value).toBe((await play(await open(count))).value);
      before = count;
    }
  });

  it('observe only the particles that were appended or changed', async () => {
    const partials = new CountingCache();
    await play(await open(12, { partials }), { keep: 'nodes' });
    const appended = await play(await open(17, { partials }), { keep: 'nodes' });
    expect(appended.observed).toBe(5);

    const changed = numberedParticles(17);
    changed[6] = particleOf([600]);
    const session = await executor.open({ ...memoryParticles(changed), partials });
    const result = await play(session, { keep: 'nodes' });
    expect(result.observed).toBe(1);
    expect(result.value).toBe((await play(await open(17))).value.replace('(6 7)', '(600 7)'));

    const removed = numberedParticles(17).slice(1);
    const after = await executor.open({ ...memoryParticles(removed), partials });
    expect((await play(after, { keep: 'nodes' })).observed).toBe(0);
  });

  it('keep only the root where that was asked, for exactly these particles in this order', async () => {
    const partials = new CountingCache();
    await play(await open(6, { partials }), { keep: 'root' });
    expect(partials.blobs.size).toBe(1);
    expect((await play(await open(7, { partials }), { keep: 'root' })).observed).toBe(7);
    const reversed = memoryParticles(numberedParticles(6).reverse());
    const session = await executor.open({ ...reversed, partials });
    expect((await play(session, { keep: 'root' })).observed).toBe(6);
  });

  it('differ by summary, view and parameters', async () => {
    const partials = new CountingCache();
    const session = await open(5, { partials });
    const rounds: Partial<Round>[] = [
      {},
      { summary: fixture('brackets', { name: 'other/1' }) },
      { view: fixture('scaled', { factor: 2 }) },
      { view: fixture('scaled', { factor: 3, kept: false }) },
      { parameters: new Uint8Array([1]) },
      { parameters: new Uint8Array([2]) },
    ];
    const values = new Set<string>();
    for (const round of rounds) {
      const { observed, value } = await play(session, { ...round, keep: 'nodes' });
      values.add(value);
      expect(observed).toBe(5);
      expect((await play(session, { ...round, keep: 'nodes' })).observed).toBe(0);
    }
    expect(values.size).toBe(5);
  });

  it('are absent where they are damaged', async () => {
    const partials = new CountingCache();
    const summary = fixture('floatSum');
    const first = await play(await open(9, { partials }), { summary, keep: 'nodes' });
    for (const [key, bytes] of partials.blobs) partials.blobs.set(key, bytes.slice(1));
    const second = await play(await open(9, { partials }), { summary, keep: 'nodes' });
    expect(second).toEqual(first);
    expect((await play(await open(9, { partials }), { summary, keep: 'nodes' })).observed).toBe(0);
  });

  it('are neither read nor written where nothing was asked to be kept', async () => {
    const partials = new CountingCache();
    await play(await open(4, { partials }));
    expect([partials.blobs.size, partials.hits, partials.misses]).toEqual([0, 0, 0]);
  });
});

describe('views', () => {
  it('are derived once a session where they fit, and again after it was closed', async () => {
    const view = fixture('scaled', { factor: 2 });
    const session = await open(8);
    for (let round = 0; round < 4; round++) await play(session, { view });
    expect([counts.loaded, counts.derived]).toEqual([8, 8]);
    await session.close();
    await play(await open(8), { view });
    expect(counts.derived).toBe(16);
  });

  it('are shared by sessions that are open together', async () => {
    const view = fixture('scaled', { factor: 2 });
    await play(await open(8), { view });
    await play(await open(6), { view });
    expect(counts.derived).toBe(8);
  });

  it('that are not worth keeping are derived each time', async () => {
    const session = await open(5);
    for (let round = 0; round < 3; round++) await play(session, { view: fixture('scaled', { kept: false }) });
    expect([counts.loaded, counts.derived]).toEqual([15, 15]);
  });
});

describe('sessions', () => {
  it('over no particles read the empty state', async () => {
    expect(await play(await open(0))).toEqual({
      state: { text: '' },
      value: '',
      observed: 0,
      resident: true,
    });
  });

  it('refuse rounds after they were closed', async () => {
    const session = await open(3);
    await session.close();
    await session.close();
    await expect(play(session)).rejects.toMatchObject({ code: 'cancelled' } satisfies Partial<SoraError>);
  });

  it('stop between particles when aborted', async () => {
    const abort = new AbortController();
    const session = await open(100, { signal: abort.signal });
    const running = play(session, { summary: fixture('slow', { ms: 5 }) });
    setTimeout(() => abort.abort(), 40);
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(counts.loaded).toBeLessThan(60);
  });

  it('tell progress that counts what the cache had', async () => {
    const partials = new CountingCache();
    await play(await open(8, { partials }), { keep: 'nodes' });
    const told: number[] = [];
    const session = await open(9, { partials, onProgress: ({ rows }) => told.push(rows) });
    await play(session, { keep: 'nodes', label: 'x' });
    expect(told[0]).toBeGreaterThanOrEqual(24);
    expect(told.at(-1)).toBe(27);
  });

  it('report a reference that names nothing', async () => {
    await expect(play(await open(2), { summary: fixture('nowhere') })).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('no function "nowhere"'),
    });
  });
});

describe('reduceParticles', () => {
  it('reduces particles in this process, equal ones included', async () => {
    const particles = [particleOf([1, 5]), particleOf([2]), particleOf([1, 5])];
    expect(await reduceParticles(particles, fixture('brackets'))).toBe('((1 2) 1)');
    const view = fixture('scaled', { factor: 10 });
    const parameters = new Uint8Array([4]);
    expect(await reduceParticles(particles, fixture('brackets'), { view, parameters })).toBe(
      '((10@4 20@4) 10@4)',
    );
    expect(await reduceParticles([], fixture('brackets'))).toBe('');
  });
});

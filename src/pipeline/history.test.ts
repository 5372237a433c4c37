import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { createParticle } from '../particle/create.ts';
import { historySpec } from '../recipe/history/spec.ts';
import { openStore, type Store } from '../store/store.ts';
import { type DerivedData, withHistory } from './history.ts';

const folder = temporaryFolder();
const ROWS = 50;

function particleOf(index: number) {
  const each = (of: (i: number) => number) => Array.from({ length: ROWS }, (_, i) => of(index * ROWS + i));
  return createParticle({
    columns: { at: each((i) => 3_600_000 * i), y: each((i) => (i * i) % 101), x: each((i) => i % 5) },
    roles: { at: 'time', y: 'label' },
    types: { at: 'timestamp' },
  });
}

async function derive(store: Store): Promise<DerivedData> {
  const snapshot = await store.snapshot();
  const { schema } = snapshot;
  const spec = historySpec(schema, { lags: ['y:1,60'], rolling: ['x:mean:70h'] });
  return withHistory({ store, snapshot, schema, notes: [] }, { spec, cached: true }, { resources: {} });
}

/** Files of derived columns. */
function files(store: Store): string[] {
  const root = join(store.root as string, 'cache/history');
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.arrow'));
}

describe('features over time of a store', () => {
  it('are derived once; what is appended costs what it is; what is damaged is derived again', async () => {
    const store = await openStore(join(folder, 'a.sora'), { create: true });
    const { schema } = particleOf(0);
    const add = [];
    for (let at = 0; at < 4; at++) add.push(await store.putParticle(particleOf(at)));
    await store.commit({ schema, add });
    const first = await derive(store);
    expect(first.derived).toBe(4);
    expect(files(store)).toHaveLength(4);
    const again = await derive(store);
    expect(again.derived).toBe(0);
    expect([again.data.snapshot, again.state]).toEqual([first.data.snapshot, first.state]);

    await store.commit({ add: [await store.putParticle(particleOf(4))] });
    const appended = await derive(store);
    expect(appended.derived).toBe(1);
    expect(appended.data.snapshot.particles.slice(0, 4)).toEqual(first.data.snapshot.particles);
    const particle = await appended.data.load?.(4);
    expect(particle?.schema.fields.map(({ name }) => name)).toEqual([
      'at',
      'y',
      'x',
      'y lag 1',
      'y lag 60',
      'x mean 70h',
    ]);
    const [lag, far] = particle?.columns.slice(3, 5) as unknown as { values: Float32Array }[];
    expect([lag.values[0], far.values[0]]).toEqual([(199 * 199) % 101, (140 * 140) % 101]);

    const [damaged] = files(store);
    writeFileSync(join(store.root as string, 'cache/history', damaged), 'rot');
    const report = await store.verify();
    expect(report.problems.map(({ file }) => file)).toEqual([join('cache/history', damaged)]);
    const mended = await derive(store);
    expect(mended.derived).toBeGreaterThan(0);
    expect(mended.data.snapshot).toEqual(appended.data.snapshot);
    expect((await store.verify()).problems).toEqual([]);
    expect((await store.verify()).unknown).toEqual([]);
    store.close();
  });

  it('begin anew where a particle before them changes', async () => {
    const store = await openStore(join(folder, 'b.sora'), { create: true });
    const { schema } = particleOf(0);
    await store.commit({
      schema,
      add: [await store.putParticle(particleOf(0)), await store.putParticle(particleOf(1))],
    });
    await derive(store);
    await store.commit({ remove: [{ hash: (await store.snapshot()).particles[0].hash, at: 0 }] });
    const found = await derive(store);
    expect(found.derived).toBe(1);
    const column = (await found.data.load?.(0))?.columns[3] as unknown as { validity: Uint8Array };
    // The first row has nothing before it any more.
    expect(column.validity[0] & 1).toBe(0);
    store.close();
  });
});

/**
 * Trees on views that do not fit the memory of a worker: the same forest to the bit, what is known of rows being kept on
 * disk; also where that is lost on the way.
 */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SoraError } from '../src/errors.ts';
import { fitTrees, type TreesResult } from '../src/fit/tree/fit.ts';
import type { FitTreesOptions } from '../src/fit/tree/options.ts';
import { createParticle } from '../src/particle/create.ts';
import { mix32 } from '../src/random.ts';
import { divideMemory } from '../src/run/budget.ts';
import { inlineExecutor } from '../src/run/inline.ts';
import type { Executor } from '../src/run/session.ts';
import { threadExecutor } from '../src/run/threads.ts';
import { sourceReference } from '../src/store/source.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { temporaryFolder } from './cli.ts';

const MIB = 2 ** 20;
const [PARTICLES, ROWS, FEATURES] = [80, 12_000, 6];
const root = join(temporaryFolder(), 'rows.sora');
const VIEW = {
  module: new URL('../src/fit/tree/fixtures/raw-view.mjs', import.meta.url).href,
  name: 'rawView',
};

function particle(index: number) {
  const columns: Record<string, Float64Array> = {};
  for (let f = 0; f < FEATURES; f++) {
    columns[`x${f}`] = Float64Array.from(
      { length: ROWS },
      (_, row) => mix32((index * ROWS + row) * 8 + f) >>> 20,
    );
  }
  columns.label = columns.x0.map((x, row) => (x + columns.x1[row] > 4000 + columns.x2[row] / 2 ? 1 : 0));
  return createParticle({ columns, roles: { label: 'label' } });
}

let store: Store;
beforeAll(async () => {
  store = await openStore(root, { create: true });
  const first = particle(0);
  const add = [await store.putParticle(first)];
  for (let i = 1; i < PARTICLES; i++) add.push(await store.putParticle(particle(i)));
  await store.commit({ schema: first.schema, add, why: 'test' });
}, 120_000);
afterAll(() => store.close());

/** Bytes that so many workers need at least: a share of 16 MiB each, where the views take 44. */
function leastMemory(workers: number): number {
  try {
    divideMemory(1, 1);
  } catch (error) {
    const one = (error as SoraError).details.needBytes as number;
    return one + (workers - 1) * 61 * MIB;
  }
  throw new Error('A budget of one byte was enough.');
}

const scratch = () => readdirSync(join(root, 'tmp')).filter((name) => name.startsWith('scratch-'));

async function grow(executor: Executor, more: Partial<FitTreesOptions> = {}): Promise<TreesResult> {
  const { particles } = await store.snapshot();
  const session = await executor.open({ particles, source: sourceReference({ root }) });
  const categorical = new Array<boolean>(FEATURES).fill(false);
  const problem = { loss: 'logistic', outputs: 1, features: FEATURES, view: VIEW, categorical } as const;
  try {
    return await fitTrees(session, { ...problem, rounds: 4, leaves: 10, ...more });
  } finally {
    await session.close();
    await executor.close();
  }
}

const bytesOf = ({ forest }: TreesResult) =>
  Object.values(forest).map((part) => (ArrayBuffer.isView(part) ? [...(part as Float64Array)] : part));

describe('trees out of core', { timeout: 180_000 }, () => {
  it('are those in memory, for one worker and two', async () => {
    const expected = await grow(inlineExecutor());
    for (const workers of [1, 2]) {
      const seen: string[] = [];
      const executor = threadExecutor({ workers, memory: leastMemory(workers) });
      const result = await grow(executor, { onRound: () => seen.push(...scratch()) });
      expect(bytesOf(result)).toEqual(bytesOf(expected));
      expect(result.history).toEqual(expected.history);
      // It was on disk, of one worker at least, and nothing is left.
      expect(seen.length).toBeGreaterThan(0);
      expect(result.replayed).toBe(false);
      expect(scratch()).toEqual([]);
    }
  });

  it('are the same with rows at random, early stopping and quantile leaves', async () => {
    const more = {
      loss: { name: 'quantile', quantile: 0.7 },
      rowShare: 0.6,
      earlyStopping: 3,
      rounds: 3,
    } as const;
    const expected = await grow(inlineExecutor(), more);
    const result = await grow(threadExecutor({ workers: 1, memory: leastMemory(1) }), more);
    expect(bytesOf(result)).toEqual(bytesOf(expected));
  });

  it('are the same where what was on disk is lost after every round', async () => {
    const expected = await grow(inlineExecutor());
    const lose = () => {
      for (const name of scratch()) rmSync(join(root, 'tmp', name), { recursive: true });
    };
    const result = await grow(threadExecutor({ workers: 1, memory: leastMemory(1) }), { onRound: lose });
    expect(bytesOf(result)).toEqual(bytesOf(expected));
  });
});

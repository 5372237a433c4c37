/**
 * The store among processes: several that commit at once, and one that is killed at any moment.
 * Needs the compiled modules (`npm run build`). SORA_TORTURE sets the number of kills (default 30).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { randomUniform } from '../src/random.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { verifyStore } from '../src/store/verify.ts';

const writerScript = fileURLToPath(new URL('./store-writer.mjs', import.meta.url));
const isBuilt = existsSync(fileURLToPath(new URL('../dist/store/store.js', import.meta.url)));
const kills = Number(process.env.SORA_TORTURE ?? 30);

const base = mkdtempSync(join(tmpdir(), 'sora-torture-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Writer {
  readonly process: ChildProcess;
  /** Lines printed so far: `ready`, then numbers of commits. */
  readonly lines: string[];
  readonly ended: Promise<number | null>;
}

function startWriter(root: string, writer: number, count: number): Writer {
  const child = spawn(process.execPath, [writerScript, root, String(writer), String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const ended = new Promise<number | null>((done) => child.on('close', (code) => done(code)));
  return { process: child, lines, ended };
}

const sleep = (milliseconds: number) => new Promise((done) => setTimeout(done, milliseconds));

/** Everything in the newest snapshot can be read, and caches hold what was put or nothing. */
async function expectReadable(store: Store): Promise<void> {
  for (const ref of (await store.snapshot()).particles.slice(-20)) {
    expect((await store.loadParticle(ref)).rows).toBe(200);
    const state = store.partials.get(`state of ${ref.hash}`);
    if (state !== undefined) expect(Buffer.from(state).toString()).toBe(ref.hash);
    const view = new Uint8Array(3000);
    if (store.views?.read(`view of ${ref.hash}`, view)) {
      expect(Buffer.compare(view, Buffer.alloc(3000, ref.hash))).toBe(0);
    }
  }
}

describe.skipIf(!isBuilt)('processes and one store', () => {
  it('that commit at once lose nothing and leave no gap', async () => {
    const root = join(base, 'together');
    const [writers, count] = [4, 25];
    const all = Array.from({ length: writers }, (_, i) => startWriter(root, i, count));
    expect(await Promise.all(all.map((writer) => writer.ended))).toEqual([0, 0, 0, 0]);
    const numbers = all.flatMap((writer) => writer.lines.slice(1).map(Number)).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: writers * count }, (_, i) => i + 1));
    const store = await openStore(root);
    const snapshot = await store.snapshot();
    expect(snapshot.commit).toBe(writers * count);
    expect(new Set(snapshot.particles.map((entry) => entry.hash)).size).toBe(writers * count * 2);
    const reasons = (await store.log()).map((commit) => commit.why);
    for (let i = 0; i < writers; i++) {
      const mine = reasons.filter((why) => why.startsWith(`writer ${i},`));
      expect(mine).toEqual(Array.from({ length: count }, (_, n) => `writer ${i}, commit ${n}`));
    }
    await expectReadable(store);
    expect(await store.verify()).toMatchObject({ ok: true, problems: [], orphans: [], leftovers: [] });
    store.close();
  });

  it(
    `that is killed ${kills} times leaves every reported commit whole`,
    async () => {
      const root = join(base, 'killed');
      let reported = 0;
      for (let i = 0; i < kills; i++) {
        const writer = startWriter(root, i, 1_000_000);
        // Every sixth is killed while it starts; the others after a few commits, in the midst of the next.
        if (i % 6 === 5) await sleep(20 + 200 * randomUniform(1, 2, i));
        else {
          const lines = 1 + Math.floor(4 * randomUniform(1, 3, i));
          while (writer.lines.length < lines && writer.process.exitCode === null) await sleep(1);
          expect(writer.process.exitCode).toBeNull();
          await sleep(25 * randomUniform(1, 4, i));
        }
        writer.process.kill('SIGKILL');
        await writer.ended;
        const last = Number(writer.lines.filter((line) => line !== 'ready').at(-1) ?? 0);
        reported = Math.max(reported, last);
        if (writer.lines.length === 0 && reported === 0) continue;
        const store = await openStore(root);
        expect((await store.snapshot()).commit).toBeGreaterThanOrEqual(reported);
        await expectReadable(store);
        store.close();
        if (i % 5 === 4)
          expect(await verifyStore(root)).toMatchObject({ ok: true, problems: [], unknown: [] });
      }
      expect(reported).toBeGreaterThan(kills / 2);
      const report = await verifyStore(root);
      expect(report).toMatchObject({ ok: true, problems: [], unknown: [] });
      expect(report.commits).toBeGreaterThanOrEqual(reported);
      const store = await openStore(root);
      const before = (await store.snapshot()).commit;
      const again = startWriter(root, 999, 2);
      expect(await again.ended).toBe(0);
      expect((await store.snapshot()).commit).toBe(before + 2);
      store.close();
    },
    60_000 + kills * 3_000,
  );
});

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ViewCache } from '../run/session.ts';
import { VIEWS, viewCache } from './view-cache.ts';

const base = mkdtempSync(join(tmpdir(), 'sora-views-'));
let made = 0;
afterAll(() => rmSync(base, { recursive: true, force: true }));
const newRoot = () => join(base, `store-${made++}`);

const view = (seed: number, bytes: number) => {
  const words = new Uint32Array(Math.ceil(bytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i + seed, 0x9e3779b1);
  return new Uint8Array(words.buffer, 0, bytes);
};
const files = (root: string) => readdirSync(join(root, VIEWS)).map((name) => join(root, VIEWS, name));

function read(cache: ViewCache, key: string): Uint8Array | undefined {
  const size = cache.size(key);
  if (size === undefined) return undefined;
  const target = new Uint8Array(size);
  return cache.read(key, target) ? target : undefined;
}

/** Equality of large arrays without the cost of a matcher's difference. */
const same = (a: Uint8Array | undefined, b: Uint8Array) => a !== undefined && Buffer.compare(a, b) === 0;

describe('views on disk', () => {
  it.each([
    0, 1, 127, 128, 262_143, 262_144, 262_145, 3_000_001,
  ])('of %i bytes come back as they were', (bytes) => {
    const root = newRoot();
    viewCache(root).write('key', view(1, bytes));
    const cache = viewCache(root);
    expect(cache.size('key')).toBe(bytes);
    expect(same(read(cache, 'key'), view(1, bytes))).toBe(true);
    expect(cache.size('other')).toBeUndefined();
    expect(cache.read('other', new Uint8Array(0))).toBe(false);
    expect(cache.read('key', new Uint8Array(bytes + 1))).toBe(false);
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it('are replaced by the next write of their key', () => {
    const cache = viewCache(newRoot());
    cache.write('key', view(1, 1000));
    cache.write('key', view(2, 500));
    expect(same(read(cache, 'key'), view(2, 500))).toBe(true);
  });

  it('are absent as soon as any byte is damaged', () => {
    const root = newRoot();
    const cache = viewCache(root);
    cache.write('key', view(1, 300));
    const [path] = files(root);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 1 << (at & 7);
      writeFileSync(path, damaged);
      expect(read(cache, 'key')).toBeUndefined();
    }
    for (const size of [0, 10, 64, bytes.length - 1]) {
      writeFileSync(path, bytes.subarray(0, size));
      expect(read(cache, 'key')).toBeUndefined();
    }
    writeFileSync(path, Buffer.concat([bytes, Buffer.of(0)]));
    expect(read(cache, 'key')).toBeUndefined();
    cache.write('key', view(1, 300));
    expect(same(read(cache, 'key'), view(1, 300))).toBe(true);
  });

  it('are absent under the name of another key', () => {
    const root = newRoot();
    const cache = viewCache(root);
    cache.write('a', view(1, 300));
    const [path] = files(root);
    cache.write('b', view(2, 300));
    const other = files(root).find((name) => name !== path) ?? '';
    writeFileSync(other, readFileSync(path));
    expect(read(cache, 'b')).toBeUndefined();
  });

  it('stay under their bound: old ones go first, those in use stay', () => {
    const root = newRoot();
    const bytes = 20_000;
    const yesterday = viewCache(root, { bytes });
    for (let i = 0; i < 4; i++) yesterday.write(`old ${i}`, view(i, 3000));
    for (const [i, path] of files(root).entries()) utimesSync(path, 1e9 + i, 1e9 + i);
    const today = viewCache(root, { bytes });
    expect(read(today, 'old 2')).toBeDefined();
    for (let i = 0; i < 20; i++) {
      today.write(`new ${i}`, view(i, 3000));
      const total = files(root).reduce((sum, path) => sum + statSync(path).size, 0);
      expect(total).toBeLessThanOrEqual(bytes);
    }
    const kept = Array.from({ length: 20 }, (_, i) => read(today, `new ${i}`) !== undefined);
    expect(kept.filter(Boolean)).toHaveLength(5);
    expect(kept.slice(0, 5)).toEqual([true, true, true, true, true]);
    expect(read(today, 'old 2')).toBeDefined();
    expect(read(today, 'old 0')).toBeUndefined();
    today.write('too large', view(1, bytes));
    expect(today.size('too large')).toBeUndefined();
  });

  it('may vanish at any time', () => {
    const root = newRoot();
    const cache = viewCache(root);
    cache.write('key', view(1, 300));
    rmSync(join(root, 'cache'), { recursive: true });
    expect(cache.size('key')).toBeUndefined();
    expect(cache.read('key', new Uint8Array(300))).toBe(false);
    cache.write('key', view(1, 300));
    expect(same(read(cache, 'key'), view(1, 300))).toBe(true);
    const blocked = newRoot();
    writeFileSync(blocked, 'a file where the store should be');
    expect(() => viewCache(blocked).write('key', view(1, 300))).not.toThrow();
  });

  it('read back the files of version 1', () => {
    const root = newRoot();
    const cache = viewCache(root);
    cache.write('fixture', view(1, 10));
    const [path] = files(root);
    writeFileSync(path, readFileSync(new URL('../../test/fixtures/store/view-v1.view', import.meta.url)));
    expect(same(read(cache, 'fixture'), view(3, 1000))).toBe(true);
  });
});

import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { memoryPartials, PARTIALS, partialCache } from './partial-cache.ts';
import { RECORD_HEADER_BYTES, RECORD_OVERHEAD, SEGMENT_HEADER_BYTES } from './segment.ts';

const base = mkdtempSync(join(tmpdir(), 'sora-partials-'));
let made = 0;
afterAll(() => rmSync(base, { recursive: true, force: true }));
const newRoot = () => join(base, `store-${made++}`);
const payload = (i: number, bytes = 100) => Uint8Array.from({ length: bytes }, (_, j) => i * 7 + j);
const segments = (root: string) =>
  readdirSync(join(root, PARTIALS)).map((name) => join(root, PARTIALS, name));
const used = (root: string) => segments(root).reduce((sum, path) => sum + statSync(path).size, 0);

describe('partials on disk', () => {
  it('are there for the one who put them and for who comes later', () => {
    const root = newRoot();
    const cache = partialCache(root);
    expect(cache.get('a')).toBeUndefined();
    expect(existsSync(join(root, PARTIALS))).toBe(false);
    cache.put('large', payload(1, 10_000));
    for (let i = 0; i < 200; i++) cache.put(`key ${i}`, payload(i, i * 5));
    cache.put('key 3', payload(99));
    const later = partialCache(root);
    for (const reader of [cache, later]) {
      expect(reader.get('key 3')).toEqual(payload(99));
      for (let i = 4; i < 200; i++) expect(reader.get(`key ${i}`)).toEqual(payload(i, i * 5));
      expect(reader.get('large')).toEqual(payload(1, 10_000));
      expect(reader.get('key 200')).toBeUndefined();
    }
    expect(segments(root)).toHaveLength(1);
    cache.close();
    later.close();
    expect(later.get('key 5')).toEqual(payload(5, 25));
  });

  it('of several writers are in segments of their own, and all are read', async () => {
    const root = newRoot();
    const writers = [0, 1, 2].map(() => partialCache(root));
    for (const [i, writer] of writers.entries()) writer.put(`key ${i}`, payload(i));
    expect(segments(root)).toHaveLength(3);
    await new Promise((done) => setTimeout(done, 1100));
    for (const writer of writers) {
      for (let i = 0; i < 3; i++) expect(writer.get(`key ${i}`)).toEqual(payload(i));
    }
    writers[0].put('late', payload(9));
    expect(writers[1].get('late')).toBeUndefined();
    await new Promise((done) => setTimeout(done, 1100));
    expect(writers[1].get('late')).toEqual(payload(9));
  });

  it('keep those before an unfinished last record', () => {
    const root = newRoot();
    const cache = partialCache(root);
    for (let i = 0; i < 3; i++) cache.put(`key ${i}`, payload(i));
    cache.close();
    const [path] = segments(root);
    const whole = statSync(path).size;
    for (const size of [
      whole - 1,
      whole - 50,
      whole - 100 - RECORD_OVERHEAD + 1,
      whole - 100 - RECORD_OVERHEAD,
    ]) {
      truncateSync(path, size);
      const later = partialCache(root);
      expect(later.get('key 2')).toBeUndefined();
      expect(later.get('key 0')).toEqual(payload(0));
      expect(later.get('key 1')).toEqual(payload(1));
      later.close();
    }
    const later = partialCache(root);
    later.put('key 2', payload(2));
    expect(later.get('key 2')).toEqual(payload(2));
    later.close();
    expect(partialCache(root).get('key 2')).toEqual(payload(2));
  });

  it('never come back other than they were put, whichever byte is damaged', () => {
    const root = newRoot();
    const cache = partialCache(root);
    for (let i = 0; i < 4; i++) cache.put(`key ${i}`, payload(i, 10));
    cache.close();
    const [path] = segments(root);
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 1 << (at & 7);
      writeFileSync(path, damaged);
      const later = partialCache(root);
      const found = [0, 1, 2, 3].map((i) => later.get(`key ${i}`));
      later.close();
      expect(found.filter((value) => value === undefined).length).toBeGreaterThan(0);
      for (const [i, value] of found.entries())
        if (value !== undefined) expect(value).toEqual(payload(i, 10));
    }
  });

  it('after a damaged payload can still be read', () => {
    const root = newRoot();
    const cache = partialCache(root);
    for (let i = 0; i < 3; i++) cache.put(`key ${i}`, payload(i));
    cache.close();
    const [path] = segments(root);
    const damaged = readFileSync(path);
    damaged[SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES + 5] ^= 4;
    writeFileSync(path, damaged);
    const later = partialCache(root);
    expect([0, 1, 2].map((i) => later.get(`key ${i}`)?.length)).toEqual([undefined, 100, 100]);
    later.put('key 0', payload(0));
    expect(later.get('key 0')).toEqual(payload(0));
  });

  it('stay under their bound, the oldest going first', () => {
    const root = newRoot();
    const bytes = 64 << 10;
    const cache = partialCache(root, { bytes });
    for (let i = 0; i < 500; i++) {
      cache.put(`key ${i}`, payload(i, 1000));
      expect(used(root)).toBeLessThanOrEqual(bytes);
    }
    expect(cache.get('key 499')).toEqual(payload(499, 1000));
    expect(cache.get('key 470')).toEqual(payload(470, 1000));
    expect(cache.get('key 0')).toBeUndefined();
    cache.put('too large', payload(1, bytes));
    expect(cache.get('too large')).toBeUndefined();
  });

  it('are merged when many short runs left many segments', () => {
    const root = newRoot();
    for (let i = 0; i < 40; i++) {
      const cache = partialCache(root);
      cache.put(`key ${i}`, payload(i));
      cache.close();
      const old = Date.now() / 1000 - 3600;
      for (const path of segments(root)) utimesSync(path, old, old);
    }
    expect(segments(root).length).toBeLessThan(36);
    const cache = partialCache(root);
    for (let i = 0; i < 40; i++) expect(cache.get(`key ${i}`)).toEqual(payload(i));
  });

  it('ignore files that are no segments, and a folder that is gone', () => {
    const root = newRoot();
    const cache = partialCache(root);
    cache.put('a', payload(1));
    writeFileSync(join(root, PARTIALS, '0.seg'), 'not a segment');
    appendFileSync(join(root, PARTIALS, 'notes.txt'), 'x');
    const later = partialCache(root);
    expect(later.get('a')).toEqual(payload(1));
    rmSync(join(root, 'cache'), { recursive: true });
    const last = partialCache(root);
    expect(last.get('a')).toBeUndefined();
    expect(() => later.put('b', payload(2))).not.toThrow();
    last.put('c', payload(3));
    expect(last.get('c')).toEqual(payload(3));
  });

  it('read back the segments of version 1', () => {
    const root = newRoot();
    partialCache(root).put('x', payload(1));
    const fixture = new URL('../../test/fixtures/store/segment-v1.seg', import.meta.url);
    writeFileSync(join(root, PARTIALS, '1.seg'), readFileSync(fixture));
    const cache = partialCache(root);
    expect(Buffer.from(cache.get('moments/1 particle 7') ?? []).toString()).toBe('a partial of version 1');
    expect(cache.get('empty')).toEqual(new Uint8Array(0));
  });
});

describe('partials in memory', () => {
  it('behave as a bounded map, the least recently used going first', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.nat(60)), { maxLength: 200 }), (puts) => {
        const cache = memoryPartials(200);
        const truth = new Map<string, Uint8Array>();
        for (const [key, size] of puts) {
          const bytes = payload(key, size);
          cache.put(`${key}`, bytes);
          truth.set(`${key}`, bytes);
          expect(cache.get(`${key}`)).toEqual(bytes);
        }
        let total = 0;
        for (const [key, bytes] of truth) {
          const found = cache.get(key);
          total += found?.length ?? 0;
          if (found !== undefined) expect(found).toEqual(bytes);
        }
        expect(total).toBeLessThanOrEqual(200);
      }),
    );
    const cache = memoryPartials(200);
    cache.put('large', payload(1, 201));
    expect(cache.get('large')).toBeUndefined();
  });
});

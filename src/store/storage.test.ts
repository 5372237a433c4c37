import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { directoryStorage } from './directory.ts';
import { memoryStorage } from './memory.ts';
import { checkKey, type ObjectStorage, readPieces } from './storage.ts';

const base = mkdtempSync(join(tmpdir(), 'sora-storage-'));
let made = 0;
afterAll(() => rmSync(base, { recursive: true, force: true }));

const bytes = (text: string) => Buffer.from(text);
const text = (data: Uint8Array | undefined) =>
  data === undefined ? undefined : Buffer.from(data).toString();

async function keys(storage: ObjectStorage, prefix: string, after?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of storage.list(prefix, after)) found.push(key);
  return found;
}

/** What any backend must do; a new one is a new row here. */
const BACKENDS: readonly [string, () => ObjectStorage][] = [
  ['memory', memoryStorage],
  ['directory', () => directoryStorage(join(base, `store-${made++}`))],
];

describe.each(BACKENDS)('object storage: %s', (_, make) => {
  it('has nothing at first', async () => {
    const storage = make();
    expect(await storage.get('a/b')).toBeUndefined();
    expect(await storage.getRange('a/b', 0, 10)).toBeUndefined();
    expect(await storage.stat('a/b')).toBeUndefined();
    expect(await keys(storage, '')).toEqual([]);
    await expect(storage.delete('a/b')).resolves.toBeUndefined();
  });

  it('gets what was put last, whole or in part', async () => {
    const storage = make();
    await storage.put('a/b.txt', bytes('first'));
    await storage.put('a/b.txt', bytes('second'));
    await storage.flush(['a/b.txt']);
    expect(text(await storage.get('a/b.txt'))).toBe('second');
    expect(text(await storage.getRange('a/b.txt', 2, 3))).toBe('con');
    expect(text(await storage.getRange('a/b.txt', 4, 100))).toBe('nd');
    expect(text(await storage.getRange('a/b.txt', 6, 1))).toBe('');
    expect(text(await storage.getRange('a/b.txt', 60, 1))).toBe('');
    expect(await storage.stat('a/b.txt')).toMatchObject({ key: 'a/b.txt', size: 6 });
  });

  it('does not share bytes with its caller', async () => {
    const storage = make();
    const mine = bytes('abc');
    await storage.put('x', mine);
    mine[0] = 0;
    const theirs = await storage.get('x');
    if (theirs !== undefined) theirs[1] = 0;
    expect(text(await storage.get('x'))).toBe('abc');
  });

  it('creates once, whoever tries', async () => {
    const storage = make();
    const tries = Array.from({ length: 20 }, (_, i) => storage.putIfAbsent('log/1', bytes(`writer ${i}`)));
    const won = await Promise.all(tries);
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(text(await storage.get('log/1'))).toBe(`writer ${won.indexOf(true)}`);
    expect(await storage.putIfAbsent('log/1', bytes('late'))).toBe(false);
    await storage.delete('log/1');
    expect(await storage.putIfAbsent('log/1', bytes('again'))).toBe(true);
  });

  it('lists by prefix, in order of keys, after a key', async () => {
    const storage = make();
    const all = ['a', 'a-b/1', 'a/1', 'a/2/x', 'a/2/y', 'a/20', 'b/1', 'b/10', 'b/2'];
    for (const key of [...all].reverse()) await storage.put(key === 'a' ? 'a.txt' : key, bytes(key));
    const stored = all.map((key) => (key === 'a' ? 'a.txt' : key)).sort();
    const seen = (await keys(storage, '')).filter((key) => !key.startsWith('tmp/'));
    expect(seen).toEqual(stored);
    expect(await keys(storage, 'a/')).toEqual(['a/1', 'a/2/x', 'a/2/y', 'a/20']);
    expect(await keys(storage, 'a/2')).toEqual(['a/2/x', 'a/2/y', 'a/20']);
    expect(await keys(storage, 'a/', 'a/2/x')).toEqual(['a/2/y', 'a/20']);
    expect(await keys(storage, 'b/', 'b/10')).toEqual(['b/2']);
    expect(await keys(storage, 'c/')).toEqual([]);
  });

  it('reads in pieces what it has whole', async () => {
    const storage = make();
    await storage.put('x', bytes('0123456789'));
    const pieces: string[] = [];
    for await (const piece of readPieces(storage, 'x', 4)) pieces.push(Buffer.from(piece).toString());
    expect(pieces).toEqual(['0123', '4567', '89']);
  });

  it.each([
    '',
    '/a',
    'a/',
    'a//b',
    '.',
    'a/../b',
    '..',
    'a\\b',
    'a\0b',
    'c:d',
    'a*',
    'x'.repeat(201),
  ])('refuses the key %j', async (key) => {
    const storage = make();
    expect(() => checkKey(key)).toThrow(/Not an object key/);
    await expect((async () => storage.put(key, bytes('x')))()).rejects.toMatchObject({ code: 'bad-option' });
    await expect((async () => storage.get(key))()).rejects.toMatchObject({ code: 'bad-option' });
    await expect((async () => storage.delete(key))()).rejects.toMatchObject({ code: 'bad-option' });
  });
});

describe('directory storage', () => {
  it('leaves no temporary files, won or lost', async () => {
    const root = join(base, 'temporaries');
    const storage = directoryStorage(root);
    await storage.putIfAbsent('log/1', bytes('a'));
    await storage.putIfAbsent('log/1', bytes('b'));
    await storage.put('x/y', bytes('c'));
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it('says where and why when the system refuses', async () => {
    const root = join(base, 'blocked');
    const storage = directoryStorage(root);
    await storage.put('x', bytes('a file where a folder should be'));
    await expect(storage.put('x/y', bytes('z'))).rejects.toMatchObject({ code: 'io-failed' });
    await expect(storage.put('x/y', bytes('z'))).rejects.toThrow(/Could not write .*x\/y: /s);
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it('lists foreign files instead of failing on them', async () => {
    const root = join(base, 'foreign');
    const storage = directoryStorage(root);
    await storage.put('a', bytes('1'));
    writeFileSync(join(root, 'odd\\name'), 'x');
    expect(await keys(storage, '')).toEqual(['a', 'odd\\name']);
  });
});

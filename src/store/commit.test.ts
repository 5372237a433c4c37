import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SoraError } from '../errors.ts';
import { commitKey, commitNumber, decodeCommit, encodeCommit } from './commit.ts';
import { checkStoreFile } from './format.ts';
import { memoryStorage } from './memory.ts';
import { sealJson, sha256 } from './sealed.ts';

const fixture = (name: string) => readFileSync(new URL(`../../test/fixtures/store/${name}`, import.meta.url));
const code = (work: () => unknown) => {
  try {
    work();
    return 'none';
  } catch (error) {
    return error instanceof SoraError ? error.code : 'foreign';
  }
};

describe('commits', () => {
  it('have keys that sort as their numbers', () => {
    expect(commitKey(42)).toBe('log/00000000000000000042.json');
    expect([1, 42, 10 ** 15].map((n) => commitNumber(commitKey(n)))).toEqual([1, 42, 10 ** 15]);
    expect(commitKey(9) < commitKey(10)).toBe(true);
    for (const key of [
      'log/1.json',
      'log/00000000000000000000.json',
      `${commitKey(1)}x`,
      `x${commitKey(1)}`,
    ]) {
      expect(commitNumber(key)).toBeUndefined();
    }
  });

  it('of version 1 are read as they were written', async () => {
    const bytes = fixture('commit-v1.json');
    const { sha256: hash, ...commit } = decodeCommit(bytes, commitKey(7));
    expect(hash).toBe(sha256(bytes));
    expect(commit).toMatchObject({
      commit: 7,
      who: 'ann',
      remove: [{ at: 3, hash: 'b'.repeat(64) }],
      add: [{ hash: 'c'.repeat(64), rows: 10, bytes: 100, sha256: 'd'.repeat(64), source: 0 }],
      sources: [{ name: 'data.csv', options: { delimiter: ';' } }],
    });
    expect(encodeCommit(commit)).toEqual(bytes);
    const storage = memoryStorage();
    await storage.put('store.json', fixture('store-v1.json'));
    await expect(checkStoreFile(storage)).resolves.toBeUndefined();
  });

  it('are refused under another number, or if sealed without being a commit', () => {
    expect(code(() => decodeCommit(fixture('commit-v1.json'), commitKey(8)))).toBe('corrupt');
    const nonsense = sealJson({ format: 'sora-commit', version: 1 }, { commit: 7 });
    expect(code(() => decodeCommit(nonsense, commitKey(7)))).toBe('corrupt');
  });
});

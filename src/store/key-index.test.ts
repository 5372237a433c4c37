import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyIndex } from './key-index.ts';

const key = (i: number) => createHash('sha256').update(String(i)).digest();

describe('key index', () => {
  it('holds the last place of each of many keys', () => {
    const index = new KeyIndex();
    for (let i = 0; i < 5000; i++) index.set(key(i), { segment: i % 7, offset: i });
    for (let i = 0; i < 5000; i += 3) index.set(key(i), { segment: 100, offset: 4_000_000_000 });
    expect(index.size).toBe(5000);
    for (let i = 0; i < 5000; i++) {
      expect(index.get(key(i))).toEqual(
        i % 3 === 0 ? { segment: 100, offset: 4_000_000_000 } : { segment: i % 7, offset: i },
      );
    }
    expect(index.get(key(5001))).toBeUndefined();
  });
});

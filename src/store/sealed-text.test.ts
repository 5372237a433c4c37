import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../json.ts';
import {
  checkSealedJson,
  checkSealedPage,
  nextName,
  sealedFiles,
  sealJsonText,
  sealPage,
} from './sealed-text.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const corruptOf = (file: string) =>
  expect.objectContaining({ code: 'corrupt', details: expect.objectContaining({ file }) });

describe('sealed texts', () => {
  it('are the same for equal records, readable, and accepted', () => {
    const record = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { noNullPrototype: true });
    fc.assert(
      fc.property(record, (values) => {
        const text = sealJsonText(values as { [key: string]: Json });
        checkSealedJson(bytesOf(text), 'm.json', '');
        const reversed = Object.fromEntries(Object.entries(values).reverse());
        expect(sealJsonText(reversed as { [key: string]: Json })).toBe(text);
        const { checksum, ...back } = JSON.parse(text);
        const { checksum: _, ...given } = JSON.parse(JSON.stringify(values));
        expect([checksum, back]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), given]);
      }),
    );
  });

  it('show any byte that is changed, added or left out', () => {
    const seals = [
      [bytesOf(sealJsonText({ b: 'ä "checksum": "', a: { checksum: 'f'.repeat(64) } })), checkSealedJson],
      [bytesOf(sealPage('<p>ä</p>\n')), checkSealedPage],
    ] as const;
    for (const [bytes, check] of seals) {
      check(bytes, 'file', '');
      for (let at = 0; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const damaged = bytes.slice();
          damaged[at] ^= 1 << bit;
          expect(() => check(damaged, 'file', '')).toThrow(corruptOf('file'));
        }
        const shorter = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]);
        expect(() => check(shorter, 'file', '')).toThrow(corruptOf('file'));
        const longer = Buffer.concat([bytes.subarray(0, at), Buffer.of(32), bytes.subarray(at)]);
        expect(() => check(longer, 'file', '')).toThrow(corruptOf('file'));
      }
      expect(() => check(new Uint8Array(0), 'file', '')).toThrow(corruptOf('file'));
    }
  });

  it('list the files beside them', () => {
    const files = [{ file: 'p.bin', bytes: 3, sha256: 'a'.repeat(64) }];
    expect(sealedFiles(bytesOf(sealJsonText({ files })), 'm.json', '')).toEqual(files);
    expect(sealedFiles(bytesOf(sealJsonText({ a: 1 })), 'm.json', '')).toEqual([]);
    expect(() => sealedFiles(bytesOf(sealJsonText({ files: [1] })), 'm.json', '')).toThrow(
      corruptOf('m.json'),
    );
    expect([nextName('p.safetensors'), nextName('p')]).toEqual(['p.next.safetensors', 'p.next']);
  });
});

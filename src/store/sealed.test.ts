import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SoraError } from '../errors.ts';
import { openSealed, sealJson } from './sealed.ts';

const KIND = { format: 'sora-test', version: 2 };
const code = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return error instanceof SoraError ? error.code : 'foreign';
  }
};

describe('sealed JSON', () => {
  it('gives back what was sealed', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (body) => {
        const plain = JSON.parse(JSON.stringify(body));
        const { format, version, checksum, ...rest } = openSealed(KIND, sealJson(KIND, plain), 'f', '');
        const { format: _f, version: _v, checksum: _c, ...expected } = plain;
        expect(rest).toEqual(expected);
        expect([format, version]).toEqual(['sora-test', 2]);
        expect(checksum).toMatch(/^[0-9a-f]{64}$/);
      }),
    );
  });

  it('finds any changed, added or missing byte', () => {
    const bytes = sealJson(KIND, { a: [1, 2.5, 'é'], b: null });
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [1, 0x20, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[at] ^= mask;
        expect(code(() => openSealed(KIND, damaged, 'f', ''))).toBe('corrupt');
      }
      expect(code(() => openSealed(KIND, bytes.subarray(0, at), 'f', ''))).toBe('corrupt');
    }
    expect(code(() => openSealed(KIND, Buffer.concat([bytes, Buffer.from(' ')]), 'f', ''))).toBe('corrupt');
  });

  it('names file, both hashes and remedy', () => {
    const bytes = Buffer.from(sealJson(KIND, { a: 1 }));
    bytes[bytes.indexOf('1')] = 0x32;
    expect(() => openSealed(KIND, bytes, 'log/1.json', 'Do this.')).toThrow(
      /^log\/1\.json is damaged: expected the checksum [0-9a-f]{64}, found [0-9a-f]{64}\. It was not used\. Do this\.$/,
    );
  });

  it('refuses a newer version, naming both and the remedy', () => {
    const newer = sealJson({ ...KIND, version: 3 }, {});
    expect(code(() => openSealed(KIND, newer, 'f', ''))).toBe('newer-format');
    expect(() => openSealed(KIND, newer, 'f', '')).toThrow(/version 3.*up to 2.*Upgrade Sora/s);
    expect(code(() => openSealed({ ...KIND, format: 'other' }, newer, 'f', ''))).toBe('corrupt');
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32, plainCrc32 } from './crc32.ts';

describe('CRC-32', () => {
  it('is the one of the standard check value', () => {
    const check = Buffer.from('123456789');
    expect(plainCrc32(check)).toBe(0xcbf43926);
    expect(crc32(check)).toBe(0xcbf43926);
  });

  it('is the same by tables and by the host, whole and continued', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(100), (bytes, cut) => {
        const whole = plainCrc32(bytes);
        expect(whole).toBe(crc32(bytes));
        expect(plainCrc32(bytes.subarray(cut), plainCrc32(bytes.subarray(0, cut)))).toBe(whole);
        expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(whole);
      }),
    );
  });
});

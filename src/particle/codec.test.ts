import { randomBytes } from 'node:crypto';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SoraError } from '../errors.ts';
import { compress, decompress, frameBound, zstdName } from './codec.ts';

describe('ZSTD', () => {
  test('is that of Node where Node has it', () => {
    expect(zstdName).toBe('zstdCompressSync' in zlib ? 'node:zlib' : '@foxglove/wasm-zstd');
  });

  test('round trip of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.integer({ min: 1, max: 200 }), (bytes, times) => {
        const long = Buffer.concat(new Array(times).fill(bytes));
        expect(Buffer.compare(decompress(compress(long), long.length), long)).toBe(0);
      }),
    );
  });

  test('the bound of a frame is at least its content, and not far above', () => {
    for (const bytes of [new Uint8Array(0), randomBytes(300_000), new Uint8Array(1_000_000)]) {
      const bound = frameBound(compress(bytes));
      expect(bound).toBeGreaterThanOrEqual(bytes.length);
      expect(bound).toBeLessThanOrEqual(bytes.length + (1 << 18));
    }
  });

  test('a wrong length is corrupt before anything is allocated', () => {
    const frame = compress(new Uint8Array(1000));
    for (const length of [-1, 999, 1001, 2 ** 40, Number.NaN]) {
      expect(() => decompress(frame, length)).toThrow(SoraError);
    }
  });

  test('two frames, cut frames and other bytes are no frame', () => {
    const frame = compress(randomBytes(1000));
    expect(frameBound(Buffer.concat([frame, frame]))).toBe(-1);
    expect(frameBound(frame.subarray(0, -1))).toBe(-1);
    expect(frameBound(randomBytes(100))).toBe(-1);
    expect(frameBound(new Uint8Array(0))).toBe(-1);
  });
});

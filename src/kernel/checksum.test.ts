import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { checksum, checksums } from './checksum.ts';
import { arena } from './memory.ts';
import { kernelRuns, setKernelMode } from './mode.ts';

afterEach(() => setKernelMode('wasm'));

const hex = (bytes: Uint8Array) => [...checksum(bytes)].map((word) => word.toString(16)).join(' ');

describe('checksum', () => {
  it('changes with any change within one word', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 600 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (bytes, place, mask) => {
          const changed = bytes.slice();
          changed[place % bytes.length] ^= mask;
          expect(hex(changed)).not.toBe(hex(bytes));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('is the same wherever the bytes lie', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(15), (bytes, shift) => {
        const moved = new Uint8Array(bytes.length + 16);
        moved.set(bytes, shift);
        expect(hex(moved.subarray(shift, shift + bytes.length))).toBe(hex(bytes));
      }),
    );
  });

  it('is the same on both paths, in kernel memory or not', () => {
    fc.assert(
      fc.property(fc.nat(700_000), fc.nat(), fc.nat(15), (length, seed, shift) => {
        const bytes = Uint8Array.from(
          { length: length + shift },
          (_, i) => Math.imul(i + seed, 0x9e3779b1) >>> 13,
        );
        const mark = arena.mark();
        const resident = arena.alloc(Uint8Array, bytes.length) as Uint8Array;
        resident.set(bytes);
        const before = kernelRuns();
        setKernelMode('wasm');
        const expected = hex(bytes.subarray(shift));
        expect(hex(resident.subarray(shift))).toBe(expected);
        const between = kernelRuns();
        setKernelMode('plain');
        expect(hex(bytes.subarray(shift))).toBe(expected);
        arena.reset(mark);
        if (length >= 128) {
          expect(between.wasm).toBeGreaterThan(before.wasm);
          expect(kernelRuns().plain).toBeGreaterThan(between.plain);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('of blocks is that of each', () => {
    fc.assert(
      fc.property(
        fc.nat(5000),
        fc.constantFrom(100, 128, 1024),
        fc.nat(15),
        fc.boolean(),
        (length, blockBytes, shift, resident) => {
          const mark = arena.mark();
          const room = resident
            ? (arena.alloc(Uint8Array, length + shift) as Uint8Array)
            : new Uint8Array(length + shift);
          for (let i = 0; i < room.length; i++) room[i] = Math.imul(i, 0x9e3779b1) >>> 13;
          const bytes = room.subarray(shift);
          const blocks = Array.from({ length: Math.ceil(length / blockBytes) }, (_, i) =>
            bytes.slice(i * blockBytes, (i + 1) * blockBytes),
          );
          const before = kernelRuns();
          expect([...checksums(bytes, blockBytes)]).toEqual(blocks.flatMap((block) => [...checksum(block)]));
          if (length >= 128 && blockBytes >= 128) expect(kernelRuns().wasm).toBeGreaterThan(before.wasm);
          setKernelMode('plain');
          expect([...checksums(bytes, blockBytes)]).toEqual(blocks.flatMap((block) => [...checksum(block)]));
          setKernelMode('wasm');
          arena.reset(mark);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('keeps its values, which stand in files', () => {
    const counting = Uint8Array.from({ length: 1000 }, (_, i) => i);
    expect(hex(new Uint8Array(0))).toMatchInlineSnapshot(`"64705bfd 60626fbd 80b4cac8 d1727e37"`);
    expect(hex(counting)).toMatchInlineSnapshot(`"c6718ecc a3b1a2bd 7ada875a 8469ea07"`);
  });
});

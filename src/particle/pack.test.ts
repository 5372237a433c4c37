import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SoraError } from '../errors.ts';
import { packedSize, packInto, packView, unpackView } from './pack.ts';
import type { View } from './view.ts';

const dense: View = {
  kind: 'dense',
  rows: 3,
  features: 2,
  stride: 4,
  names: ['a', 'β'],
  labels: new Float64Array([0, 1, -0]),
  values: new Float32Array([1, 2, 3, 0, 0.1, Infinity, 1e-40, 0]),
  weights: undefined,
};

/** Bytes of the released format: they must be read for ever. */
const FIXTURE_HEADER =
  '{"arrays":[["codes","u8",128,3],["labels","f64",144,3]],"kind":"binned","rows":3,"values":{"bins":7}}';
const FIXTURE = [
  '53565731' + '70000000' + '0000000000006640',
  Buffer.from(FIXTURE_HEADER.padEnd(112)).toString('hex'),
  '01020300000000000000000000000000',
  '000000000000f03f00000000000000400000000000000840' + '0000000000000000',
].join('');

const typedArrays = fc.oneof(
  fc.float32Array(),
  fc.float64Array(),
  fc.int8Array(),
  fc.int16Array(),
  fc.int32Array(),
  fc.uint8Array(),
  fc.uint16Array(),
  fc.uint32Array(),
);
const views = fc
  .record({
    rows: fc.nat(),
    kind: fc.string(),
    fields: fc.dictionary(
      fc.string().filter((key) => key !== 'rows' && key !== 'kind' && key !== '__proto__'),
      fc.oneof(typedArrays, fc.string(), fc.integer(), fc.constant(null), fc.array(fc.boolean())),
    ),
  })
  .map(({ rows, kind, fields }): View => ({ ...fields, kind, rows }));

describe('packed views', () => {
  it('come back as they were, over the same bytes', () => {
    fc.assert(
      fc.property(views, (view) => {
        const bytes = packView(view);
        expect(bytes.byteLength).toBe(packedSize(view));
        const back = unpackView(bytes);
        expect({ ...back }).toEqual({ ...view });
        for (const value of Object.values(back)) {
          if (!ArrayBuffer.isView(value)) continue;
          expect(value.buffer).toBe(bytes.buffer);
          expect(value.byteOffset % 16).toBe(0);
        }
        expect(packView(back)).toEqual(bytes);
      }),
    );
  });

  it('leave out fields that are undefined, and keep bits', () => {
    const back = unpackView(packView(dense));
    expect('weights' in back).toBe(false);
    expect(Object.is((back.labels as Float64Array)[2], -0)).toBe(true);
    expect(back).toEqual({ ...dense, weights: undefined });
  });

  it('go into memory that is there, whatever it held before, with the same bytes', () => {
    const size = packedSize(dense);
    const memory = new Uint8Array(size + 64).fill(0xa5);
    const target = memory.subarray(32, 32 + size);
    expect(packInto(dense, target)).toEqual(packView(dense));
    expect(unpackView(target).values).toEqual(dense.values);
    expect(memory[31]).toBe(0xa5);
    expect(memory[32 + size]).toBe(0xa5);
    expect(() => packInto(dense, memory.subarray(0, size - 16))).toThrow(SoraError);
  });

  it('are read from bytes that are not aligned', () => {
    const bytes = packView(dense);
    const shifted = new Uint8Array(bytes.length + 5);
    shifted.set(bytes, 5);
    expect(unpackView(shifted.subarray(5))).toEqual({ ...dense, weights: undefined });
  });

  it('have the bytes of the released format', () => {
    const view: View = {
      kind: 'binned',
      rows: 3,
      bins: 7,
      codes: new Uint8Array([1, 2, 3]),
      labels: new Float64Array([1, 2, 3]),
    };
    expect(Buffer.from(packView(view)).toString('hex')).toBe(FIXTURE);
    expect(unpackView(new Uint8Array(Buffer.from(FIXTURE, 'hex')))).toEqual(view);
  });
});

function readsOrIsCorrupt(bytes: Uint8Array): void {
  try {
    unpackView(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(SoraError);
    expect((error as SoraError).code).toBe('corrupt');
  }
}

describe('bytes that are no packed view', () => {
  it('are refused as corrupt: garbage', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(() => unpackView(bytes)).toThrow(SoraError);
      }),
    );
  });

  it('are refused as corrupt, or read: a flipped byte', () => {
    const bytes = packView(dense);
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [1, 4, 0x20, 0x80, 0xff]) {
        const damaged = bytes.slice();
        damaged[at] ^= mask;
        readsOrIsCorrupt(damaged);
      }
    }
  });

  it('are refused as corrupt: cut short', () => {
    const bytes = packView(dense);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => unpackView(bytes.slice(0, length))).toThrow(SoraError);
    }
  });

  it('are refused as corrupt: arrays that lie outside, unaligned or of no known type', () => {
    const damaged = [
      '[["labels","f64",9999968,3]]',
      '[["labels","f64",17,1]]',
      '[["x","toString",0,0]]',
      '7',
    ];
    for (const arrays of damaged) {
      const header = `{"arrays":${arrays},"kind":"k","rows":1,"values":{}}`.padEnd(128);
      const bytes = Buffer.concat([Buffer.alloc(16), Buffer.from(header)]);
      bytes.write('SVW1');
      bytes.writeUInt32LE(128, 4);
      bytes.writeDoubleLE(144, 8);
      expect(() => unpackView(new Uint8Array(bytes))).toThrow(/Not a packed view/);
    }
  });
});

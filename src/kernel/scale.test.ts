import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { kernelRuns, setKernelMode } from './mode.ts';
import { SCALE_ROWS, type Scaler, withScaler } from './scale.ts';

afterEach(() => setKernelMode('wasm'));

const number = fc.oneof(
  fc.double({ noNaN: true, min: -1e6, max: 1e6 }),
  fc.constantFrom(0, -0, 1e-310, -1e300, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);
const finite = fc.double({ noNaN: true, min: -1e3, max: 1e3 });

/** What `write` makes of the numbers on one path, at an offset inside of a larger array. */
function features(
  mode: 'wasm' | 'plain',
  numbers: readonly number[],
  write: (scaler: Scaler, out: Float32Array, at: number, count: number) => void,
): Float32Array {
  setKernelMode(mode);
  const out = new Float32Array(numbers.length + 10).fill(7);
  withScaler((scaler) => {
    scaler.block.set(numbers);
    write(scaler, out, 5, numbers.length);
  });
  return out;
}

const bits = (array: Float32Array): Uint32Array => new Uint32Array(array.buffer);

describe('scaling kernels equal their twins bit by bit', () => {
  const numbers = fc.array(number, { maxLength: 40 });

  it('clipped', () => {
    fc.assert(
      fc.property(numbers, finite, finite, finite, finite, (values, a, b, centre, scale) => {
        const clipping = { low: Math.min(a, b), high: Math.max(a, b), centre, scale };
        const write = (scaler: Scaler, out: Float32Array, at: number, count: number): void =>
          scaler.clipped(out, at, count, clipping);
        const plain = features('plain', values, write);
        expect(bits(features('wasm', values, write))).toEqual(bits(plain));
        expect([...plain.slice(0, 5), ...plain.slice(-5)]).toEqual(new Array(10).fill(7));
      }),
    );
  });

  it('hinges', () => {
    const bounded = fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { maxLength: 40 });
    fc.assert(
      fc.property(bounded, finite, finite, finite, (values, knot, centre, scale) => {
        const write = (scaler: Scaler, out: Float32Array, at: number, count: number): void =>
          scaler.hinge(out, at, count, { knot, centre, scale });
        expect(bits(features('wasm', values, write))).toEqual(bits(features('plain', values, write)));
      }),
    );
  });
});

describe('scaling', () => {
  it('clips, moves and scales', () => {
    const write = (scaler: Scaler, out: Float32Array, at: number, count: number): void =>
      scaler.clipped(out, at, count, { low: -1, high: 2, centre: 1, scale: 2 });
    expect([...features('wasm', [-5, 0, 1, 9], write).slice(5, 9)]).toEqual([-4, -2, 0, 2]);
  });

  it('bends at the knot', () => {
    const write = (scaler: Scaler, out: Float32Array, at: number, count: number): void =>
      scaler.hinge(out, at, count, { knot: 1, centre: 0.5, scale: 2 });
    expect([...features('wasm', [0, 1, 1.5, 3], write).slice(5, 9)]).toEqual([-1, -1, 0, 3]);
  });

  it('takes whole blocks, on the path that was asked for', () => {
    const before = kernelRuns().wasm;
    const values = Array.from({ length: SCALE_ROWS }, (_, i) => i);
    const write = (scaler: Scaler, out: Float32Array, at: number, count: number): void =>
      scaler.clipped(out, at, count, { low: 0, high: 4000, centre: 0, scale: 0.5 });
    const out = features('wasm', values, write);
    expect(out[5 + SCALE_ROWS - 1]).toBe(2000);
    expect(kernelRuns().wasm).toBe(before + 1);
  });
});

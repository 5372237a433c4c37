import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { particleOf, validityOf } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import type { Column } from '../particle/column.ts';
import { BYTE_FEATURES, byteFeatureName, byteFeatures } from './byte-features.ts';
import { bytes } from './bytes.ts';
import { partial } from './summary.ts';

const measured = (...values: number[]) => {
  const out = new Float64Array(BYTE_FEATURES);
  byteFeatures(Uint8Array.from(values), out);
  return out;
};
const shares = (values: Float64Array) => [...values.subarray(2)].map((share) => share * share);

describe('measures of bytes', () => {
  it('are length, entropy and shares of ranges', () => {
    const found = measured(0, 0, 1, 255);
    expect(found[0]).toBeCloseTo(Math.log(5), 14);
    // Shares ½, ¼, ¼.
    expect(found[1]).toBeCloseTo(1.5, 14);
    expect(shares(found)[0]).toBeCloseTo(0.75, 14);
    expect(shares(found)[31]).toBeCloseTo(0.25, 14);
    expect([...measured()]).toEqual(new Array(BYTE_FEATURES).fill(0));
    expect(measured(7, 7, 7)[1]).toBe(0);
    expect(measured(...Array.from({ length: 256 }, (_, value) => value))[1]).toBe(8);
  });

  it('stay in bounds and do not depend on the order of the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (values) => {
        const found = measured(...values);
        expect(found[1]).toBeGreaterThanOrEqual(0);
        expect(found[1]).toBeLessThanOrEqual(8);
        expect(shares(found).reduce((sum, share) => sum + share)).toBeCloseTo(1, 12);
        expect(measured(...values.toReversed())).toEqual(found);
      }),
    );
  });

  it('have names of their own', () => {
    const names = Array.from({ length: BYTE_FEATURES }, (_, index) => byteFeatureName(index));
    expect(new Set(names).size).toBe(BYTE_FEATURES);
    expect(names.slice(0, 3)).toEqual(['log length', 'entropy', 'bytes 00–07']);
    expect(names.at(-1)).toBe('bytes f8–ff');
  });
});

describe('bytes', () => {
  const columnOf = (values: (Uint8Array | null)[]): Column => ({
    type: 'binary',
    values: values.map((value) => value ?? new Uint8Array(0)),
    validity: validityOf(values),
  });
  const read = (values: (Uint8Array | null)[]) =>
    bytes().read(partial(bytes(), particleOf({ b: columnOf(values) }))).b;

  it('keeps the laws', () => {
    expect(() => lawful(bytes(), 1e-9)).not.toThrow();
  });

  it('gives mean and spread of each measure', () => {
    const { present, missing, mean, std } = read([new Uint8Array(1), null, new Uint8Array(3).fill(9)]);
    expect({ present, missing }).toEqual({ present: 2, missing: 1 });
    expect(mean[0]).toBeCloseTo((Math.log(2) + Math.log(4)) / 2, 14);
    expect(std[0]).toBeCloseTo((Math.log(4) - Math.log(2)) / Math.SQRT2, 14);
    expect([mean[2], mean[3], std[2]]).toEqual([0.5, 0.5, Math.SQRT1_2]);
    expect(std[1]).toBe(0);
  });

  it('goes on past one block, and says nothing of no values', () => {
    const { present, mean } = read(Array.from({ length: 1000 }, (_, i) => new Uint8Array(i % 2)));
    expect(present).toBe(1000);
    expect(mean[0]).toBeCloseTo(Math.LN2 / 2, 14);
    expect(read([null])).toEqual({ present: 0, missing: 1, mean: [], std: [] });
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { particles } from '../../test/particles.ts';
import { decodeParticle, encodeParticle } from './bytes.ts';
import { type ColumnInput, createParticle } from './create.ts';
import { hashParticle } from './hash.ts';
import type { Particle } from './particle.ts';

describe('name of a particle', () => {
  test('is the same after encoding and decoding', () => {
    fc.assert(
      fc.property(particles(), (particle) => {
        expect(hashParticle(decodeParticle(encodeParticle(particle)))).toBe(hashParticle(particle));
      }),
    );
  });

  test('does not depend on unused or reordered categories, nor on bits after the last row', () => {
    const named = (codes: number[], dictionary: string[], bits: number): string =>
      hashParticle({
        schema: { fields: [{ name: 'c', type: 'category', role: 'feature' }] },
        rows: 3,
        columns: [
          { type: 'category', codes: new Int32Array(codes), dictionary, validity: new Uint8Array([bits]) },
        ],
      });
    const name = named([0, -1, 1], ['a', 'b'], 0b101);
    expect(named([1, -1, 0], ['b', 'a'], 0b101)).toBe(name);
    expect(named([0, 1, 2], ['a', 'unused', 'b'], 0b11111101)).toBe(name);
    expect(named([0, -1, 0], ['a', 'b'], 0b101)).not.toBe(name);
  });

  test('an all-present bitmap is no bitmap', () => {
    const particle = createParticle({ columns: { n: [1, 2] } });
    const [column] = particle.columns;
    const marked = { ...particle, columns: [{ ...column, validity: new Uint8Array([0b11]) }] } as Particle;
    expect(hashParticle(marked)).toBe(hashParticle(particle));
  });

  test('differs with any value, name, role, type or order of rows', () => {
    const inputs: ColumnInput[] = [
      { columns: { n: [1, 2] } },
      { columns: { n: [2, 1] } },
      { columns: { m: [1, 2] } },
      { columns: { n: [1, null] } },
      { columns: { n: [1, 0] } },
      { columns: { n: ['1', '2'] } },
      { columns: { n: [1, 2] }, roles: { n: 'label' } },
      { columns: { n: ['12', ''] }, types: { n: 'text' } },
      { columns: { n: ['1', '2'] }, types: { n: 'text' } },
      { columns: { n: [1, 2.5] } },
      { columns: { n: [] } },
    ];
    expect(new Set(inputs.map((input) => hashParticle(createParticle(input)))).size).toBe(inputs.length);
  });
});

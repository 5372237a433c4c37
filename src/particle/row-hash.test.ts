import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { particles } from '../../test/particles.ts';
import { createParticle } from './create.ts';
import type { Particle } from './particle.ts';
import { rowHashes } from './row-hash.ts';
import { selectRows } from './select.ts';
import { splitParticle } from './split.ts';

describe('hash of a row', () => {
  test('does not depend on the cut', () => {
    fc.assert(
      fc.property(particles(), fc.integer({ min: 1, max: 20 }), fc.integer(), (particle, rows, seed) => {
        const parts = splitParticle(particle, rows).flatMap((part) => [...rowHashes(part, seed)]);
        expect(parts).toEqual([...rowHashes(particle, seed)]);
      }),
    );
  });

  test('does not depend on the order of rows, and so of dictionaries', () => {
    fc.assert(
      fc.property(particles(), (particle) => {
        const back = Uint32Array.from({ length: particle.rows }, (_, row) => particle.rows - 1 - row);
        expect([...rowHashes(selectRows(particle, back), 3)].reverse()).toEqual([...rowHashes(particle, 3)]);
      }),
    );
  });

  test('does not depend on the physical type of numbers, nor on the sign of zero', () => {
    const values = [1, 0, -7, 100];
    const arrays = [Int8Array, Int16Array, Int32Array, Float32Array, Float64Array].map(
      (type) => new type(values),
    );
    const [first, ...others] = arrays.map((array) => {
      const particle: Particle = {
        schema: { fields: [{ name: 'n', type: 'number', role: 'feature' }] },
        rows: 4,
        columns: [{ type: 'number', values: array }],
      };
      return [...rowHashes(particle, 1)];
    });
    for (const other of others) expect(other).toEqual(first);
    const zeros = rowHashes(createParticle({ columns: { n: [-0, 0] } }), 1);
    expect(zeros[0]).toBe(zeros[1]);
  });

  test('of a key column is of the key alone', () => {
    const key = ['u1', 'u2', 'u1'];
    const hashed = (n: number[]) => [
      ...rowHashes(createParticle({ columns: { key, n }, roles: { key: 'key' } }), 9),
    ];
    expect(hashed([1, 2, 3])).toEqual(hashed([4, 5, 6]));
    expect(hashed([1, 2, 3])[0]).toBe(hashed([1, 2, 3])[2]);
    expect(hashed([1, 2, 3])[0]).not.toBe(hashed([1, 2, 3])[1]);
  });

  test('missing is neither 0 nor empty', () => {
    const [missing, zero] = rowHashes(createParticle({ columns: { n: [null, 0] } }), 1);
    expect(missing).not.toBe(zero);
    const text = createParticle({ columns: { t: [null, ''] }, types: { t: 'text' } });
    expect(new Set(rowHashes(text, 1)).size).toBe(2);
  });

  test('is uniform, differs between seeds, and hardly collides', () => {
    const rows = 200_000;
    const particle = createParticle({
      columns: {
        id: Float64Array.from({ length: rows }, (_, row) => row),
        half: Float64Array.from({ length: rows }, (_, row) => row / 1000),
      },
    });
    const hashes = rowHashes(particle, 1);
    const other = rowHashes(particle, 2);
    const buckets = new Float64Array(256);
    let both = 0;
    for (let row = 0; row < rows; row++) {
      buckets[hashes[row] >>> 24]++;
      if (hashes[row] < 0x40000000 && other[row] < 0x40000000) both++;
    }
    const expected = rows / 256;
    const chiSquare = buckets.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
    expect(chiSquare).toBeLessThan(330);
    expect(Math.abs(both / rows - 1 / 16)).toBeLessThan(0.003);
    // 200,000 of 2^32 random words collide 4.7 times on average.
    expect(rows - new Set(hashes).size).toBeLessThan(15);
  });

  test('stays the same between releases', () => {
    const particle = createParticle({
      columns: {
        n: [1, null, -2.5],
        c: ['a', 'b', null],
        b: [true, false, true],
        t: [new Date(0), new Date(1), null],
      },
    });
    expect([...rowHashes(particle, 42)]).toEqual([999194482, 2283671317, 1110987536]);
  });
});

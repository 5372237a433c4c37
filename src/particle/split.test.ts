import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { particles } from '../../test/particles.ts';
import { createParticle } from './create.ts';
import { hashParticle } from './hash.ts';
import { mergeParticles } from './merge.ts';
import { selectRows, sliceParticle } from './select.ts';
import { resizeParticles } from './size.ts';
import { splitParticle } from './split.ts';

const merged = fc.tuple(particles({ maxRows: 60 }), fc.integer({ min: 1, max: 30 }));

describe('splitting and merging', () => {
  test('merge(split(p)) has the hash of p, whatever the cut', () => {
    fc.assert(
      fc.property(merged, ([particle, rows]) => {
        const parts = splitParticle(particle, rows);
        expect(parts.reduce((sum, part) => sum + part.rows, 0)).toBe(particle.rows);
        expect(hashParticle(mergeParticles(parts))).toBe(hashParticle(particle));
      }),
      { numRuns: 300 },
    );
  });

  test('merging is associative in content', () => {
    fc.assert(
      fc.property(merged, ([particle, rows]) => {
        const [first, ...rest] = splitParticle(particle, rows);
        const left = rest.reduce((into, part) => mergeParticles([into, part]), first);
        expect(hashParticle(left)).toBe(hashParticle(particle));
      }),
    );
  });

  test('selecting a range is slicing it', () => {
    fc.assert(
      fc.property(particles({ maxRows: 60 }), fc.nat(), fc.nat(), (particle, a, b) => {
        const [from, to] = [a % (particle.rows + 1), b % (particle.rows + 1)].sort((x, y) => x - y);
        const rows = Uint32Array.from({ length: to - from }, (_, i) => from + i);
        expect(hashParticle(selectRows(particle, rows))).toBe(
          hashParticle(sliceParticle(particle, from, to)),
        );
      }),
    );
  });

  test('selecting one row at a time and merging gives the rows in that order', () => {
    const particle = createParticle({ columns: { n: [1, 2.5, null], c: ['b', null, 'a'] } });
    const reversed = selectRows(particle, new Uint32Array([2, 1, 0, 2]));
    expect(reversed.columns[0]).toEqual({
      type: 'number',
      values: new Float32Array([0, 2.5, 1, 0]),
      validity: new Uint8Array([0b0110]),
    });
    expect(reversed.columns[1]).toEqual({
      type: 'category',
      codes: new Int32Array([0, -1, 1, 0]),
      dictionary: ['a', 'b'],
      validity: new Uint8Array([0b1101]),
    });
  });

  test('numbers widen to the narrowest type that holds both parts', () => {
    const types = [[1], [300], [70_000], [0.5], [0.1]].map((numbers) =>
      createParticle({ columns: { numbers } }),
    );
    const joined = (a: number, b: number) => {
      const column = mergeParticles([types[a], types[b]]).columns[0];
      return column.type === 'number' ? [column.values.constructor.name, ...column.values] : [];
    };
    expect(joined(0, 1)).toEqual(['Int16Array', 1, 300]);
    expect(joined(1, 2)).toEqual(['Int32Array', 300, 70_000]);
    expect(joined(1, 3)).toEqual(['Float32Array', 300, 0.5]);
    expect(joined(2, 3)).toEqual(['Float64Array', 70_000, 0.5]);
    expect(joined(0, 4)).toEqual(['Float64Array', 1, 0.1]);
  });

  test('refusals say what and the limit', () => {
    const one = createParticle({ features: [[1]] });
    const other = createParticle({ features: [['a']] });
    expect(() => mergeParticles([])).toThrow(/no particles/);
    expect(() => mergeParticles([one, other])).toThrow(/Particle 1 has columns \(x1: category feature\)/);
    expect(() => splitParticle(one, 0)).toThrow(/parts of 0 rows/);
    expect(() => selectRows(one, new Uint32Array([1]))).toThrow(/row 1 of a particle of 1 rows/);
    expect(() => sliceParticle(one, 1, 2)).toThrow(/rows 1 to 2/);
  });
});

test('resizing keeps rows, order and content', () => {
  fc.assert(
    fc.property(merged, fc.integer({ min: 1, max: 50 }), ([particle, cut], rows) => {
      const resized = [...resizeParticles(splitParticle(particle, cut), rows)];
      expect(resized.slice(0, -1).every((part) => part.rows === rows)).toBe(true);
      expect(resized[resized.length - 1].rows).toBeLessThanOrEqual(rows);
      expect(hashParticle(mergeParticles(resized))).toBe(hashParticle(particle));
    }),
  );
});

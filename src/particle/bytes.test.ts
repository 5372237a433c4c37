import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { particles } from '../../test/particles.ts';
import { SoraError } from '../errors.ts';
import { decodeParticle, encodeParticle, PARTICLE_VERSION, particleFile } from './bytes.ts';
import { createParticle } from './create.ts';
import { hashParticle } from './hash.ts';
import type { Particle } from './particle.ts';
import { COLUMN_TYPES } from './schema.ts';

/** One particle with every column type, the same on every run. */
function everyType(seed: number, maxRows = 300): Particle {
  return fc.sample(particles({ types: COLUMN_TYPES, maxRows }), { numRuns: 1, seed })[0];
}

/** Replaces a text inside the file by one of the same length and renews the seal, as a hostile writer would. */
function resealed(file: Uint8Array, change: (bytes: Buffer) => void): Uint8Array {
  const bytes = Buffer.from(file);
  change(bytes);
  const mark = bytes.length - 10 - bytes.readInt32LE(bytes.length - 10) - 8;
  const digest = createHash('sha256')
    .update(bytes.subarray(0, mark - 40))
    .update(bytes.subarray(mark))
    .digest();
  digest.copy(bytes, mark - 32);
  return bytes;
}

function codeOf(decode: () => unknown): string {
  try {
    decode();
  } catch (error) {
    return error instanceof SoraError ? error.code : String(error);
  }
  return 'decoded';
}

test('a file comes with its own SHA-256', () => {
  const { bytes, sha256 } = particleFile(everyType(3));
  expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
  expect(Buffer.compare(bytes, encodeParticle(everyType(3)))).toBe(0);
});

describe('round trip', () => {
  test('every column comes back as it was', () => {
    fc.assert(
      fc.property(particles(), (particle) => {
        expect(decodeParticle(encodeParticle(particle))).toEqual(particle);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['no rows', { columns: { n: [], c: [] }, types: { c: 'category' as const } }],
    ['no columns', { columns: {} }],
    ['one row', { columns: { n: [1.5], b: [true], c: ['x'], t: [new Date(5)] } }],
    [
      'all missing',
      { columns: { n: [null, Number.NaN], c: [null, undefined] }, types: { c: 'category' as const } },
    ],
    ['infinities and zeros', { columns: { n: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0] } }],
    ['empty strings', { columns: { a: ['', '', 'a'], b: ['', 'ünï', '😀'] }, types: { b: 'text' as const } }],
  ])('%s', (_, input) => {
    const particle = createParticle(input);
    expect(decodeParticle(encodeParticle(particle))).toEqual(particle);
  });

  test('a minus zero stays one', () => {
    const particle = decodeParticle(encodeParticle(createParticle({ columns: { n: [-0] } })));
    expect(Object.is((particle.columns[0] as { values: Float32Array }).values[0], -0)).toBe(true);
  });

  test('large columns: compressed, incompressible and sliced', () => {
    const rows = 100_000;
    const noise = Float64Array.from({ length: rows }, (_, i) => Math.fround(Math.sin(i * i) * 1e5));
    const steps = Float64Array.from({ length: rows }, (_, i) => i % 100);
    const particle = createParticle({ columns: { noise, steps } });
    const file = encodeParticle(particle);
    expect(decodeParticle(file)).toEqual(particle);
    expect(file.length).toBeLessThan(450_000);
    const shifted = new Uint8Array(file.length + 3).subarray(3);
    shifted.set(file);
    expect(decodeParticle(shifted)).toEqual(particle);
  });

  test('what stands at missing rows does not reach the bytes', () => {
    const clean = createParticle({ columns: { n: [1, null, 3], c: ['a', null, 'b'] } });
    const [n, c] = clean.columns;
    const dirty: Particle = {
      ...clean,
      columns: [
        { ...n, values: new Int8Array([1, 77, 3]) },
        { ...c, codes: new Int32Array([0, 1, 1]) },
      ] as Particle['columns'],
    };
    expect(encodeParticle(dirty)).toEqual(encodeParticle(clean));
    expect(hashParticle(dirty)).toBe(hashParticle(clean));
  });
});

describe('refusals', () => {
  test('2,000 flipped or cut files are corrupt, each of them', () => {
    const file = encodeParticle(everyType(5));
    const damage = fc.record({
      at: fc.nat({ max: file.length - 1 }),
      bit: fc.nat({ max: 7 }),
      cut: fc.boolean(),
    });
    fc.assert(
      fc.property(damage, ({ at, bit, cut }) => {
        const bytes = cut ? file.slice(0, at) : file.slice();
        if (!cut) bytes[at] ^= 1 << bit;
        expect(codeOf(() => decodeParticle(bytes))).toBe('corrupt');
      }),
      { numRuns: 2000 },
    );
  });

  test('damage under a right seal: corrupt or some particle, never a crash, a hang or much memory', () => {
    const file = encodeParticle(everyType(5));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: file.length - 1 }), fc.nat({ max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        (changes) => {
          const bytes = file.slice();
          for (const [at, value] of changes) bytes[at] = value;
          expect(['corrupt', 'newer-format', 'decoded']).toContain(
            codeOf(() => decodeParticle(bytes, { verified: true })),
          );
        },
      ),
      { numRuns: 5000 },
    );
  });

  test('arbitrary bytes are corrupt', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(codeOf(() => decodeParticle(bytes))).toBe('corrupt');
      }),
    );
  });

  test('a newer version is refused by name', () => {
    const newer = resealed(encodeParticle(createParticle({ features: [[1]] })), (bytes) => {
      // FlatBuffers are written back to front: the value "1", after its length, stands before its key.
      const value = Buffer.from([1, 0, 0, 0, '1'.charCodeAt(0)]);
      for (let at = bytes.indexOf('sora.version'); at >= 0; at = bytes.indexOf('sora.version', at + 1)) {
        bytes[bytes.lastIndexOf(value, at) + 4] = '7'.charCodeAt(0);
      }
    });
    expect(() => decodeParticle(newer)).toThrow(/format version 7; this release reads up to 1/);
    expect(codeOf(() => decodeParticle(newer))).toBe('newer-format');
  });

  test('a time beyond what microseconds hold names column, row and value', () => {
    const particle = createParticle({ columns: { when: [new Date(0), 9e15] }, types: { when: 'timestamp' } });
    expect(() => encodeParticle(particle)).toThrow(/Column "when", row 1: 9000000000000000 milliseconds/);
  });
});

describe('released format', () => {
  /** What `fixtures/particle-v1.arrow` holds; written once by `encodeParticle` of version 0.1.0. */
  function released(): Particle {
    const pick = <T>(cycle: readonly T[]) =>
      Array.from({ length: 2000 }, (_, row) => cycle[row % cycle.length]);
    const particle = createParticle({
      columns: {
        int8: pick([1, -128, null, 127]),
        int16: pick([300, -32768]),
        int32: pick([70_000, null, -2147483648]),
        float32: pick([0.5, -0, Number.POSITIVE_INFINITY]),
        float64: Array.from({ length: 2000 }, (_, row) => (row * 7919) / 1000),
        flag: pick([true, false, null]),
        colour: pick(['red', 'grün', null, '青', '']),
        remark: pick(['', 'naïve', null, '😀 text']),
        when: pick([new Date(0), new Date(-86_400_000), null, 1_700_000_000_000.001]),
        blob: pick([new Uint8Array([1, 2, 255]), new Uint8Array(0), null]),
        y: pick([0, 1, 1]),
        nothing: pick([null]),
      },
      roles: { y: 'label', when: 'time' },
      types: { remark: 'text', when: 'timestamp' },
    });
    const starts = Uint32Array.from({ length: 2001 }, (_, row) => row - Math.floor(row / 3));
    const entries = starts[2000];
    return {
      ...particle,
      schema: {
        fields: [...particle.schema.fields, { name: 'words', type: 'sparse', role: 'feature', width: 5000 }],
      },
      columns: [
        ...particle.columns,
        {
          type: 'sparse',
          starts,
          indices: Uint32Array.from({ length: entries }, (_, at) => (at * 31) % 5000),
          values: Float32Array.from({ length: entries }, (_, at) => at / 4),
          width: 5000,
        },
      ],
    };
  }

  test('version 1 files decode forever, to the same content and the same name', () => {
    const particle = decodeParticle(readFileSync(new URL('./fixtures/particle-v1.arrow', import.meta.url)));
    expect(particle).toEqual(released());
    expect(hashParticle(particle)).toBe('c950688a53828a31d8fb8e1b8313510e339f00c3531d1b8dee60a81f3b827171');
    expect(hashParticle(released())).toBe('c950688a53828a31d8fb8e1b8313510e339f00c3531d1b8dee60a81f3b827171');
  });

  test('this release writes version 1', () => {
    expect(PARTICLE_VERSION).toBe(1);
  });
});

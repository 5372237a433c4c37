import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arbitraryParticles } from '../../test/arbitrary-particle.ts';
import { SoraError } from '../errors.ts';
import { SUMMARIES, summaryNamed } from './catalog.ts';
import { ByteReader, ByteWriter, taggedCodec } from './codec.ts';
import { product } from './product.ts';
import { partial, type Summary } from './summary.ts';

const label = { column: 'y' } as const;
const all: Summary<unknown, unknown>[] = [
  ...(['counts', 'extremes', 'labels', 'moments', 'profile', 'quantiles', 'sparse', 'texts'] as const).map(
    (name) => summaryNamed({ name, options: null }),
  ),
  summaryNamed({ name: 'gram', options: { columns: ['b', 'y'] } }),
  summaryNamed({ name: 'histogram', options: { edges: [0, 1, 2] } }),
  SUMMARIES.targets({ columns: [{ name: 'c', levels: ['red'] }], label, folds: 2, seed: 1 }) as never,
  product({ a: SUMMARIES.counts(), b: SUMMARIES.moments() }) as never,
];

describe('codecs', () => {
  it('refuse damaged bytes with `corrupt`, or read a state of the same size: never crash or hang', () => {
    fc.assert(
      fc.property(
        arbitraryParticles(),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        fc.nat(),
        ([particle], flips, cut) => {
          for (const { codec, ...summary } of all) {
            const bytes = codec.encode(partial({ codec, ...summary }, particle));
            const damaged = bytes.slice(0, flips.length > 1 ? bytes.length : cut % bytes.length);
            for (const [at, byte] of flips) if (damaged.length > 0) damaged[at % damaged.length] = byte;
            try {
              expect(codec.decode(damaged)).toBeDefined();
            } catch (error) {
              expect(error).toBeInstanceOf(SoraError);
              expect((error as SoraError).code).toBe('corrupt');
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(all.map((summary) => [summary.id, summary] as const))('%s refuses truncation and excess', (_id, {
    codec,
    empty,
  }) => {
    const bytes = codec.encode(empty());
    expect(() => codec.decode(bytes.subarray(0, bytes.length - 1))).toThrow(SoraError);
    expect(() => codec.decode(Uint8Array.of(...bytes, 0))).toThrow(/left over/);
    expect(() => codec.decode(new Uint8Array(0))).toThrow(/expected/);
  });

  it('refuse the bytes of another summary', () => {
    expect(() =>
      SUMMARIES.moments().codec.decode(SUMMARIES.counts().codec.encode({ rows: 0, columns: [] })),
    ).toThrow(/"counts\/1", not "moments\/1"/);
  });

  it('write what they read: numbers, text, lists', () => {
    const codec = taggedCodec<{ a: number; t: string; u: Uint32Array; f: Float64Array }>(
      'x/1',
      (writer, { a, t, u, f }) => {
        writer.f64(a);
        writer.text(t);
        writer.u32s(u);
        writer.f64s(f);
      },
      (reader) => ({ a: reader.f64(), t: reader.text(), u: reader.u32s(), f: reader.f64s() }),
    );
    fc.assert(
      fc.property(
        fc.record({
          a: fc.double({ noNaN: true }).map((value) => value + 0),
          t: fc.string({ unit: 'grapheme' }),
          u: fc.uint32Array(),
          f: fc
            .array(fc.double({ noNaN: true }).map((value) => value + 0))
            .map((list) => Float64Array.from(list)),
        }),
        (value) => {
          expect(codec.decode(codec.encode(value))).toEqual(value);
        },
      ),
    );
  });

  it('take four bytes a float when all are f32, and write -0 as 0', () => {
    const writer = new ByteWriter();
    writer.f64s(Float64Array.of(0.5, -0, 3));
    expect(writer.finish().length).toBe(4 + 1 + 12);
    expect(Object.is(new ByteReader(writer.finish()).f64s()[1], 0)).toBe(true);
  });
});

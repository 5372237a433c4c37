/** Rows as entries: where they lie, what is hashed with what, and that objects and particles give the same. */
import { describe, expect, it } from 'vitest';
import { createParticle } from '../../particle/create.ts';
import type { Particle } from '../../particle/particle.ts';
import { type Encoding, LinearEncoder, TreeEncoder } from './encode.ts';
import { type Features, type OnlineRecord, ParticleSource, RecordSource } from './source.ts';

const FEATURES = { a: 'number', b: 'boolean', c: 'category', d: 'category', t: 'text' } as const;

function encoding(features: Features, more: Partial<Encoding> = {}): Encoding {
  return { features, standardise: false, hashBits: 20, constant: true, interactions: [], ...more };
}

function entriesOf(
  encoder: LinearEncoder | TreeEncoder,
  features: Features,
  record: OnlineRecord,
  learn = false,
) {
  const source = new RecordSource(features);
  source.read(record);
  encoder.read(source, learn);
  const { count, indices, values } = encoder.row;
  return Array.from({ length: count }, (_, e) => [indices[e], values[e]] as const);
}

describe('rows of linear learners', () => {
  it('give numbers and the constant a place of their own, and the same text in two columns two slots', () => {
    const encoder = new LinearEncoder(encoding(FEATURES));
    const entries = entriesOf(encoder, FEATURES, { a: 2.5, b: true, c: 'x', d: 'x', t: 'Big big words' });
    expect(entries.slice(0, 2)).toEqual([
      [0, 2.5],
      [1, 1],
    ]);
    expect(entries.at(-1)).toEqual([2, 1]);
    const hashed = entries.slice(2, -1).map(([index]) => index);
    expect(hashed.length).toBe(5);
    // Both columns of categories differ; "Big" and "big" are one word.
    expect(new Set(hashed).size).toBe(4);
    for (const index of hashed) expect(index).toBeGreaterThan(2);
    expect(encoder.width).toBe(3 + 2 ** 20);
  });

  it('leave out what is missing, infinite or empty', () => {
    const encoder = new LinearEncoder(encoding(FEATURES));
    expect(entriesOf(encoder, FEATURES, { a: Number.POSITIVE_INFINITY, c: null, t: '' })).toEqual([[2, 1]]);
  });

  it('cross every entry of one column with every entry of another, the same whatever stands beside', () => {
    const crossed = encoding(FEATURES, { interactions: [['t', 'a']] });
    const entries = entriesOf(new LinearEncoder(crossed), FEATURES, { a: 3, t: 'one two' });
    expect(entries.map(([, value]) => value)).toEqual([3, 1, 1, 3, 3, 1]);
    const alone = { a: FEATURES.a, t: FEATURES.t };
    const again = entriesOf(new LinearEncoder({ ...crossed, features: alone }), alone, {
      a: 3,
      t: 'one two',
    });
    // One number fewer, so hashed slots start one earlier.
    expect(again.slice(3, 5).map(([index]) => index + 1)).toEqual(
      entries.slice(3, 5).map(([index]) => index),
    );
    expect(() => new LinearEncoder({ ...crossed, interactions: [['a', 'z']] })).toThrow(
      /"z"; the features are/,
    );
  });

  it('standardise by what has been learned, never by what is predicted', () => {
    const features = { a: 'number' } as const;
    const encoder = new LinearEncoder(encoding(features, { standardise: true }));
    const values = [4, 8, 6, 5, 3];
    for (const a of values) entriesOf(encoder, features, { a }, true);
    const mean = values.reduce((x, y) => x + y) / 5;
    const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 5);
    for (let i = 0; i < 3; i++) {
      expect(entriesOf(encoder, features, { a: 10 })[0][1]).toBeCloseTo((10 - mean) / deviation, 12);
    }
  });

  it('read sparse entries of objects and particles alike', () => {
    const features = { s: 'sparse' } as const;
    const particle: Particle = {
      schema: { fields: [{ name: 's', type: 'sparse', role: 'feature', width: 100 }] },
      rows: 2,
      columns: [
        {
          type: 'sparse',
          starts: Uint32Array.of(0, 0, 2),
          indices: Uint32Array.of(3, 90),
          values: Float32Array.of(0.5, 2),
          width: 100,
        },
      ],
    };
    const encoder = new LinearEncoder(encoding(features));
    const source = new ParticleSource(particle, features);
    source.row = 1;
    encoder.read(source, false);
    const fromParticle = Array.from(encoder.row.indices.slice(0, encoder.row.count));
    const record = { s: [[3, 0.5] as const, [90, 2] as const] };
    expect(entriesOf(encoder, features, record).map(([index]) => index)).toEqual(fromParticle);
    expect(fromParticle.length).toBe(3);
    source.row = 0;
    encoder.read(source, false);
    expect(encoder.row.count).toBe(1);
  });
});

describe('rows of trees', () => {
  it('give categories codes by first appearance, and unknown ones NaN until they are learned', () => {
    const features = { c: 'category', x: 'number' } as const;
    const encoder = new TreeEncoder(encoding(features));
    const codeOf = (c: string | null, learn: boolean) =>
      entriesOf(encoder, features, { c, x: 1 }, learn)[0][1];
    expect(codeOf('red', false)).toBeNaN();
    expect([codeOf('red', true), codeOf('blue', true), codeOf('red', true)]).toEqual([0, 1, 0]);
    expect(codeOf(null, true)).toBeNaN();
    const copy = new TreeEncoder(encoding(features));
    copy.restore(encoder.save());
    expect(entriesOf(copy, features, { c: 'blue', x: 1 })[0][1]).toBe(1);
    expect(() => copy.restore({ categories: new TextEncoder().encode('[["a"]]') })).toThrow(/other features/);
  });

  it('refuse text, and say what to use', () => {
    expect(() => new TreeEncoder(encoding({ t: 'text' }))).toThrow(/"t" is of type text.*linear learner/);
  });

  it('name a column that a particle has not', () => {
    const particle = createParticle({ columns: { x: [1, 2] } });
    expect(() => new ParticleSource(particle, { y: 'number' })).toThrow(
      /"y" is a number to the model.*no such/,
    );
  });
});

import { describe, expect, it } from 'vitest';
import { numberColumn, particleOf } from '../../test/arbitrary-particle.ts';
import type { Particle } from '../particle/particle.ts';
import { taggedCodec } from './codec.ts';
import { BrokenLaw, checkLaws } from './laws.ts';
import type { Summary } from './summary.ts';

/** A summary of the rows of a particle, with one thing wrong. */
function broken(change: Partial<Summary<{ rows: number; odd: number[] }, unknown>>) {
  const summary: Summary<{ rows: number; odd: number[] }, unknown> = {
    id: 'broken/1',
    empty: () => ({ rows: 0, odd: [] }),
    observe(state, { rows }) {
      state.rows += rows;
      state.odd.push(rows);
    },
    merge(into, from) {
      into.rows += from.rows;
      into.odd = [...into.odd, ...from.odd];
    },
    read: ({ rows }) => rows,
    codec: taggedCodec(
      'broken/1',
      (writer, state) => {
        writer.f64(state.rows);
        writer.f64s(Float64Array.from(state.odd));
      },
      (reader) => ({ rows: reader.f64(), odd: [...reader.f64s()] }),
    ),
    ...change,
  };
  return summary;
}

const inputs = [7, 5, 3].map((rows) =>
  particleOf({ x: numberColumn(Array.from({ length: rows }, (_, i) => i)) }),
);

function lawBrokenBy(change: Parameters<typeof broken>[0]): BrokenLaw {
  try {
    checkLaws(broken(change), { inputs });
  } catch (error) {
    if (error instanceof BrokenLaw) return error;
    throw error;
  }
  throw new Error('no law was broken');
}

describe('checkLaws', () => {
  it('passes a lawful summary', () => {
    expect(() => checkLaws(broken({}), { inputs })).not.toThrow();
  });

  it('finds a mean that is merged as a mean, and shows the smallest inputs', () => {
    const error = lawBrokenBy({
      merge(into, from) {
        into.rows = into.rows === 0 ? from.rows : from.rows === 0 ? into.rows : (into.rows + from.rows) / 2;
      },
    });
    expect(error.law).toBe('associativity');
    expect(error.message).toContain('broken/1');
  });

  it.each([
    ['identity', { merge: replacing }],
    [
      'associativity',
      {
        merge(into: { rows: number }, from: { rows: number }) {
          into.rows = into.rows === 0 ? from.rows : from.rows === 0 ? into.rows : into.rows * 2 + from.rows;
        },
      },
    ],
    [
      'split anywhere',
      {
        observe(state: { rows: number }, { rows }: Particle) {
          state.rows = Math.max(state.rows, rows);
        },
        merge(into: { rows: number }, from: { rows: number }) {
          into.rows = Math.max(into.rows, from.rows);
        },
      },
    ],
    ['no aliasing', { merge: aliasing }],
    ['purity of observe', { observe: spoil }],
    [
      'purity of read',
      {
        read(state: { rows: number }) {
          state.rows++;
          return state.rows;
        },
      },
    ],
    [
      'round trip',
      {
        codec: taggedCodec<{ rows: number; odd: number[] }>(
          'broken/1',
          (writer, { rows }) => writer.u8(rows > 4 ? 4 : rows),
          (reader) => ({ rows: reader.u8(), odd: [] }),
        ),
      },
    ],
  ] as [string, Parameters<typeof broken>[0]][])('names the law of %s', (law, change) => {
    const error = lawBrokenBy(change);
    expect(error.law).toBe(law);
    expect(error.message).toContain('input 0');
  });

  it('shrinks the witness', () => {
    const error = lawBrokenBy({
      observe(state, { rows }) {
        state.rows += rows > 2 ? rows + 1 : rows;
      },
    });
    expect(error.law).toBe('split anywhere');
    expect(error.inputs).toHaveLength(1);
    expect((error.inputs[0] as Particle).rows).toBe(3);
  });

  it('asks for slice and rows when inputs are no particles', () => {
    const summary = broken({}) as unknown as Summary<unknown, unknown, number[]>;
    expect(() => checkLaws(summary, { inputs: [[1]] })).toThrow(/`rows`/);
    expect(() => checkLaws(summary, { inputs: [[1]], rows: (list) => list.length })).toThrow(/`slice`/);
  });
});

/** Keeps the list of the other state. */
function aliasing(into: { rows: number; odd: number[] }, from: { rows: number; odd: number[] }): void {
  into.rows += from.rows;
  if (into.odd.length === 0) into.odd = from.odd;
  else into.odd = [...into.odd, ...from.odd];
}

/** Keeps the last count only. */
function replacing(into: { rows: number }, from: { rows: number }): void {
  into.rows = from.rows;
}

/** Writes into its input. */
function spoil(state: { rows: number }, { rows, columns }: Particle): void {
  state.rows += rows;
  const [column] = columns;
  if (column.type === 'number' && rows > 0) column.values[0]++;
}

/**
 * Arbitrary particles for property tests: every column type, missing values, no rows, odd strings and numbers.
 */
import fc from 'fast-check';
import type { Column } from '../src/particle/column.ts';
import { emptyValidity, setPresent } from '../src/particle/column.ts';
import { columnFromValues, type Value } from '../src/particle/from-values.ts';
import type { Particle } from '../src/particle/particle.ts';
import { COLUMN_TYPES, type ColumnType, type Field } from '../src/particle/schema.ts';

const WIDTH = 50;

const number = fc.oneof(
  fc.integer({ min: -200, max: 200 }),
  fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  fc.float({ noNaN: true }),
  fc.double({ noNaN: true }),
  fc.constantFrom(0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.MIN_VALUE, 2 ** 53),
);
const word = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'é', '漢字', '😀', '\0', ' '),
  fc.string({ unit: 'grapheme' }),
);
const time = fc.integer({ min: -1e15, max: 1e15 }).map((micros) => micros / 1000);
const bytes = fc.uint8Array({ maxLength: 20 });

/** Values of one type; numbers of one column may be all small integers, so that every physical type appears. */
function values(type: Exclude<ColumnType, 'sparse'>, rows: number): fc.Arbitrary<Value[]> {
  const size = { minLength: rows, maxLength: rows };
  const some = (value: fc.Arbitrary<Value>) =>
    fc.oneof(
      fc.array(value, size),
      fc.array(fc.option(value, { freq: 3 }), size),
      fc.constant(new Array<Value>(rows).fill(null)),
    );
  switch (type) {
    case 'number':
      return fc.oneof(
        some(number),
        some(fc.integer({ min: -100, max: 100 })),
        some(fc.float({ noNaN: true })),
      );
    case 'boolean':
      return some(fc.boolean());
    case 'category':
      return some(fc.oneof(fc.constantFrom('red', 'green', 'blue'), word));
    case 'text':
      return some(word);
    case 'timestamp':
      return some(time);
    case 'binary':
      return some(bytes);
  }
}

function sparse(rows: number): fc.Arbitrary<Column> {
  const row = fc.option(
    fc.dictionary(fc.integer({ min: 0, max: WIDTH - 1 }).map(String), fc.float({ noNaN: true }), {
      maxKeys: 8,
    }),
    { freq: 5 },
  );
  return fc.array(row, { minLength: rows, maxLength: rows }).map((cells) => {
    const starts = new Uint32Array(rows + 1);
    const indices: number[] = [];
    const entries: number[] = [];
    const validity = emptyValidity(rows);
    cells.forEach((cell, at) => {
      if (cell !== null) setPresent(validity, at);
      for (const index of Object.keys(cell ?? {})
        .map(Number)
        .sort((a, b) => a - b)) {
        indices.push(index);
        entries.push(cell?.[index] ?? 0);
      }
      starts[at + 1] = indices.length;
    });
    return {
      type: 'sparse',
      starts,
      indices: Uint32Array.from(indices),
      values: Float32Array.from(entries),
      width: WIDTH,
      validity: cells.includes(null) ? validity : undefined,
    };
  });
}

function column(type: ColumnType, rows: number): fc.Arbitrary<Column> {
  if (type === 'sparse') return sparse(rows);
  return values(type, rows).map((cells) => columnFromValues('c', cells, type));
}

/** Particles with up to `maxRows` rows; `types` are the columns, or any up to six. */
export function particles(
  options: { maxRows?: number; types?: readonly ColumnType[] } = {},
): fc.Arbitrary<Particle> {
  const types = options.types
    ? fc.constant(options.types)
    : fc.array(fc.constantFrom(...COLUMN_TYPES), { minLength: 1, maxLength: 6 });
  return fc.tuple(types, fc.nat({ max: options.maxRows ?? 40 })).chain(([chosen, rows]) =>
    fc.tuple(...chosen.map((type) => column(type, rows))).map((columns) => {
      const fields = chosen.map((type, index): Field => {
        const field: Field = { name: `c${index}`, type, role: 'feature' };
        return type === 'sparse' ? { ...field, width: WIDTH } : field;
      });
      return { schema: { fields }, rows, columns };
    }),
  );
}

/**
 * Particles for property tests: small ones by hand, and arbitrary ones of one schema with every column type,
 * missing values, infinities, all physical number types, no rows at all.
 */
import fc from 'fast-check';
import { type Column, emptyValidity, type NumberArray, setPresent } from '../src/particle/column.ts';
import type { Particle } from '../src/particle/particle.ts';
import type { Field, Role } from '../src/particle/schema.ts';

/** Validity of values of which null is missing; undefined when none is. */
export function validityOf(values: readonly unknown[]): Uint8Array | undefined {
  if (!values.includes(null)) return undefined;
  const validity = emptyValidity(values.length);
  for (const [row, value] of values.entries()) if (value !== null) setPresent(validity, row);
  return validity;
}

export function numberColumn(
  values: readonly (number | null)[],
  of: new (values: number[]) => NumberArray = Float64Array,
): Column {
  return { type: 'number', values: new of(values.map((value) => value ?? 0)), validity: validityOf(values) };
}

export function categoryColumn(values: readonly (string | null)[]): Column {
  const dictionary = [...new Set(values.filter((value) => value !== null))];
  const codes = Int32Array.from(values, (value) => (value === null ? -1 : dictionary.indexOf(value)));
  return { type: 'category', codes, dictionary, validity: validityOf(values) };
}

export function booleanColumn(values: readonly (boolean | null)[]): Column {
  return {
    type: 'boolean',
    values: Uint8Array.from(values, (v) => (v === true ? 1 : 0)),
    validity: validityOf(values),
  };
}

export function textColumn(values: readonly (string | null)[]): Column {
  return { type: 'text', values: values.map((value) => value ?? ''), validity: validityOf(values) };
}

/** Rows as [index, value] pairs, indices ascending. */
export function sparseColumn(
  rows: readonly (readonly (readonly [number, number])[] | null)[],
  width: number,
): Column {
  const entries = rows.map((row) => row ?? []);
  const starts = new Uint32Array(rows.length + 1);
  for (const [row, list] of entries.entries()) starts[row + 1] = starts[row] + list.length;
  const flat = entries.flat();
  return {
    type: 'sparse',
    starts,
    indices: Uint32Array.from(flat, ([index]) => index),
    values: Float32Array.from(flat, ([, value]) => value),
    width,
    validity: validityOf(rows),
  };
}

/** A particle of named columns; a name may carry a role: `label:y`, `weight:w`. */
export function particleOf(named: Readonly<Record<string, Column>>): Particle {
  const columns = Object.values(named);
  const fields = Object.entries(named).map(([key, column]): Field => {
    const [role, name] = key.includes(':') ? key.split(':', 2) : ['feature', key];
    const width = column.type === 'sparse' ? column.width : undefined;
    return { name, type: column.type, role: role as Role, ...(width === undefined ? {} : { width }) };
  });
  const [first] = columns;
  const rows = first === undefined ? 0 : rowsOf(first);
  return { schema: { fields }, rows, columns };
}

function rowsOf(column: Column): number {
  if (column.type === 'category') return column.codes.length;
  return column.type === 'sparse' ? column.starts.length - 1 : column.values.length;
}

const some = <T>(arbitrary: fc.Arbitrary<T>, rows: number) =>
  fc.array(fc.option(arbitrary, { freq: 4 }), { minLength: rows, maxLength: rows });
const tame = fc.double({ min: -1e6, max: 1e6, noNaN: true, noDefaultInfinity: true });
const wild = fc.oneof(
  { weight: 8, arbitrary: tame },
  fc.constantFrom(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0),
);
const small = fc.integer({ min: -100, max: 100 });
const entry = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.float({ min: -8, max: 8, noNaN: true }));
const entries = fc.uniqueArray(entry, { maxLength: 5, selector: ([index]) => index });

/** A particle with a column of every type, and label and weight; up to `maxRows` rows. */
export function arbitraryParticle(maxRows = 12): fc.Arbitrary<Particle> {
  return fc.integer({ min: 0, max: maxRows }).chain((rows) =>
    fc
      .record({
        a: some(wild, rows),
        b: some(small, rows),
        c: some(fc.constantFrom('red', 'green', 'blue', 'grey', '', '茶'), rows),
        d: some(fc.boolean(), rows),
        e: some(fc.string({ maxLength: 12 }), rows),
        f: some(fc.integer({ min: -1e12, max: 1e12 }), rows),
        g: some(entries, rows),
        y: some(fc.integer({ min: 0, max: 2 }), rows),
        w: some(fc.integer({ min: 0, max: 3 }), rows),
        h: some(fc.uint8Array({ maxLength: 4 }), rows),
      })
      .map(({ a, b, c, d, e, f, g, y, w, h }) =>
        particleOf({
          a: numberColumn(a),
          b: numberColumn(b, Int8Array),
          c: categoryColumn(c),
          d: booleanColumn(d),
          e: textColumn(e),
          f: { type: 'timestamp', values: Float64Array.from(f, (v) => v ?? 0), validity: validityOf(f) },
          g: sparseColumn(
            g.map((row) => row?.toSorted((p, q) => p[0] - q[0]) ?? null),
            10,
          ),
          h: { type: 'binary', values: h.map((v) => v ?? new Uint8Array(0)), validity: validityOf(h) },
          'label:y': numberColumn(y, Int32Array),
          'weight:w': numberColumn(w, Float32Array),
        }),
      ),
  );
}

/** Two to four particles of which at least one has rows. */
export function arbitraryParticles(maxRows = 12): fc.Arbitrary<Particle[]> {
  return fc
    .array(arbitraryParticle(maxRows), { minLength: 2, maxLength: 4 })
    .filter((list) => list.some(({ rows }) => rows > 0));
}

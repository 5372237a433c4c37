/**
 * Runs of the `group` column: rows that stand together and have the same value, a query of a ranking for one.
 * Missing values are a value like any other.
 */
import { isPresent } from './column.ts';
import type { Particle } from './particle.ts';
import { rowHashes } from './row-hash.ts';
import { roleIndex } from './schema.ts';

/**
 * Where runs begin among the rows with these ascending indices (absent: all), and the number of rows at the end;
 * undefined without a `group` column. O(rows).
 */
export function groupStarts(particle: Particle, among?: Uint32Array): Uint32Array | undefined {
  const same = sameGroup(particle);
  if (same === undefined) return undefined;
  const count = among?.length ?? particle.rows;
  const starts = new Uint32Array(count + 1);
  let runs = 0;
  for (let i = 0; i < count; i++) {
    const [before, row] = among === undefined ? [i - 1, i] : [among[i - 1], among[i]];
    if (i === 0 || !same(before, row)) starts[runs++] = i;
  }
  starts[runs] = count;
  return starts.slice(0, runs + 1);
}

/** Hash of each row's group, for splits that keep groups whole; undefined without a `group` column. O(rows). */
export function groupHashes(particle: Particle, seed: number): Uint32Array | undefined {
  const index = roleIndex(particle.schema, 'group');
  if (index < 0) return undefined;
  const field = { ...particle.schema.fields[index], role: 'feature' as const };
  return rowHashes(
    { schema: { fields: [field] }, rows: particle.rows, columns: [particle.columns[index]] },
    seed,
  );
}

function sameGroup({ schema, columns }: Particle): ((a: number, b: number) => boolean) | undefined {
  const index = roleIndex(schema, 'group');
  if (index < 0) return undefined;
  const column = columns[index];
  const values: ArrayLike<unknown> =
    column.type === 'category' ? column.codes : column.type === 'sparse' ? [] : column.values;
  return (a, b) => {
    const there = isPresent(column.validity, a);
    return there === isPresent(column.validity, b) && (!there || Object.is(values[a], values[b]));
  };
}

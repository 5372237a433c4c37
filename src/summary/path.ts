/**
 * Paths of levels: a category of several columns together, coarsest first, as nested effects stand (age / occupation /
 * user). Its levels are texts of the columns' levels joined; a missing value is a level. `paths` counts them.
 */
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { canonicalJson } from '../json.ts';
import type { CategoryColumn } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import { fieldIndex } from '../particle/schema.ts';
import { taggedCodec } from './codec.ts';
import {
  COUNTS_CAP,
  type Counts,
  type CountsState,
  emptyCounts,
  mergeCounts,
  parseCounts,
  readCounts,
  writeCounts,
} from './counts.ts';
import { type Split, splitRows } from './split.ts';
import type { Summary } from './summary.ts';

/** Between levels of a path, and in place of a missing one: control characters that texts do not have. */
const SEPARATOR = '\u001f';
const MISSING = '\u0000';

/** The path without its last level; undefined of a path of one level. */
export function parentPath(path: string): string | undefined {
  const at = path.lastIndexOf(SEPARATOR);
  return at < 0 ? undefined : path.slice(0, at);
}

/** Path of each row. Throws `schema-mismatch` where a column is not there or is no category. O(rows × columns). */
export function rowPaths(particle: Particle, names: readonly string[]): string[] {
  const columns = names.map((name) => {
    const column = particle.columns[fieldIndex(particle.schema, name)];
    if (column?.type === 'category') return column as CategoryColumn;
    throw new SoraError(
      'schema-mismatch',
      `Column "${name}" is ${column === undefined ? 'not there' : `of type ${column.type}`}, and levels are nested by it: it must be a category.`,
      { details: { column: name } },
    );
  });
  return Array.from({ length: particle.rows }, (_, row) =>
    columns
      .map(({ codes, dictionary }) => (codes[row] < 0 ? MISSING : dictionary[codes[row]]))
      .join(SEPARATOR),
  );
}

export type PathsOptions = { readonly paths: readonly (readonly string[])[]; readonly split?: Split };

/** Summary of the rows of each path; exact up to 8192 different ones, as `counts` is. O(rows × columns). */
export function paths(options: PathsOptions): Summary<CountsState[], readonly Counts[]> {
  return {
    id: `paths/1 ${canonicalJson(options as unknown as Json)}`,
    empty: () => options.paths.map(emptyCounts),
    observe(state, particle: Particle) {
      const rows =
        splitRows(particle, options.split) ?? Uint32Array.from({ length: particle.rows }, (_, i) => i);
      for (const [index, names] of options.paths.entries()) {
        const all = rowPaths(particle, names);
        const counts = new Map<string, number>();
        for (const row of rows) counts.set(all[row], (counts.get(all[row]) ?? 0) + 1);
        mergeCounts(state[index], { total: rows.length, missing: 0, error: 0, counts }, COUNTS_CAP);
      }
    },
    merge(into, from) {
      for (const [index, state] of from.entries()) mergeCounts(into[index], state, COUNTS_CAP);
    },
    read: (state) => state.map(readCounts),
    codec: taggedCodec(
      'paths/1',
      (writer, state) => {
        for (const one of state) writeCounts(writer, one);
      },
      (reader) => options.paths.map(() => parseCounts(reader)),
    ),
  };
}

/**
 * Whether every query lies in one particle, as ranking needs: gradients of a row depend on the other rows of its query,
 * and a worker sees one particle at a time. As a summary over particles: the hash of the first and last group.
 */
import { SoraError } from '../../errors.ts';
import { groupHashes } from '../../particle/group-runs.ts';
import type { Particle } from '../../particle/particle.ts';
import type { Session } from '../../run/session.ts';
import { taggedCodec } from '../../summary/codec.ts';
import type { Summary } from '../../summary/summary.ts';

interface QueryEnds {
  rows: number;
  /** Rows in particles without a group column. */
  ungrouped: number;
  first: number;
  last: number;
  /** Borders of particles that lie within a query. */
  cuts: number;
}

/**
 * Summary of the borders of particles: of how data is cut, which other summaries never show.
 */
export function queryEnds(): Summary<QueryEnds, QueryEnds> {
  return {
    id: 'query-ends/1',
    empty: () => ({ rows: 0, ungrouped: 0, first: 0, last: 0, cuts: 0 }),
    observe(state, particle: Particle) {
      const { rows } = particle;
      if (rows === 0) return;
      const hashes = groupHashes(particle, 0);
      const ends =
        hashes === undefined ? { first: 0, last: 0 } : { first: hashes[0], last: hashes[rows - 1] };
      append(state, { rows, ungrouped: hashes === undefined ? rows : 0, cuts: 0, ...ends });
    },
    merge: append,
    read: (state) => state,
    codec: taggedCodec(
      'query-ends/1',
      (writer, { rows, ungrouped, first, last, cuts }) => {
        for (const value of [rows, ungrouped, first, last, cuts]) writer.f64(value);
      },
      (reader) => ({
        ...{ rows: reader.f64(), ungrouped: reader.f64(), first: reader.f64() },
        ...{ last: reader.f64(), cuts: reader.f64() },
      }),
    ),
  };
}

function append(into: QueryEnds, from: QueryEnds): void {
  if (from.rows === 0) return;
  if (into.rows === 0) into.first = from.first;
  else if (into.last === from.first) into.cuts++;
  into.last = from.last;
  into.rows += from.rows;
  into.ungrouped += from.ungrouped;
  into.cuts += from.cuts;
}

/** Throws `bad-option` without a group column, `bad-data` where queries are cut by the borders of particles. */
export async function checkQueries(session: Session): Promise<void> {
  const { value } = await session.reduce<QueryEnds, QueryEnds>({
    summary: { module: import.meta.url, name: 'queryEnds' },
    keep: 'root',
    label: 'queries',
  });
  if (value.ungrouped > 0) {
    throw new SoraError(
      'bad-option',
      'Loss lambdarank orders rows within queries, and no column says which rows are of one query: name it with --group COLUMN.',
      { details: { option: 'group' } },
    );
  }
  if (value.cuts > 0) {
    throw new SoraError(
      'bad-data',
      `${value.cuts} queries lie in two particles each, and a ranking is learned from whole queries. Ingest the source anew with --group COLUMN: rows of one query that stand together then stay in one particle.`,
      { details: { cuts: value.cuts } },
    );
  }
}

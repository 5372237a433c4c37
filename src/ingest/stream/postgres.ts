/**
 * A table or query of PostgreSQL, followed by a cursor: `postgres://user@host/db?table=events&cursor=id`.
 * Rows are read in pages, by the key of the last one. A row is seen when its transaction ends, which may be after rows
 * with larger keys were seen. So nothing is read up to a key before every transaction that wrote to the table when that
 * key was seen has ended: any row with a smaller key was being written then. See docs/streams.md for what that rests on.
 */
import { createHash } from 'node:crypto';
import { SoraError } from '../../errors.ts';
import type { RowObject } from '../inputs.ts';
import { PageSize } from './page-size.ts';
import { Parameters, parseAddress } from './parameters.ts';
import { idle, persist, RETRIES } from './persist.ts';
import { connect, fatalOf } from './postgres-connection.ts';
import { areWriting, horizonOf, type Key, pagesOf } from './postgres-pages.ts';
import { type Asked, type Followed, followed } from './postgres-table.ts';
import { type Reader, readerOf } from './postgres-values.ts';
import type { RowStream, StreamBatch, StreamPosition } from './stream.ts';

const FORM = 'postgres://user:password@host:5432/database?table=events&cursor=id';

/** Parameters that are the client's own. */
const CLIENT_PARAMETERS = [
  ...['host', 'port', 'user', 'password', 'application_name', 'options', 'client_encoding', 'ssl', 'sslmode'],
  ...['sslcert', 'sslkey', 'sslrootcert', 'sslnegotiation', 'uselibpqcompat', 'statement_timeout'],
];
const OWN_PARAMETERS = ['table', 'query', 'cursor', 'settle', 'poll', 'batch', 'retries', 'once'];

/** The first wait for writers, in milliseconds; later ones double up to `poll`. */
const FIRST_WAIT = 5;

interface Settings extends Asked {
  readonly connection: string;
  readonly poll: number;
  readonly batch: number;
  readonly retries: number;
  readonly once: boolean;
  /** What a position belongs to. */
  readonly source: string;
}

/** A stream of a table or a query. Throws `bad-option` if the address is none. */
export function postgresStream(address: string): RowStream {
  const settings = settingsOf(address);
  const stop = new AbortController();
  return {
    name: settings.name,
    read(from, signal) {
      const start = keyOf(settings, from);
      const either = AbortSignal.any([signal, stop.signal]);
      const persistence = {
        ...settings,
        session: (position: StreamPosition | null) => session(settings, keyOf(settings, position), either),
        fatal: (error: unknown) => fatalOf(error, settings.name),
      };
      return persist(persistence, start === null ? null : positionOf(settings, start), either);
    },
    async close() {
      stop.abort();
    },
  };
}

function settingsOf(address: string): Settings {
  const url = parseAddress(address, FORM);
  const given = new URLSearchParams(url.search);
  const where = `postgres://${given.get('host') ?? url.host}${url.pathname}`;
  const parameters = new Parameters(given, where);
  const table = parameters.text('table');
  const query = parameters.text('query')?.trim().replace(/;\s*$/, '');
  if ((table === undefined) === (query === undefined)) {
    throw new SoraError('bad-option', `${where}: give either table= or query=, as in ${FORM}.`);
  }
  const cursor = parameters.text('cursor')?.split(',');
  if (cursor === undefined) {
    throw new SoraError(
      'bad-option',
      `${where}: the parameter "cursor" is missing: the column by which new rows are known, for example cursor=id. Each new row must have a larger value.`,
    );
  }
  const name = `${where}?${table === undefined ? 'query' : `table=${table}`}&cursor=${cursor.join(',')}`;
  const settings = {
    name,
    table,
    query,
    cursor,
    settle: settleOf(parameters),
    poll: parameters.milliseconds('poll', 200),
    batch: parameters.count('batch', 4096, 1, 65_536),
    retries: parameters.count('retries', RETRIES, 0, 1_000_000),
    once: parameters.flag('once'),
    source:
      table ??
      createHash('sha256')
        .update(query ?? '')
        .digest('hex')
        .slice(0, 16),
  };
  parameters.done(CLIENT_PARAMETERS);
  for (const own of OWN_PARAMETERS) url.searchParams.delete(own);
  return { ...settings, connection: url.href };
}

function settleOf(parameters: Parameters): Settings['settle'] {
  const text = parameters.text('settle');
  return text === undefined || text === 'none' ? text : parameters.milliseconds('settle', 0);
}

function positionOf({ source, cursor }: Settings, after: Key): StreamPosition {
  return { postgres: source, cursor, after };
}

function keyOf(settings: Settings, position: StreamPosition | null): Key | null {
  if (position === null) return null;
  const { postgres, cursor, after } = position as { postgres?: unknown; cursor?: unknown; after?: unknown };
  const fits =
    postgres === settings.source &&
    Array.isArray(after) &&
    after.every((value) => typeof value === 'string') &&
    after.length === settings.cursor.length &&
    JSON.stringify(cursor) === JSON.stringify(settings.cursor);
  if (fits) return after;
  throw new SoraError(
    'schema-mismatch',
    `${settings.name}: the position ${JSON.stringify(position).slice(0, 200)} is not one of this table or query and this cursor. Follow what was followed before, or start anew.`,
    { details: { position } },
  );
}

/** Reads on one connection until it fails or, with `once`, there is nothing more. */
async function* session(
  settings: Settings,
  from: Key | null,
  signal: AbortSignal,
): AsyncGenerator<StreamBatch> {
  const connection = await connect(settings.connection, signal);
  try {
    const { client } = connection;
    const source = await followed(client, settings);
    const size = new PageSize(settings.batch);
    const readers = source.fields.map((field) => readerOf(field.dataTypeID));
    const place = () => (after === null ? null : positionOf(settings, after));
    let after = from;
    while (true) {
      const horizon = await horizonOf(client, settings, source, after);
      let rows = 0;
      if (horizon.key !== undefined) {
        for (let wait = FIRST_WAIT; await areWriting(client, source, horizon.writers); wait *= 2) {
          yield* idle(place(), Math.min(wait, settings.poll), signal);
        }
        for await (const page of pagesOf(client, settings, source, after, horizon.key, size)) {
          after = page.last;
          rows += page.rows.length;
          yield { rows: objectsOf(source, readers, page.rows), position: positionOf(settings, after) };
        }
      } else if (settings.once) return;
      if (settings.once || rows >= settings.batch) continue;
      yield* idle(place(), settings.poll, signal);
    }
  } finally {
    await connection.end();
  }
}

function objectsOf(
  { fields }: Followed,
  readers: readonly Reader[],
  rows: readonly (string | null)[][],
): RowObject[] {
  return rows.map((row) => {
    const object: Record<string, unknown> = {};
    for (let at = 0; at < row.length; at++) {
      const text = row[at];
      object[fields[at].name] = text === null ? null : readers[at](text);
    }
    return object;
  });
}

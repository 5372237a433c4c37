/**
 * The statements that read a cursor's rows: how far it is safe to read, who is still writing, and the pages up to there.
 * All keys are compared as tuples and bound as text with their types, so no value is rounded on its way there and back.
 */
import type { Client } from 'pg';
import { SoraError } from '../../errors.ts';
import type { PageSize } from './page-size.ts';
import { type Asked, type Followed, rowsOf } from './postgres-table.ts';
import { isLocalTime, isTransaction } from './postgres-values.ts';

/** Values of the cursor's columns, as PostgreSQL writes them. */
export type Key = readonly string[];

interface Horizon {
  /** The largest key there is; undefined if there is none after the last. */
  readonly key: Key | undefined;
  /** Transactions that were writing after that key was seen, or a moment later. */
  readonly writers: readonly string[];
}

/** How far can be read. The rows are those of the moment at which the statement begins, the writers are later ones. */
export async function horizonOf(
  client: Client,
  asked: Asked,
  source: Followed,
  after: Key | null,
): Promise<Horizon> {
  const { columns } = source;
  const where = [];
  const values: unknown[] = [];
  const bind = (value: unknown) => `$${values.push(value)}`;
  if (after !== null) where.push(`${tuple(columns)} > ${keySql(source, after, bind)}`);
  if (isTransaction(source.first)) where.push(`${columns[0]} < pg_snapshot_xmin(pg_current_snapshot())`);
  if (typeof asked.settle === 'number') {
    const now = `clock_timestamp() - ${bind(`${asked.settle} milliseconds`)}::interval`;
    // A time without a zone is one of the server's, not of this session's.
    const local = `timezone((select reset_val from pg_settings where name = 'TimeZone'), ${now})`;
    where.push(`${columns[0]} < ${isLocalTime(source.first) ? local : now}`);
  }
  const waits = asked.settle !== 'none' && !isTransaction(source.first);
  const writers = waits
    ? `array(select l.virtualtransaction from ${locks(source, bind)})`
    : `array[]::text[]`;
  const [row] = await rowsOf(
    client,
    `select array_to_json(${writers}), b.* from (select 1) as one left join (
       select true, ${columns.join(', ')} from ${source.from}
       ${where.length > 0 ? `where ${where.join(' and ')}` : ''}
       order by ${columns.map((column) => `${column} desc`).join(', ')} limit 1) as b on true`,
    values,
  );
  const [writing, there, ...key] = row;
  if (there === null) return { key: undefined, writers: [] };
  if (key.includes(null)) {
    throw new SoraError(
      'bad-input',
      `${asked.name}: a row has no value in the cursor, so it would never be seen. Leave such rows out in the query (where ${asked.cursor[0]} is not null).`,
    );
  }
  return { key: key as Key, writers: JSON.parse(writing ?? '[]') };
}

/** Whether any of those transactions has not ended. Those that are prepared have lost their name, so all are awaited. */
export async function areWriting(
  client: Client,
  source: Followed,
  writers: readonly string[],
): Promise<boolean> {
  if (writers.length === 0) return false;
  const values: unknown[] = [writers];
  const held = locks(source, (value) => `$${values.push(value)}`);
  const [[still]] = await rowsOf(
    client,
    `select exists (select from ${held} and (l.virtualtransaction = any($1) or l.virtualtransaction like '-1/%'))`,
    values,
  );
  return still === 't';
}

/** Locks that writers hold from before they take a key until their transaction has ended. */
function locks({ relations }: Followed, bind: (value: unknown) => string): string {
  const which =
    relations === null
      ? `l.relation in (select oid from pg_class where oid >= 16384 and relkind in ('r', 'p'))`
      : `l.relation = any(${bind(relations)}::oid[])`;
  return `pg_locks l where l.locktype = 'relation' and l.mode = 'RowExclusiveLock' and l.granted
    and l.database = (select oid from pg_database where datname = current_database()) and ${which}`;
}

interface Page {
  readonly rows: readonly (string | null)[][];
  readonly last: Key;
}

/** The rows after a key up to another, in order. */
export async function* pagesOf(
  client: Client,
  asked: Asked,
  source: Followed,
  from: Key | null,
  to: Key,
  size: PageSize,
): AsyncGenerator<Page> {
  let after = from;
  while (true) {
    const values: unknown[] = [];
    const bind = (value: unknown) => `$${values.push(value)}`;
    const columns = tuple(source.columns);
    const above = after === null ? '' : `${columns} > ${keySql(source, after, bind)} and `;
    // Where rows may share a key, one more is looked at, so that twins never stand on two pages.
    const limit = source.unique ? size.rows : size.rows + 1;
    const found = await rowsOf(
      client,
      `select * from ${source.from} where ${above}${columns} <= ${keySql(source, to, bind)}
       order by ${source.columns.join(', ')} limit ${limit}`,
      values,
    );
    if (!source.unique) refuseTies(asked, source, found);
    const rows = found.slice(0, size.rows);
    const whole = found.length < limit;
    size.came(rows.length, bytesOf(rows));
    if (rows.length > 0) {
      after = rowKey(source, rows[rows.length - 1]);
      yield { rows, last: after };
    }
    if (whole) return;
  }
}

function rowKey({ at }: Followed, row: readonly (string | null)[]): Key {
  return at.map((place) => row[place] ?? '');
}

function refuseTies(asked: Asked, source: Followed, rows: readonly (string | null)[][]): void {
  const keys = rows.map((row) => rowKey(source, row).join('\0'));
  const tie = keys.findIndex((key, index) => index > 0 && key === keys[index - 1]);
  if (tie < 0) return;
  const value = rowKey(source, rows[tie]).join(', ');
  throw new SoraError(
    'bad-input',
    `${asked.name}: two rows have the cursor ${value}, so neither can be told from the other. Add a column that differs to the cursor: cursor=${asked.cursor.join(',')},id.`,
    { details: { cursor: asked.cursor, value } },
  );
}

function tuple(items: readonly string[]): string {
  return `(${items.join(', ')})`;
}

function keySql({ types }: Followed, key: Key, bind: (value: unknown) => string): string {
  return tuple(key.map((value, index) => `${bind(value)}::${types[index]}`));
}

function bytesOf(rows: readonly (string | null)[][]): number {
  let bytes = 0;
  for (const row of rows) for (const value of row) bytes += value?.length ?? 0;
  return bytes;
}

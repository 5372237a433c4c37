/**
 * What is followed in a PostgreSQL database: a table or a query, and the cursor, the columns that say which rows are new.
 * The catalogs tell whether the cursor can carry that: in a table it must be unique, never null, and grow with time.
 * What a query's cursor is like shows only while it is read.
 */
import type { Client, FieldDef } from 'pg';
import { SoraError } from '../../errors.ts';
import { suggestion } from '../names.ts';
import { isTime, isTransaction } from './postgres-values.ts';

/** What the address asks for. */
export interface Asked {
  readonly name: string;
  readonly table: string | undefined;
  readonly query: string | undefined;
  readonly cursor: readonly string[];
  /** Milliseconds for which rows may still come with an earlier time; `none` not to wait for writers at all. */
  readonly settle: number | 'none' | undefined;
}

/** A table or query as it can be read. */
export interface Followed {
  /** What stands behind `from`, under the name `s`. */
  readonly from: string;
  /** Table and what is part of it; null if any table of the database may be behind it. */
  readonly relations: readonly string[] | null;
  readonly fields: readonly FieldDef[];
  /** Where the cursor's columns stand among the fields. */
  readonly at: readonly number[];
  /** The cursor's columns as SQL, and the names of their types. */
  readonly columns: readonly string[];
  readonly types: readonly string[];
  /** Number of the first column's type. */
  readonly first: number;
  /** Whether the catalogs say that no two rows have the same cursor. */
  readonly unique: boolean;
}

/** Rows of a statement, each an array of texts. */
export async function rowsOf(
  client: Client,
  text: string,
  values: unknown[] = [],
): Promise<(string | null)[][]> {
  const { rows } = await client.query({ text, values, rowMode: 'array' });
  return rows;
}

/** Looks up what is asked for. Throws `not-found`, `bad-option`. */
export async function followed(client: Client, asked: Asked): Promise<Followed> {
  const table = asked.table === undefined ? undefined : await tableOf(client, asked);
  const from = table === undefined ? `(${asked.query}\n) as s` : `${table.sql} as s`;
  const { fields } = await client.query({ text: `select * from ${from} limit 0`, rowMode: 'array' });
  const names = fields.map((field) => field.name);
  refuseTwins(asked, names);
  const at = asked.cursor.map((column) => placeOf(asked, column, names));
  const numbers = at.map((place) => fields[place].dataTypeID);
  const described = await rowsOf(
    client,
    'select format_type(t, null) from unnest($1::oid[]) with ordinality as u(t, k) order by k',
    [numbers],
  );
  await refuseUnsettled(client, asked, numbers[0]);
  if (table?.plain) await refuseUnfit(client, asked, table.oid);
  return {
    from,
    relations: table?.plain ? await partsOf(client, table.oid) : null,
    fields,
    at,
    columns: asked.cursor.map((column) => `s.${client.escapeIdentifier(column)}`),
    types: described.map(([type]) => type ?? 'text'),
    first: numbers[0],
    unique: table?.plain ?? false,
  };
}

interface Table {
  readonly oid: string;
  readonly sql: string;
  /** A table, of which the catalogs know what is unique; not a view. */
  readonly plain: boolean;
}

async function tableOf(client: Client, asked: Asked): Promise<Table> {
  const [found] = await rowsOf(
    client,
    `select c.oid, format('%I.%I', n.nspname, c.relname), c.relkind in ('r', 'p')
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = coalesce(to_regclass($1), to_regclass(quote_ident($1)))`,
    [asked.table],
  );
  if (found !== undefined) return { oid: found[0] ?? '', sql: found[1] ?? '', plain: found[2] === 't' };
  const there = await rowsOf(
    client,
    `select case when pg_table_is_visible(c.oid) then c.relname else format('%s.%s', n.nspname, c.relname) end
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not like 'pg\\_%' and n.nspname <> 'information_schema'
     order by 1 limit 1000`,
  );
  const names = there.map(([name]) => name ?? '');
  const hint = names.length > 0 ? suggestion(asked.table ?? '', names) : 'The database has no table.';
  throw new SoraError('not-found', `${asked.name}: there is no table "${asked.table}". ${hint}`, {
    details: { table: asked.table },
  });
}

function refuseTwins(asked: Asked, names: readonly string[]): void {
  const twin = names.find((name, index) => names.indexOf(name) < index);
  if (twin === undefined) return;
  throw new SoraError(
    'bad-option',
    `${asked.name}: two columns are called "${twin}". Name one of them differently in the query: … as another_name.`,
    { details: { column: twin } },
  );
}

function placeOf(asked: Asked, column: string, names: readonly string[]): number {
  const place = names.indexOf(column);
  if (place >= 0) return place;
  throw new SoraError(
    'not-found',
    `${asked.name}: there is no column "${column}", which the cursor needs. ${suggestion(column, names)}`,
    { details: { column } },
  );
}

/** Times need to know how late a row may come; a copy of a database does not know who writes to it. */
async function refuseUnsettled(client: Client, asked: Asked, type: number): Promise<void> {
  const { name, cursor, settle } = asked;
  if (isTime(type) && settle === undefined) {
    throw new SoraError(
      'bad-option',
      `${name}: the cursor "${cursor[0]}" is a time, and a row is seen only when its transaction ends, perhaps after later ones. Say for how long that may last, for example settle=1m; settle=none if rows are committed in the order of their times.`,
      { details: { column: cursor[0] } },
    );
  }
  if (!isTime(type) && typeof settle === 'number') {
    throw new SoraError(
      'bad-option',
      `${name}: settle=${settle}ms needs a cursor that is a time, and "${cursor[0]}" is none. Leave settle out: writers are waited for.`,
      { details: { column: cursor[0] } },
    );
  }
  if (settle === 'none' || isTransaction(type)) return;
  const [[standby]] = await rowsOf(client, 'select pg_is_in_recovery()');
  if (standby !== 't') return;
  throw new SoraError(
    'bad-option',
    `${name}: this server is a standby, where unfinished transactions of the primary do not show. Follow the primary, use a cursor that begins with a column of type xid8, or give settle=none if a row's transaction ends before the next begins.`,
  );
}

/** Throws if two rows of a table may have the same cursor, a row may have none, or a later one a smaller one. */
async function refuseUnfit(client: Client, asked: Asked, oid: string): Promise<void> {
  const { name, cursor } = asked;
  const nullable = await rowsOf(
    client,
    'select attname from pg_attribute where attrelid = $1 and attname = any($2) and not attnotnull order by attnum',
    [oid, cursor],
  );
  if (nullable.length > 0) {
    const column = nullable[0][0];
    throw new SoraError(
      'bad-option',
      `${name}: the cursor "${column}" may be null, and such rows would never be seen. Declare it: alter table … alter column ${column} set not null; or follow a query that leaves those rows out.`,
      { details: { column } },
    );
  }
  const keys = await uniqueKeys(client, oid);
  if (!keys.some(({ columns }) => columns.every((column) => cursor.includes(column)))) {
    const key = keys.find(({ primary }) => primary) ?? keys[0];
    const remedy =
      key === undefined
        ? 'Give the table a primary key, or a unique index on the cursor.'
        : `Add its key: cursor=${[...cursor, ...key.columns.filter((column) => !cursor.includes(column))].join(',')}.`;
    throw new SoraError(
      'bad-option',
      `${name}: rows may share a value of the cursor ${cursor.map((column) => `"${column}"`).join(', ')}, because no unique index says otherwise, and some of them would be lost. ${remedy}`,
      { details: { cursor } },
    );
  }
  await refuseSequence(client, asked, oid);
}

interface UniqueKey {
  readonly columns: readonly string[];
  readonly primary: boolean;
}

async function uniqueKeys(client: Client, oid: string): Promise<UniqueKey[]> {
  const rows = await rowsOf(
    client,
    `select i.indisprimary, array_to_json(array(
       select a.attname from unnest(i.indkey) with ordinality as k(number, place)
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
       where k.place <= i.indnkeyatts order by k.place))
     from pg_index i
     where i.indrelid = $1 and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
     order by i.indexrelid`,
    [oid],
  );
  return rows.map(([primary, columns]) => ({
    columns: JSON.parse(columns ?? '[]'),
    primary: primary === 't',
  }));
}

/** A sequence that gives each session numbers in advance, or counts down, gives them out of order. */
async function refuseSequence(client: Client, { name, cursor }: Asked, oid: string): Promise<void> {
  const rows = await rowsOf(
    client,
    `select s.seqrelid::regclass, s.seqcache, s.seqincrement from pg_depend d
     join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     join pg_sequence s on s.seqrelid = d.objid
     where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
       and d.refobjid = $1 and a.attname = $2 and (s.seqcache > 1 or s.seqincrement < 0)`,
    [oid, cursor[0]],
  );
  if (rows.length === 0) return;
  const [[sequence, cache, increment]] = rows;
  const what = Number(increment) < 0 ? 'counts down' : `gives each session ${cache} numbers in advance`;
  throw new SoraError(
    'bad-option',
    `${name}: the sequence ${sequence} behind the cursor "${cursor[0]}" ${what}, so later rows may have smaller numbers, which would be lost. Change it (alter sequence ${sequence} cache 1 increment 1), or follow another column.`,
    { details: { sequence } },
  );
}

/** The table and its partitions: writers may hold a lock on any of them. */
async function partsOf(client: Client, oid: string): Promise<string[]> {
  const rows = await rowsOf(
    client,
    'select relid::oid from pg_partition_tree($1) union select $1::oid union select inhrelid from pg_inherits where inhparent = $1',
    [oid],
  );
  return rows.map(([relation]) => relation ?? '');
}

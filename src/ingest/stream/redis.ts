/**
 * A stream of Redis, read from the entry where it stood: `redis://host/0?stream=events`. Each entry is a row: its fields,
 * or the JSON of one of them. There is no consumer group, because the position is kept with what was made of the rows.
 * Entries that were trimmed before they were read are an error: the stream counts what was ever added, so do we.
 */
import type { Redis } from 'ioredis';
import { SoraError } from '../../errors.ts';
import type { RowObject } from '../inputs.ts';
import { isObject } from '../objects.ts';
import { PageSize } from './page-size.ts';
import { Parameters, parseAddress } from './parameters.ts';
import { persist, RETRIES } from './persist.ts';
import { connectRedis, fatalAnswer, type RedisConnection, type RedisPlace } from './redis-connection.ts';
import type { RowStream, StreamBatch, StreamPosition } from './stream.ts';

const FORM = 'redis://user:password@host:6379/0?stream=events';

interface Settings {
  readonly name: string;
  readonly place: RedisPlace;
  readonly stream: string;
  /** The field that holds a row as JSON; undefined if the fields are the row. */
  readonly json: string | undefined;
  readonly trim: boolean;
  readonly poll: number;
  readonly batch: number;
  readonly retries: number;
  readonly once: boolean;
}

/** After which entry, and which one that was of all that were ever added. */
interface Place {
  readonly id: string;
  readonly count: number;
}

/** An entry: its id, and its fields and values by turns. */
type Entry = readonly [string, readonly string[]];

/** The stream of an address. Throws `bad-option` if it is none. */
export function redisStream(address: string): RowStream {
  const settings = settingsOf(address);
  const stop = new AbortController();
  let trimming: RedisConnection | undefined;
  return {
    name: settings.name,
    read(from, signal) {
      const start = placeOf(settings, from);
      const either = AbortSignal.any([signal, stop.signal]);
      const persistence = {
        ...settings,
        session: (position: StreamPosition | null) => session(settings, placeOf(settings, position), either),
        fatal: (error: unknown) => fatalAnswer(error, settings.name),
      };
      return persist(persistence, start === undefined ? null : positionOf(settings, start), either);
    },
    async taken(position) {
      const place = placeOf(settings, position);
      if (!settings.trim || place === undefined) return;
      try {
        trimming ??= await connectRedis(settings.place, stop.signal);
        // The entry itself stays, so that the next reading sees that nothing after it is gone.
        await trimming.redis.call('XTRIM', settings.stream, 'MINID', '=', place.id);
      } catch (error) {
        trimming?.end();
        trimming = undefined;
        // What could not be trimmed now is trimmed the next time.
        const fatal = fatalAnswer(error, settings.name);
        if (fatal !== undefined) throw fatal;
      }
    },
    async close() {
      stop.abort();
      trimming?.end();
    },
  };
}

function settingsOf(address: string): Settings {
  const url = parseAddress(address, FORM);
  const database = /^\/?(\d*)$/.exec(url.pathname);
  const where = `redis://${url.host}${url.pathname}`;
  const parameters = new Parameters(url.searchParams, where);
  const stream = parameters.text('stream');
  if (stream === undefined || database === null) {
    throw new SoraError(
      'bad-option',
      `${where}: give the number of the database and the stream, as in ${FORM}.`,
    );
  }
  const settings = {
    name: `${where}?stream=${stream}`,
    place: {
      host: url.hostname.replace(/^\[|\]$/g, '') || '127.0.0.1',
      port: Number(url.port || 6379),
      db: Number(database[1]),
      username: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
      encrypted: url.protocol === 'rediss:',
    },
    stream,
    json: parameters.text('json'),
    trim: parameters.flag('trim'),
    poll: Math.max(1, Math.round(parameters.milliseconds('poll', 1000))),
    batch: parameters.count('batch', 4096, 1, 65_536),
    retries: parameters.count('retries', RETRIES, 0, 1_000_000),
    once: parameters.flag('once'),
  };
  parameters.done();
  return settings;
}

function positionOf({ stream }: Settings, { id, count }: Place): StreamPosition {
  return { redis: stream, id, count };
}

function placeOf({ name, stream }: Settings, position: StreamPosition | null): Place | undefined {
  if (position === null) return undefined;
  const { redis, id, count } = position as { redis?: unknown; id?: unknown; count?: unknown };
  if (redis === stream && typeof id === 'string' && /^\d+-\d+$/.test(id) && Number.isSafeInteger(count)) {
    return { id, count: count as number };
  }
  throw new SoraError(
    'schema-mismatch',
    `${name}: the position ${JSON.stringify(position).slice(0, 200)} is not one of this stream. Follow what was followed before, or start anew.`,
    { details: { position } },
  );
}

/** Reads on one connection until it fails or, with `once`, there is nothing more. */
async function* session(
  settings: Settings,
  from: Place | undefined,
  signal: AbortSignal,
): AsyncGenerator<StreamBatch> {
  const connection = await connectRedis(settings.place, signal);
  try {
    const size = new PageSize(settings.batch);
    let place = from;
    while (true) {
      const page = await pageOf(connection.redis, settings, place, size.rows);
      if (page.entries.length > 0) {
        place = page.place;
        size.came(page.entries.length, bytesOf(page.entries));
        const rows = page.entries.map((entry) => rowOf(settings, entry));
        yield { rows, position: positionOf(settings, place) };
        continue;
      }
      if (settings.once) return;
      yield { rows: [], position: place === undefined ? null : positionOf(settings, place) };
      // Only to be woken: what is there is read together with the state of the stream.
      const { stream, poll } = settings;
      await connection.redis.call('XREAD', 'BLOCK', poll, 'COUNT', 1, 'STREAMS', stream, place?.id ?? '0-0');
    }
  } finally {
    connection.end();
  }
}

interface Page {
  readonly entries: readonly Entry[];
  readonly place: Place;
}

/** The entries after a place, read in one transaction with the state of the stream. Throws where some are missing. */
async function pageOf(
  redis: Redis,
  settings: Settings,
  from: Place | undefined,
  most: number,
): Promise<Page> {
  const { stream } = settings;
  const id = from?.id ?? '0-0';
  const replies = await redis
    .multi([
      ['xinfo', 'STREAM', stream],
      ['xread', 'COUNT', String(most), 'STREAMS', stream, id],
    ])
    .exec();
  const [[noInfo, info], [noRead, read]] = replies as [[Error | null, unknown], [Error | null, unknown]];
  const state = noInfo === null ? stateOf(info as unknown[]) : undefined;
  if (noInfo !== null && !/no such key/.test(noInfo.message)) throw noInfo;
  if (noRead !== null) throw noRead;
  if (from !== undefined) refuseLoss(settings, from, state);
  const entries = ((read as [string, Entry[]][] | null)?.[0]?.[1] ?? []) as Entry[];
  const before = from?.count ?? (state?.added ?? 0) - (state?.length ?? 0);
  // At the end, what was added is known, whatever was deleted on the way.
  const atEnd = entries.length < most && state?.added !== undefined;
  const count = atEnd ? state.added! : before + entries.length;
  return { entries, place: { id: entries.at(-1)?.[0] ?? id, count } };
}

/** What a stream says of itself. */
interface State {
  readonly length: number;
  /** Id of the first entry that is there. */
  readonly first: string | undefined;
  /** Id of the last one that was ever added. */
  readonly last: string;
  /** How many were ever added; unknown before Redis 7. */
  readonly added: number | undefined;
}

function stateOf(info: readonly unknown[]): State {
  const value = (name: string) => info[info.indexOf(name) + 1];
  const first = value('first-entry') as Entry | null;
  const added = info.includes('entries-added') ? Number(value('entries-added')) : undefined;
  return {
    length: Number(value('length')),
    first: first?.[0],
    last: String(value('last-generated-id')),
    added,
  };
}

function refuseLoss({ name }: Settings, { id, count }: Place, state: State | undefined): void {
  if (state === undefined || isLater(id, state.last) || (state.added ?? count) < count) {
    throw new SoraError(
      'bad-input',
      `${name}: the stream was deleted since entry ${id} was read${state === undefined ? '' : ', and begun again'}. Restore it, or start anew from its first entry, without the position.`,
      { details: { id } },
    );
  }
  if (state.first !== undefined && !isLater(state.first, id)) return;
  // Nothing up to the place is left. If more are gone than were read, some of those after it are.
  const gone = state.added === undefined ? undefined : state.added - state.length;
  if (gone === undefined ? state.last === id : gone <= count) return;
  const number =
    gone === undefined ? 'Entries' : `${gone - count} ${gone - count === 1 ? 'entry' : 'entries'}`;
  throw new SoraError(
    'bad-input',
    `${name}: ${number} after ${id} were removed before they were read${state.first === undefined ? '' : `; the first that is left is ${state.first}`}. Trim the stream less (XTRIM, XADD MAXLEN), or let this reader do it with trim=true; to go on without them, start anew.`,
    { details: { id, first: state.first, removed: gone === undefined ? undefined : gone - count } },
  );
}

/** Whether id `a`, of milliseconds and a number, is after `b`. */
function isLater(a: string, b: string): boolean {
  const [aTime, aNumber] = a.split('-').map(BigInt);
  const [bTime, bNumber] = b.split('-').map(BigInt);
  return aTime > bTime || (aTime === bTime && aNumber > bNumber);
}

function rowOf({ name, json }: Settings, [id, fields]: Entry): RowObject {
  const row: Record<string, unknown> = {};
  for (let at = 0; at < fields.length; at += 2) {
    if (Object.hasOwn(row, fields[at]))
      throw badEntry(name, id, `has two fields "${fields[at]}"`, 'Give each a name of its own.');
    row[fields[at]] = fields[at + 1];
  }
  if (json === undefined) return row;
  if (!Object.hasOwn(row, json)) {
    throw badEntry(name, id, `has no field "${json}"`, `It has: ${Object.keys(row).join(', ')}.`);
  }
  const text = String(row[json]);
  const value = parsed(text);
  if (isObject(value)) return value;
  throw badEntry(
    name,
    id,
    `has no JSON object in its field "${json}": ${text.slice(0, 100)}`,
    'Write one, such as {"a": 1}.',
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function badEntry(name: string, id: string, what: string, remedy: string): SoraError {
  return new SoraError('bad-input', `${name}: entry ${id} ${what}. ${remedy}`, { details: { id } });
}

function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const [, fields] of entries) for (const text of fields) bytes += text.length;
  return bytes;
}

/**
 * Rows over HTTP, with `fetch`: an endpoint that sends lines of JSON as they come, one that is asked for page after page,
 * or server-sent events. What is Sora's own stands behind `#`, which no server sees:
 * `https://host/events?after={cursor}#cursor=id&poll=5s`. See docs/streams.md.
 */
import { SoraError } from '../../errors.ts';
import { type Endpoint, hasCursor, request } from './http-request.ts';
import { eventsOf, linesOf, type Place, pageOf, type Reading, type Step } from './http-rows.ts';
import { Parameters, parseAddress } from './parameters.ts';
import { idle, persist, RETRIES } from './persist.ts';
import type { RowStream, StreamBatch, StreamPosition } from './stream.ts';

const FORM = 'https://host/events?after={cursor}#cursor=id';

const FORMATS = ['lines', 'page', 'events'] as const;
type Format = (typeof FORMATS)[number];

const READERS = { lines: linesOf, page: pageOf, events: eventsOf } as const;

interface Settings extends Endpoint, Reading {
  readonly start: string | undefined;
  readonly poll: number;
  readonly format: Format | undefined;
  readonly retries: number;
  readonly once: boolean;
}

/** The stream of an address. Throws `bad-option` if it is none. */
export function httpStream(address: string): RowStream {
  const settings = settingsOf(address);
  const stop = new AbortController();
  return {
    name: settings.name,
    read(from, signal) {
      const start = placeOf(settings, from);
      const either = AbortSignal.any([signal, stop.signal]);
      const persistence = {
        name: settings.name,
        retries: settings.retries,
        session: (position: StreamPosition | null) => session(settings, placeOf(settings, position), either),
        fatal: () => undefined,
      };
      return persist(persistence, from === null ? null : positionOf(settings, start), either);
    },
    async close() {
      stop.abort();
    },
  };
}

function settingsOf(text: string): Settings {
  const url = parseAddress(text, FORM);
  const name = `${url.origin}${url.pathname}`;
  const parameters = new Parameters(new URLSearchParams(url.hash.slice(1).replaceAll('+', '%2B')), name);
  const headers = parameters.all('header').map((line) => headerOf(parameters, line));
  if (url.username !== '' || url.password !== '') {
    const [user, password] = [url.username, url.password].map(decodeURIComponent);
    headers.push(['authorization', `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`]);
  }
  url.hash = url.username = url.password = '';
  const format = parameters.text('format') as Format | undefined;
  if (format !== undefined && !FORMATS.includes(format)) {
    throw parameters.bad('format', `is "${format}"`, `give ${FORMATS.join(', ')}`);
  }
  const settings: Settings = {
    name,
    address: url.href,
    headers,
    format,
    start: parameters.text('start'),
    cursor: parameters.text('cursor'),
    rows: parameters.text('rows'),
    next: parameters.text('next'),
    nextHeader: parameters.text('next-header'),
    event: parameters.text('event'),
    poll: parameters.milliseconds('poll', 5000),
    limit: parameters.count('limit', 1 << 24, 1, 1 << 29),
    retries: parameters.count('retries', RETRIES, 0, 1_000_000),
    once: parameters.flag('once'),
  };
  parameters.done();
  refuseContradictions(settings, parameters);
  return settings;
}

function headerOf(parameters: Parameters, line: string): [string, string] {
  const match = /^([\w-]+):\s*(\S.*)$/.exec(line);
  if (match !== null) return [match[1], match[2]];
  throw parameters.bad('header', 'is no header', 'write it as header=Name: value');
}

function refuseContradictions(settings: Settings, parameters: Parameters): void {
  const { address, cursor, next, nextHeader, start } = settings;
  const ways = [cursor, next, nextHeader].filter((way) => way !== undefined);
  if (ways.length > 1)
    throw parameters.bad('cursor', 'stands beside next or next-header', 'give one of them');
  const template = hasCursor(address);
  if (cursor !== undefined && !template) {
    throw parameters.bad('cursor', 'has no place in the address', `write {cursor} there, as in ${FORM}`);
  }
  if (template && ways.length === 0) {
    throw parameters.bad(
      'cursor',
      'is missing',
      'say which field of a row (cursor=), which field of a page (next=) or which header (next-header=) has what belongs there',
    );
  }
  if (template && start === undefined && hasCursor(new URL(address).pathname)) {
    throw parameters.bad('start', 'is missing', 'say what stands for {cursor} at first');
  }
}

function positionOf({ name }: Settings, place: Place): StreamPosition {
  return { http: name, ...place, event: place.event || undefined };
}

function placeOf(settings: Settings, position: StreamPosition | null): Place {
  if (position === null) return { at: settings.start ?? null, rows: 0 };
  const { http, at, rows, event, first, last } = position as Partial<Place> & { http?: unknown };
  const isText = (value: unknown) => value === undefined || typeof value === 'string';
  const fits =
    http === settings.name && (at === null || typeof at === 'string') && Number.isSafeInteger(rows);
  if (fits && isText(first) && isText(last)) return { at, rows: rows!, event: event === true, first, last };
  throw new SoraError(
    'schema-mismatch',
    `${settings.name}: the position ${JSON.stringify(position).slice(0, 200)} is not one of this address. Follow what was followed before, or start anew.`,
    { details: { position } },
  );
}

/** Asks again and again; ends with `once` when nothing new comes, or when the server says that there will be no more. */
async function* session(settings: Settings, from: Place, signal: AbortSignal): AsyncGenerator<StreamBatch> {
  let place = from;
  let tag: string | null = null;
  while (true) {
    const asked = place.at;
    let rows = 0;
    const answer = await ask(settings, place, tag, signal);
    try {
      if (answer.isLast) return;
      for await (const step of answer.steps) {
        place = step.place;
        rows += step.rows.length;
        yield { rows: step.rows, position: positionOf(settings, place) };
      }
    } finally {
      answer.end();
    }
    tag = place.at === asked ? answer.tag : null;
    if (rows > 0 && (place.at !== asked || settings.once)) continue;
    if (settings.once) return;
    yield* idle(positionOf(settings, place), settings.poll, signal);
    signal.throwIfAborted();
  }
}

interface Answer {
  readonly steps: AsyncIterable<Step>;
  /** What marks its state, to be told that nothing has changed. */
  readonly tag: string | null;
  /** Whether the server says that no more events come. */
  readonly isLast: boolean;
  /** Lets go of the signal. */
  end(): void;
}

/** One request, with a signal of its own: `fetch` would hold on to one that lives longer. */
async function ask(
  settings: Settings,
  place: Place,
  tag: string | null,
  signal: AbortSignal,
): Promise<Answer> {
  signal.throwIfAborted();
  const own = new AbortController();
  const cut = () => own.abort();
  signal.addEventListener('abort', cut, { once: true });
  const end = () => signal.removeEventListener('abort', cut);
  try {
    const at = place.event ? null : place.at;
    const response = await request(settings, at, headersOf(settings, place, tag), own.signal);
    const format = settings.format ?? formatOf(response);
    const isEmpty = !response.ok || response.status === 204;
    return {
      steps: isEmpty ? noSteps() : READERS[format](settings, response, place, own.signal),
      tag: isEmpty ? tag : response.headers.get('etag'),
      isLast: response.status === 204 && (format === 'events' || place.event === true),
      end,
    };
  } catch (error) {
    end();
    throw error;
  }
}

async function* noSteps(): AsyncGenerator<Step> {}

function headersOf({ format }: Settings, { at, event }: Place, tag: string | null): Record<string, string> {
  return {
    ...(tag === null ? {} : { 'if-none-match': tag }),
    ...(format === 'events' ? { accept: 'text/event-stream' } : {}),
    // Headers hold bytes, and an id is UTF-8.
    ...(event && at !== null ? { 'last-event-id': Buffer.from(at).toString('latin1') } : {}),
  };
}

function formatOf(response: Response): Format {
  const type = response.headers.get('content-type') ?? '';
  if (/event-stream/i.test(type)) return 'events';
  return /json/i.test(type) && !/ndjson|jsonl|json-lines|json-seq/i.test(type) ? 'page' : 'lines';
}

/**
 * One request of a stream over HTTP: its address with the cursor in its place, its headers, and what its status means.
 * Names and errors hold the address without its query, user and password, which may be secrets.
 */
import { SoraError } from '../../errors.ts';
import { reasonOf, Unavailable } from './persist.ts';

/** Longest time that a server may ask to be left alone, in milliseconds. */
const LONGEST_WAIT = 3_600_000;

/** Statuses that pass; those of 500 and above do too. */
const PASSING = [408, 425, 429];

const CURSOR = /\{cursor\}|%7Bcursor%7D/gi;

/** Where to ask, and as whom. */
export interface Endpoint {
  readonly name: string;
  /** The address, with `{cursor}` where that belongs; without fragment, user and password. */
  readonly address: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** Whether the address says where the cursor belongs. */
export function hasCursor(address: string): boolean {
  return address.search(CURSOR) >= 0;
}

/**
 * The address of a request: the cursor in its place, or the address of the next page, which must be on the same server.
 * Without a cursor, the parameters of the query that would hold it are left out.
 */
export function addressAt({ name, address }: Endpoint, at: string | null): string {
  if (hasCursor(address)) {
    if (at !== null) return address.replace(CURSOR, () => encodeURIComponent(at));
    const [path, query] = address.split('?');
    const kept = (query ?? '').split('&').filter((part) => part !== '' && !hasCursor(part));
    return kept.length === 0 ? path : `${path}?${kept.join('&')}`;
  }
  if (at === null) return address;
  const next = URL.canParse(at, address) ? new URL(at, address) : undefined;
  if (next?.origin === new URL(address).origin) return next.href;
  throw new SoraError(
    'bad-input',
    `${name}: the next page is at "${at.slice(0, 100)}", which is not on the same server. If that is a cursor and no address, say where it belongs: …?from={cursor}.`,
  );
}

/** Asks. Throws {@link Unavailable} for what passes, and the error of a status for what does not. */
export async function request(
  endpoint: Endpoint,
  at: string | null,
  headers: Record<string, string>,
  signal: AbortSignal,
): Promise<Response> {
  const all = new Headers({
    accept: 'application/x-ndjson, application/json, text/event-stream;q=0.9, */*;q=0.1',
  });
  for (const [name, value] of [...endpoint.headers, ...Object.entries(headers)]) all.set(name, value);
  // Headers with keys are not for whom the server sends us to.
  const redirect = endpoint.headers.length > 0 ? 'manual' : 'follow';
  const response = await fetch(addressAt(endpoint, at), { headers: all, redirect, signal }).catch((error) => {
    throw signal.aborted ? error : new Unavailable(reasonOf(error), undefined);
  });
  if (response.ok || response.status === 304) return response;
  await response.body?.cancel();
  throw refusal(endpoint.name, response, at);
}

function refusal(name: string, { status, headers }: Response, at: string | null): Error {
  const what = `the server answers ${status}`;
  if (status >= 500 || PASSING.includes(status))
    return new Unavailable(what, waitOf(headers.get('retry-after')));
  if (status === 401 || status === 403) {
    return new SoraError(
      'bad-option',
      `${name}: ${what}: access is refused. Give user and password in the address, or a key: #header=Authorization: Bearer ….`,
      { details: { status } },
    );
  }
  if (at !== null && (status === 410 || status === 404 || status === 400)) {
    return new SoraError(
      'bad-input',
      `${name}: ${what} when asked for what follows "${at.slice(0, 100)}". If it has let go of those rows, start anew, without the position.`,
      { details: { status, at } },
    );
  }
  if (status >= 300 && status < 400) {
    const target = headers.get('location') ?? '';
    const place = URL.canParse(target) ? `${new URL(target).origin}${new URL(target).pathname}` : 'elsewhere';
    return new SoraError(
      'bad-option',
      `${name}: ${what} and leads to ${place}, which is not followed with a password or key. Give that address.`,
      { details: { status } },
    );
  }
  const code = status === 404 || status === 410 ? 'not-found' : 'bad-option';
  return new SoraError(code, `${name}: ${what}. Check the address and what the endpoint expects.`, {
    details: { status },
  });
}

/** Milliseconds of a `Retry-After`, in seconds or as a date. The clock decides only how long is waited. */
function waitOf(text: string | null): number | undefined {
  if (text === null) return undefined;
  const wait = /^\d+$/.test(text) ? 1000 * Number(text) : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.min(LONGEST_WAIT, Math.max(0, wait));
}

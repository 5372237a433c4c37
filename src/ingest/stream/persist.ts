/**
 * Reading on when a server goes away: the session is begun again from the last position, after waits that double.
 * While it waits, empty batches are given, which say that the server is away once a second try has failed or it asked for
 * a longer wait: a connection that is merely made anew is not worth a word. What trying again cannot mend is thrown at
 * once, and what does not come back in so many tries as well.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { SoraError } from '../../errors.ts';
import type { StreamBatch, StreamPosition } from './stream.ts';

/** The first wait and the longest, in milliseconds. */
const FIRST_WAIT = 100;
const LONGEST_WAIT = 30_000;

/** The longest time between two empty batches. */
export const TURN = 1000;

/** Tries before a source that was never reached is given up. */
const FIRST_TRIES = 5;

/** Tries before one that was reached is given up, unless the address says otherwise: about five minutes. */
export const RETRIES = 18;

/** A server that cannot serve now, and says when it can. */
export class Unavailable extends Error {
  /** Milliseconds to wait at least; undefined if it did not say. */
  readonly wait: number | undefined;

  constructor(message: string, wait: number | undefined) {
    super(message);
    this.name = 'Unavailable';
    this.wait = wait;
  }
}

/** What is tried again, and how. */
export interface Persistence {
  /** What messages call the source. */
  readonly name: string;
  /** Tries after which it is given up. */
  readonly retries: number;
  /** Reads from a position until the source ends or fails. */
  session(from: StreamPosition | null): AsyncIterable<StreamBatch>;
  /** The error to throw if trying again is no use, else undefined. */
  fatal(error: unknown): SoraError | undefined;
}

/** The batches of sessions, one after the other, until one ends or the signal aborts. Throws `io-failed`. */
export async function* persist(
  source: Persistence,
  from: StreamPosition | null,
  signal: AbortSignal,
): AsyncGenerator<StreamBatch> {
  let position = from;
  let tries = 0;
  let most = Math.min(FIRST_TRIES, source.retries);
  while (!signal.aborted) {
    let failure: unknown;
    try {
      for await (const batch of source.session(position)) {
        if (signal.aborted) return;
        tries = 0;
        most = source.retries;
        position = batch.position;
        yield batch;
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      const fatal = error instanceof SoraError ? error : source.fatal(error);
      if (fatal !== undefined) throw fatal;
      failure = error;
    }
    if (++tries > most) throw givenUp(source.name, tries, failure);
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (tries - 1));
    const asked = failure instanceof Unavailable ? (failure.wait ?? 0) : 0;
    const away = tries > 1 || asked > TURN ? reasonOf(failure) : undefined;
    yield* idle(position, Math.max(wait, asked), signal, away);
  }
}

function givenUp(name: string, tries: number, cause: unknown): SoraError {
  return new SoraError(
    'io-failed',
    `${name}: not reached in ${tries} tries: ${reasonOf(cause)}. Look whether the server runs and can be reached from here; what was taken is safe, and the stream goes on from there.`,
    { cause, details: { tries } },
  );
}

/** What an error says, in a line; connections to several addresses say it in their parts. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  const inner = error.cause instanceof Error && error.name === 'TypeError' ? error.cause : undefined;
  if (inner !== undefined) return reasonOf(inner);
  const [line] = error.message.split('\n');
  return line.trim() || ((error as NodeJS.ErrnoException).code ?? error.name);
}

/** Waits for so long, with an empty batch each second at least; `away` says why, where the server is. */
export async function* idle(
  position: StreamPosition | null,
  milliseconds: number,
  signal: AbortSignal,
  away?: string,
): AsyncGenerator<StreamBatch> {
  let left = milliseconds;
  do {
    yield { rows: [], position, ...(away === undefined ? {} : { away }) };
    await pause(Math.min(left, TURN), signal);
    left -= TURN;
  } while (left > 0 && !signal.aborted);
}

/** Waits; ends early, without an error, when the signal aborts. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch((error) => {
    if (!signal.aborted) throw error;
  });
}

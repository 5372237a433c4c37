/**
 * A connection to PostgreSQL through the client `pg`, which is loaded when the first one is made; and which of its
 * errors mean that trying again is of no use.
 */
import type { Client } from 'pg';
import { type ErrorCode, SoraError } from '../../errors.ts';
import { reasonOf } from './persist.ts';
import { SETTINGS } from './postgres-values.ts';

const CONNECT_MS = 10_000;

/** An open connection; it is cut when the signal aborts. */
export interface Connection {
  readonly client: Client;
  end(): Promise<void>;
}

/** Connects. Rejects with the client's own error. */
export async function connect(connectionString: string, signal: AbortSignal): Promise<Connection> {
  signal.throwIfAborted();
  const { default: pg } = await import('pg');
  const client = new pg.Client({
    connectionString,
    application_name: 'sora',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    types: { getTypeParser: () => (text: string) => text } as never,
  });
  // What breaks between two statements is told by the next one.
  client.on('error', () => {});
  const socket = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  const cut = () => socket.stream.destroy();
  signal.addEventListener('abort', cut, { once: true });
  const end = async () => {
    signal.removeEventListener('abort', cut);
    await client.end().catch(() => {});
  };
  try {
    await client.connect();
    await client.query(SETTINGS);
  } catch (error) {
    await end();
    throw error;
  }
  return { client, end };
}

/** Classes of SQLSTATE that pass: connections, rollbacks, resources, operators at work, broken systems. */
const PASSING = /^(?:08|40|53|55P03|57P|58|XX)/;

const CODES: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [/^28/, 'bad-option', 'Check user and password of the address (or PGPASSWORD, ~/.pgpass).'],
  [/^3D000/, 'not-found', 'Check the name of the database in the address.'],
  [/^42501/, 'bad-option', 'Let the user read it: grant select on … to ….'],
  [/^42P01|^42703|^3F000/, 'not-found', 'Check the names in the query.'],
  [
    /^42|^0A|^25/,
    'bad-option',
    'Check the query, which may only read, and the cursor, which must have an order.',
  ],
  [/^22/, 'bad-input', 'Leave the row out in the query, or mend it.'],
  [/^/, 'io-failed', 'See what the log of the server says.'],
];

/** The error to throw for one of the client if trying again is no use, else undefined. */
export function fatalOf(error: unknown, name: string): SoraError | undefined {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  if (severity === undefined) {
    // The client's own: no password where one is asked for, no encryption where it is demanded.
    if (!(error instanceof Error) || !/SASL|password|SSL|certificate/i.test(error.message)) return undefined;
    return new SoraError(
      'bad-option',
      `${name}: ${reasonOf(error)}. Check user, password and sslmode of the address.`,
      {
        cause: error,
      },
    );
  }
  const state = String(code);
  if (PASSING.test(state)) return undefined;
  const [, kind, remedy] = CODES.find(([pattern]) => pattern.test(state))!;
  return new SoraError(kind, `${name}: PostgreSQL says: ${reasonOf(error)} (${state}). ${remedy}`, {
    cause: error,
    details: { sqlstate: state },
  });
}

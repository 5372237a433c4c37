/**
 * A connection to Redis through the client `ioredis`, which is loaded when the first one is made; and which of its
 * errors mean that trying again is of no use. Connecting again is up to the stream, so the client does not.
 */
import type { Redis } from 'ioredis';
import { type ErrorCode, SoraError } from '../../errors.ts';
import { reasonOf } from './persist.ts';

const CONNECT_MS = 10_000;

/** Where a server is, and who asks. */
export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly encrypted: boolean;
}

/** A connection that is cut when the signal aborts. */
export interface RedisConnection {
  readonly redis: Redis;
  end(): void;
}

/** Connects. Rejects with what the server said, or with the client's own error. */
export async function connectRedis(place: RedisPlace, signal: AbortSignal): Promise<RedisConnection> {
  signal.throwIfAborted();
  const { Redis } = await import('ioredis');
  const { encrypted, db, ...where } = place;
  const redis = new Redis({
    ...where,
    ...(encrypted ? { tls: {} } : {}),
    protocol: 2,
    lazyConnect: true,
    connectTimeout: CONNECT_MS,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  });
  let said: unknown;
  redis.on('error', (error) => {
    said ??= error;
  });
  const end = () => {
    signal.removeEventListener('abort', end);
    redis.disconnect();
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    await redis.connect();
    // Asked for by itself: the client goes on with database 0 if its own choice is refused.
    if (db !== 0) await redis.select(db);
  } catch (error) {
    end();
    throw said ?? error;
  }
  return { redis, end };
}

/** Answers that pass: the server loads its data, changes its role, or is busy with a script. */
const PASSING = /^(?:LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|UNBLOCKED|UNKILLABLE)\b/;

const ANSWERS: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [
    /^(?:WRONGPASS|NOAUTH|ERR AUTH|ERR invalid password)/,
    'bad-option',
    'Check user and password of the address.',
  ],
  [/^NOPERM/, 'bad-option', 'Let the user run it: acl setuser … ~stream +xread +xinfo +multi +exec +xtrim.'],
  [/^WRONGTYPE/, 'unsupported-format', 'The key is no stream: give the name of one, which XADD writes.'],
  [
    /^MOVED/,
    'bad-option',
    'The server is part of a cluster: give the address of the node that has this stream.',
  ],
  [/^ERR (?:DB index|invalid DB)/, 'bad-option', 'Check the number of the database in the address.'],
  [/^/, 'io-failed', 'Streams need Redis 5 or later; what is lost is found with 7 or later.'],
];

/** The error to throw for one of the server's answers if trying again is no use, else undefined. */
export function fatalAnswer(error: unknown, name: string): SoraError | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError' || PASSING.test(error.message))
    return undefined;
  const [, code, remedy] = ANSWERS.find(([pattern]) => pattern.test(error.message))!;
  // The client puts the command, with its arguments, beside the error; that of AUTH has the password.
  return new SoraError(code, `${name}: Redis says: ${reasonOf(error)}. ${remedy}`);
}

/**
 * DuckDB, embedded: one in-memory database for one job, streaming results as raw vectors.
 * Knows nothing of columns' meaning. Row order is that of the source: streams run on one thread, because on more DuckDB
 * 1.5 may give chunks in the order in which they are done, whatever `preserve_insertion_order` says. Time zones are UTC;
 * no extension is ever installed or loaded from outside.
 */
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type DuckDBConnection,
  DuckDBInstance,
  type DuckDBResult,
  type DuckDBType,
  type Json as DuckJson,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { SoraError, throwIfAborted } from '../errors.ts';

export interface DatabaseOptions {
  /** Memory that DuckDB may use before it spills to disk, in bytes; default 512 MiB. */
  readonly memoryBytes?: number;
}

/** Kind of a result that failed (`DUCKDB_RESULT_TYPE_INVALID`). */
const FAILED = 0;

/** Bytes of finished chunks that DuckDB keeps ready ahead of the consumer. */
const AHEAD_BYTES = 4 * 1024 * 1024;

const DEFAULT_MEMORY = 512 * 1024 * 1024;

/** One chunk of a result: its vectors by position, valid until the next chunk is asked for. */
export interface RawChunk {
  readonly rows: number;
  vector(index: number): duckdb.Vector;
}

/** A value of a result as plain JSON: numbers beyond 2^53 and dates are strings. */
export type Row = Readonly<Record<string, DuckJson>>;

/** An open database. Queries run one at a time. */
export class Database {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  #current: unknown;

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance;
    this.#connection = connection;
  }

  static async open(options: DatabaseOptions = {}): Promise<Database> {
    const { memoryBytes = DEFAULT_MEMORY } = options;
    const instance = await DuckDBInstance.create(':memory:', {
      threads: '1',
      memory_limit: `${Math.max(64, Math.floor(memoryBytes / 1e6))}MB`,
      temp_directory: join(tmpdir(), `sora-duckdb-${process.pid}`),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    const connection = await instance.connect();
    await connection.run(
      `SET TimeZone = 'UTC'; SET streaming_buffer_size = '${AHEAD_BYTES} bytes'; SET enable_progress_bar = true; SET enable_progress_bar_print = false; SET progress_bar_time = 0`,
    );
    return new Database(instance, connection);
  }

  /** Names and types of a query's columns, without running it. */
  async columns(sql: string, signal?: AbortSignal): Promise<readonly { name: string; type: DuckDBType }[]> {
    return this.#interruptible(signal, async () => {
      const result = await this.#connection.run(`SELECT * FROM (${sql}) LIMIT 0`);
      return result.columnNames().map((name, index) => ({ name, type: result.columnType(index) }));
    });
  }

  /** All rows of a small result. */
  async rows(sql: string, signal?: AbortSignal): Promise<readonly Row[]> {
    return this.#interruptible(signal, async () => {
      const reader = await this.#connection.runAndReadAll(sql);
      return reader.getRowObjectsJson();
    });
  }

  /** Runs a statement that gives no rows on every core. */
  async runParallel(sql: string, signal?: AbortSignal): Promise<void> {
    await this.run(`SET threads = ${availableParallelism()}`);
    try {
      await this.run(sql, signal);
    } finally {
      await this.run('SET threads = 1');
    }
  }

  /** Runs statements for their effect. */
  async run(sql: string, signal?: AbortSignal): Promise<void> {
    await this.#interruptible(signal, () => this.#connection.run(sql));
  }

  /**
   * Streams a result; aborting interrupts the query at once. Rejects with DuckDB's own error, or `cancelled`.
   * A stream that is left early is stopped, so that the next query finds the connection at rest.
   */
  async *stream(sql: string, signal?: AbortSignal): AsyncGenerator<RawChunk> {
    const result = await this.#interruptible(signal, () => this.#connection.stream(sql));
    let ended = false;
    const fetch = () => {
      const fetched = this.#interruptible(signal, () => result.fetchChunk());
      // What goes wrong is seen when the chunk is waited for, or never.
      fetched.catch(() => {});
      return fetched;
    };
    let next = fetch();
    try {
      while (true) {
        const chunk = await next;
        // The one after it is parsed while this one is used.
        if (chunk !== null && chunk.rowCount > 0) next = fetch();
        // Strings of a chunk are addresses into it: it must not be collected before the next is asked for.
        this.#current = chunk;
        if (chunk === null || chunk.rowCount === 0) {
          ended = true;
          throwIfAborted(signal);
          // A stream that fails ends like one that is done; only the kind of the result tells.
          if (result.returnType === FAILED) throw new QueryFailure(sql);
          return;
        }
        const { chunk: raw, rowCount: rows } = chunk;
        yield { rows, vector: (index) => duckdb.data_chunk_get_vector(raw, index) };
      }
    } finally {
      if (this.#current !== undefined) this.#current = undefined;
      if (!ended) await this.#stop(result, next);
    }
  }

  async #stop(result: DuckDBResult, fetching: Promise<unknown>): Promise<void> {
    this.#connection.interrupt();
    try {
      await fetching;
      while (((await result.fetchChunk())?.rowCount ?? 0) > 0);
    } catch {
      // Interrupted, as it should be.
    }
  }

  /** The error behind a failure: for a stream that broke off, by running its query again for nothing but that. */
  async reason(failure: unknown, signal?: AbortSignal): Promise<unknown> {
    if (!(failure instanceof QueryFailure)) return failure;
    try {
      await this.run(`SELECT count(COLUMNS(*)) FROM (${failure.sql})`, signal);
    } catch (error) {
      return error;
    }
    return failure;
  }

  /** Share of the running query that is done, from 0 to 1, where DuckDB knows it; else undefined. */
  progress(): number | undefined {
    const { percentage } = this.#connection.progress;
    return percentage >= 0 ? percentage / 100 : undefined;
  }

  close(): void {
    this.#connection.closeSync();
    this.#instance.closeSync();
  }

  async #interruptible<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    throwIfAborted(signal);
    const interrupt = () => this.#connection.interrupt();
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      return await work();
    } catch (error) {
      throwIfAborted(signal);
      throw error;
    } finally {
      signal?.removeEventListener('abort', interrupt);
    }
  }
}

/** A string as a SQL literal. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A name as a SQL identifier. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A path as a SQL literal that names this file alone, whatever glob characters are in its name. */
export function pathLiteral(path: string): string {
  return literal(path.replace(/[*?[]/g, '[$&]'));
}

/** A stream that broke off. DuckDB does not tell the reason then; {@link Database.reason} finds it. */
export class QueryFailure extends Error {
  readonly sql: string;

  constructor(sql: string) {
    super('The query failed after its first rows.');
    this.name = 'QueryFailure';
    this.sql = sql;
  }
}

/** First line of DuckDB's message, without its advice on DuckDB's own options. */
export function duckMessage(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n')[0].trim();
}

/** The error to throw for a query of `what` that DuckDB refused or broke off. */
export async function duckError(
  what: string,
  error: unknown,
  database: Database,
  signal?: AbortSignal,
): Promise<unknown> {
  if (error instanceof SoraError) return error;
  const cause = await database.reason(error, signal);
  if (cause instanceof SoraError) return cause;
  return new SoraError('bad-input', `${what}: ${duckMessage(cause)}`, { cause });
}

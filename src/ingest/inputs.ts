/**
 * What people give as input, as a list of sources: files (of folders and globs too), queries, rows.
 * Byte streams are spooled to a temporary file, so that they can be sampled and read like any other file.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import glob from 'fast-glob';
import { SoraError, throwIfAborted } from '../errors.ts';
import type { Database } from './duckdb.ts';
import { type Compression, compressionOf, DATA_EXTENSIONS, type Format, formatOf } from './format.ts';
import { head, rawHead } from './head.ts';
import { suggestion } from './names.ts';
import { temporaryFolder } from './temporary.ts';

/** One row as an object: values by column name. */
export type RowObject = Readonly<Record<string, unknown>>;

/** A stream of bytes or of rows: Node's or the web's. */
export type InputStream = NodeJS.ReadableStream | ReadableStream<unknown>;

/**
 * What can be read: a path, glob, folder, `-` (standard input) or `sql:` query, or several; rows as objects, in an
 * array or an (async) iterable; a stream of bytes or of objects.
 */
export type TableInputs =
  | string
  | readonly string[]
  | Iterable<RowObject>
  | AsyncIterable<RowObject>
  | InputStream;

export interface FileSource {
  readonly kind: 'file';
  readonly path: string;
  /** As the user knows it. */
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970; undefined for what was spooled. */
  readonly modified: number | undefined;
  readonly format: Format;
  readonly compression: Compression;
}

export interface QuerySource {
  readonly kind: 'query';
  readonly name: string;
  readonly sql: string;
}

export interface RowsSource {
  readonly kind: 'rows';
  readonly name: string;
  readonly rows: Iterable<unknown> | AsyncIterable<unknown>;
}

export type Source = FileSource | QuerySource | RowsSource;

export interface Resolved {
  readonly sources: readonly Source[];
  /** Temporary folders to remove afterwards. */
  readonly folders: readonly string[];
}

export interface ResolveOptions {
  readonly sql?: string;
  readonly format?: Format;
  readonly signal?: AbortSignal;
}

const SNIFF_BYTES = 1 << 16;

/** The sources, in order. Throws `not-found`, `unsupported-format`, `bad-option`. */
export async function resolveInputs(
  inputs: TableInputs | undefined,
  options: ResolveOptions,
  database: Database,
): Promise<Resolved> {
  const { sql } = options;
  if (sql !== undefined) return { sources: [query(sql)], folders: [] };
  const list = pathsOf(inputs);
  if (list === undefined) return resolveStream(inputs as Exclude<TableInputs, string>, options, database);
  if (list.length === 0) {
    throw new SoraError(
      'bad-option',
      'Nothing to read: give a file, a folder, a glob, - for standard input, or an SQL query.',
    );
  }
  const sources: Source[] = [];
  const folders: string[] = [];
  for (const input of list) {
    throwIfAborted(options.signal);
    if (input === '-') {
      const spooled = await spool(process.stdin, 'standard input', options, database);
      folders.push(spooled.folder);
      sources.push(spooled.source);
    } else if (await isPipe(input)) {
      const spooled = await spool(createReadStream(input), input, options, database);
      folders.push(spooled.folder);
      sources.push(spooled.source);
    } else if (input.startsWith('sql:')) sources.push(query(input.slice(4)));
    else
      for (const path of await expand(input)) sources.push(await fileSource(path, path, options, database));
  }
  return { sources, folders };
}

function query(sql: string): QuerySource {
  const text = sql.trim().replace(/;\s*$/, '');
  if (text === '') throw new SoraError('bad-option', 'The SQL query is empty.');
  return { kind: 'query', name: text, sql: text };
}

/** Paths, if the inputs are paths. */
function pathsOf(inputs: TableInputs | undefined): readonly string[] | undefined {
  if (inputs === undefined) return [];
  if (typeof inputs === 'string') return [inputs];
  if (!Array.isArray(inputs)) return undefined;
  return inputs.every((input) => typeof input === 'string') ? inputs : undefined;
}

/** A file that an input stands for. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

/** The files of a path, folder or glob; undefined for what is none: `-`, a pipe, a query. Throws `not-found`. */
export async function inputFiles(input: unknown): Promise<NamedFile[] | undefined> {
  if (typeof input !== 'string' || input === '-' || input.startsWith('sql:') || (await isPipe(input)))
    return undefined;
  const names = await expand(input);
  return Promise.all(
    names.map(async (name) => {
      const { size, mtimeMs } = await stat(name);
      return { name, bytes: size, modified: mtimeMs };
    }),
  );
}

/** Whether a path is a pipe or device, which can be read only once. */
async function isPipe(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/** Files of a path, a folder or a glob, in the order of their names. */
async function expand(input: string): Promise<string[]> {
  const found = await stat(input).catch(() => undefined);
  if (found?.isFile()) return [input];
  if (found?.isDirectory()) {
    const names = await glob('**/*', { cwd: input, onlyFiles: true, ignore: ['**/_*', '**/.*'] });
    const own = await ownFolders(input, names);
    const data = names.filter((name) => isDataName(name) && !own.some((folder) => name.startsWith(folder)));
    data.sort();
    if (data.length > 0) return data.map((name) => join(input, name));
    throw new SoraError(
      'not-found',
      `${input}: there is no data file in this folder. Looked for ${DATA_EXTENSIONS.join(' ')} (also with .gz or .zst); give other files by name.`,
      { details: { path: input } },
    );
  }
  if (/[*?[\]{}]/.test(input)) {
    const names = (await glob(input.replaceAll('\\', '/'), { onlyFiles: true })).sort();
    if (names.length > 0) return names;
    throw new SoraError('not-found', `${input}: no file matches.`, { details: { path: input } });
  }
  const siblings = await readdir(dirname(input)).catch(() => []);
  const hint = siblings.length > 0 ? ` ${suggestion(basename(input), siblings)}` : '';
  throw new SoraError('not-found', `${input}: no such file or folder.${hint}`, { details: { path: input } });
}

/** Files by which a folder is known to be a store or a model, and what they say. */
const OWN = [
  ['store.json', '"sora-store"'],
  ['model.json', '"sora-model"'],
] as const;

/** Prefixes of the names that lie in stores and models below a folder: those are not its data. */
async function ownFolders(folder: string, names: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const name of names) {
    const own = OWN.find(([file]) => basename(name) === file);
    if (own === undefined) continue;
    const start = (await rawHead(join(folder, name), SNIFF_BYTES)).toString();
    if (start.includes(own[1])) found.push(name.slice(0, name.length - own[0].length));
  }
  return found;
}

function isDataName(name: string): boolean {
  const plain = name.replace(/\.(?:gz|zst|gzip|zstd)$/i, '').toLowerCase();
  return DATA_EXTENSIONS.some((extension) => plain.endsWith(extension));
}

async function fileSource(
  path: string,
  name: string,
  options: ResolveOptions,
  database: Database,
): Promise<FileSource> {
  let found: Awaited<ReturnType<typeof stat>>;
  let compression: Compression;
  let bytes: Buffer;
  try {
    found = await stat(path);
    compression = compressionOf(await rawHead(path, 16));
    ({ bytes } = await head({ path, name, compression }, SNIFF_BYTES, database));
  } catch (cause) {
    if (cause instanceof SoraError) throw cause;
    throw new SoraError('io-failed', `${name}: cannot be read: ${(cause as Error).message}.`, { cause });
  }
  const format = options.format ?? formatOf(name, bytes);
  return {
    kind: 'file',
    path,
    name,
    bytes: found.size,
    modified: found.mtimeMs,
    format,
    compression,
  };
}

/** Rows or bytes of an iterable or stream: the first item says which. */
async function resolveStream(
  inputs: Exclude<TableInputs, string>,
  options: ResolveOptions,
  database: Database,
): Promise<Resolved> {
  const items = itemsOf(inputs);
  const iterator = items[Symbol.asyncIterator]();
  const first = await iterator.next();
  const rest = startingWith(first, iterator);
  const isBytes = first.value instanceof Uint8Array || typeof first.value === 'string';
  if (!isBytes) return { sources: [{ kind: 'rows', name: 'rows', rows: rest }], folders: [] };
  const { source, folder } = await spool(
    Readable.from(rest, { objectMode: false }),
    'stream',
    options,
    database,
  );
  return { sources: [source], folders: [folder] };
}

/** An iterable of the item that was taken and those that follow; being left, it tells the source, begun or not. */
function startingWith(first: IteratorResult<unknown>, rest: AsyncIterator<unknown>): AsyncIterable<unknown> {
  let taken = false;
  const iterator: AsyncIterator<unknown> = {
    async next() {
      if (taken) return rest.next();
      taken = true;
      return first;
    },
    async return() {
      await rest.return?.();
      return { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

function itemsOf(inputs: Exclude<TableInputs, string>): AsyncIterable<unknown> {
  if (typeof inputs === 'object' && inputs !== null) {
    if (Symbol.asyncIterator in inputs) return inputs as AsyncIterable<unknown>;
    if (Symbol.iterator in inputs) {
      const rows = inputs as Iterable<unknown>;
      return (async function* () {
        yield* rows;
      })();
    }
    if ('getReader' in inputs) return Readable.fromWeb(inputs as never) as AsyncIterable<unknown>;
  }
  throw new SoraError(
    'bad-option',
    'Cannot read this input: give paths, an iterable of objects, or a stream.',
  );
}

async function spool(
  stream: NodeJS.ReadableStream,
  name: string,
  options: ResolveOptions,
  database: Database,
): Promise<{ source: FileSource; folder: string }> {
  const folder = await temporaryFolder();
  const path = join(folder, 'input');
  try {
    await pipeline(stream, createWriteStream(path), { signal: options.signal });
  } catch (cause) {
    throwIfAborted(options.signal);
    throw new SoraError('io-failed', `${name}: cannot be read: ${(cause as Error).message}.`, { cause });
  }
  const source = await fileSource(path, name, options, database);
  return { source: { ...source, modified: undefined }, folder };
}

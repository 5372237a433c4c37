/** Every source that can be followed, told by the shape of its name: the one line that a new source adds. */
import { statSync } from 'node:fs';
import { SoraError } from '../../errors.ts';
import { openFolder } from './folder.ts';
import { openGrowingFile } from './growing-file.ts';
import { openStandardInput } from './standard-input.ts';
import type { RowStream } from './stream.ts';
import { type TextFormat, textFormatOf } from './text-rows.ts';

/** How sources are read. */
export interface StreamOptions {
  /** Format of files; by their names where it is not given. */
  readonly format?: TextFormat;
  readonly delimiter?: string;
}

interface SourceKind {
  /** What people write. */
  readonly shape: string;
  fits(source: string): boolean;
  open(source: string, options: StreamOptions): RowStream | Promise<RowStream>;
}

const isFolder = (source: string) => statSync(source, { throwIfNoEntry: false })?.isDirectory() === true;
const isUrl = (source: string) => /^[a-z][a-z0-9+.-]*:\/\//i.test(source);

function hasScheme(...schemes: readonly string[]): (source: string) => boolean {
  return (source) => schemes.some((scheme) => source.toLowerCase().startsWith(`${scheme}://`));
}

/** The first that fits is taken; sources with a scheme of their own stand before files. */
const SOURCES: readonly SourceKind[] = [
  { shape: '-', fits: (source) => source === '-', open: () => openStandardInput() },
  // Clients of servers are loaded when a server is asked.
  {
    shape: 'postgres://…',
    fits: hasScheme('postgres', 'postgresql'),
    open: async (source) => (await import('./postgres.ts')).postgresStream(source),
  },
  {
    shape: 'redis://…',
    fits: hasScheme('redis', 'rediss'),
    open: async (source) => (await import('./redis.ts')).redisStream(source),
  },
  {
    shape: 'https://…',
    fits: hasScheme('http', 'https'),
    open: async (source) => (await import('./http.ts')).httpStream(source),
  },
  {
    shape: 'a folder',
    fits: isFolder,
    open: (source, text) => openFolder(source, { ...text, name: source }),
  },
  { shape: 'a file', fits: (source) => !isUrl(source), open: openFile },
];

function openFile(source: string, { format, delimiter }: StreamOptions): RowStream {
  const found = format ?? textFormatOf(source);
  if (found !== undefined) return openGrowingFile(source, { name: source, format: found, delimiter });
  throw new SoraError(
    'unsupported-format',
    `${source}: only NDJSON and CSV can be followed, and its name ends like neither. Give --format ndjson or csv.`,
    { details: { source } },
  );
}

/** The stream that a source names. Throws `unsupported-format` where none has that shape; each as its kind does. */
export async function openStream(source: string, options: StreamOptions = {}): Promise<RowStream> {
  const kind = SOURCES.find(({ fits }) => fits(source));
  if (kind !== undefined) return kind.open(source, options);
  throw new SoraError(
    'unsupported-format',
    `Nothing of the shape of ${JSON.stringify(source.replace(/\/\/[^@/]*@/, '//…@'))} can be followed; give one of: ${SOURCES.map(({ shape }) => shape).join(', ')}.`,
  );
}

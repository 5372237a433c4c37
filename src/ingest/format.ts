/**
 * Which format a file is in: by its first bytes where they say it, else by its name, else by what its text looks like.
 * Formats that cannot be read are named, with what to do.
 */
import { extname } from 'node:path';
import { SoraError } from '../errors.ts';

export const FORMATS = ['csv', 'json', 'parquet', 'arrow', 'libsvm', 'vw'] as const;
export type Format = (typeof FORMATS)[number];
export type Compression = 'none' | 'gzip' | 'zstd';

const BY_NAME: Readonly<Record<string, Format>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.tab': 'csv',
  '.psv': 'csv',
  '.json': 'json',
  '.ndjson': 'json',
  '.jsonl': 'json',
  '.parquet': 'parquet',
  '.pq': 'parquet',
  '.arrow': 'arrow',
  '.arrows': 'arrow',
  '.ipc': 'arrow',
  '.feather': 'arrow',
  '.libsvm': 'libsvm',
  '.svm': 'libsvm',
  '.svmlight': 'libsvm',
  '.vw': 'vw',
};

/** Extensions of files that are taken from a folder. */
export const DATA_EXTENSIONS: readonly string[] = [...Object.keys(BY_NAME), '.txt', '.data', '.dat'];

/** First bytes (as Latin-1) of formats that cannot be read, what they are, and the remedy. */
const REFUSED: readonly (readonly [string, string, string])[] = [
  ['PK\x03\x04', 'a ZIP archive or Excel workbook', 'Unpack it, or save the sheet as CSV.'],
  ['SQLite format 3', 'an SQLite database', 'Export the table as CSV.'],
  ['\x89HDF', 'an HDF5 file', 'Write it as Parquet, e.g. with pandas.'],
  ['FEA1', 'a Feather file of version 1', 'Write it as Feather version 2 (Arrow) or Parquet.'],
  ['ORC', 'an ORC file', 'Write it as Parquet.'],
  ['Obj\x01', 'an Avro file', 'Write it as Parquet or NDJSON.'],
  ['RDX', 'an R data file', 'Write it as CSV or Parquet from R.'],
  ['X\n\0\0\0', 'an R data file', 'Write it as CSV or Parquet from R.'],
  ['\x93NUMPY', 'a NumPy array', 'Write it as CSV or Parquet.'],
  ['%PDF', 'a PDF document', 'Give the table as CSV.'],
  ['BZh', 'compressed with bzip2', 'Use gzip or zstd.'],
  ['\xfd7zXZ', 'compressed with xz', 'Use gzip or zstd.'],
  ['\x89PNG', 'an image', 'Images cannot be read as a table.'],
  ['\xff\xd8\xff', 'an image', 'Images cannot be read as a table.'],
];

/** Bytes in which text has no NUL. */
const TEXT_BYTES = 1024;

/** Compression by magic number. */
export function compressionOf(bytes: Buffer): Compression {
  if (bytes.length >= 3 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8) return 'gzip';
  if (bytes.length >= 4 && bytes.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  return 'none';
}

/** Format of a file by its name and its first bytes, decompressed. Throws `unsupported-format`. */
export function formatOf(name: string, head: Buffer): Format {
  const magic = head.toString('latin1', 0, 16);
  if (magic.startsWith('PAR1')) return 'parquet';
  if (magic.startsWith('ARROW1') || magic.startsWith('\xff\xff\xff\xff')) return 'arrow';
  for (const [start, what, remedy] of REFUSED) if (magic.startsWith(start)) throw refused(name, what, remedy);
  const isUtf16 = magic.startsWith('\xff\xfe') || magic.startsWith('\xfe\xff');
  if (!isUtf16 && head.subarray(0, TEXT_BYTES).includes(0)) {
    throw refused(name, 'binary data of no known kind', 'Write it as CSV, NDJSON, Parquet or Arrow.');
  }
  const known = BY_NAME[extname(name.replace(/\.(?:gz|zst|gzip|zstd)$/i, '')).toLowerCase()];
  if (known === 'parquet' || known === 'arrow') {
    if (head.length === 0) throw empty(name);
    throw new SoraError(
      'bad-input',
      `${name}: this is not ${known === 'parquet' ? 'a Parquet' : 'an Arrow'} file, whatever its name says. Rename it, or give its format.`,
    );
  }
  return known ?? formatOfText(head.toString('utf8'));
}

function refused(name: string, what: string, remedy: string): SoraError {
  return new SoraError('unsupported-format', `${name}: this is ${what}, which cannot be read. ${remedy}`, {
    details: { file: name },
  });
}

function empty(name: string): SoraError {
  return new SoraError('bad-data', `${name}: the file is empty.`, { details: { file: name } });
}

/** A line of libsvm: label, perhaps a query id, then pairs. */
const LIBSVM = /^[+-]?[\d.][\d.eE+-]*(?:,[\d.]+)*(?:\s+qid:\d+)?(?:\s+\d+:[+-]?[\d.][\d.eE+-]*)*\s*(?:#.*)?$/;

/** A line of Vowpal Wabbit: numbers, perhaps a tag, then namespaces behind bars. */
const VW = /^(?:[+-]?[\d.][\d.eE+-]*\s+){0,3}(?:'\S*)?\|\S*(?:\s|$)/;
/** What a delimited file with bars has not: a name behind a bar with words after it, and a feature with its value. */
const VW_FEATURES = /\|[A-Za-z]\S*(?:\s+[^\s|]+)+|\s[^\s|:]+:[+-]?[\d.]/;

function formatOfText(head: string): Format {
  const text = head.replace(/^\ufeff/, '').trimStart();
  if (/^(?:\{\s*"|\{\s*\}|\[\s*[{\]])/.test(text)) return 'json';
  const lines = text.split(/\r\n|\r|\n/, 200).filter((line) => line.trim() !== '');
  if (lines.length > 1) lines.pop();
  const isLibsvm =
    lines.some((line) => line.includes(':')) && lines.every((line) => LIBSVM.test(line.trimEnd()));
  if (isLibsvm) return 'libsvm';
  const isVw = lines.length > 0 && lines.every((line) => VW.test(line) && VW_FEATURES.test(line));
  return isVw ? 'vw' : 'csv';
}

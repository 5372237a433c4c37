/**
 * Delimited text. The beginning is looked at in TypeScript (dialect, names, types); DuckDB then parses the file with
 * everything told, so nothing is guessed twice. Numbers are parsed as doubles, so a column of integers may turn
 * fractional after the sample; one that turns to text is a bad row.
 */
import { SoraError } from '../errors.ts';
import type { Chunk } from './chunk.ts';
import { explainFailure, type FileMisfit, leftOutRows, MisfitFound } from './csv-errors.ts';
import type { CsvFile } from './csv-file.ts';
import { csvQuery } from './csv-query.ts';
import { detectDialect } from './dialect.ts';
import { guessTexts } from './guess.ts';
import { head } from './head.ts';
import type { FileSource } from './inputs.ts';
import { fittingRows, misfitsOf } from './misfits.ts';
import { MISSING_MARKERS } from './missing.ts';
import { normalisedCopy, textEncoding } from './normalise.ts';
import { plainText, SMALLEST_BYTES } from './plain-csv.ts';
import type { OpenSource, ReadContext, ReadPlan } from './reader.ts';
import type { GuessedColumn } from './schema.ts';
import { type ShareOf, shareOf } from './share.ts';
import { chunkOf } from './vectors.ts';

/** Bytes of the beginning that are looked at. */
const HEAD_BYTES = 2 << 20;

/** Most columns of delimited text: a vector of each has to fit into the memory that DuckDB is given. */
const MOST_COLUMNS = 10_000;

/** Opens a delimited file. */
export async function openCsv(source: FileSource, context: ReadContext): Promise<OpenSource> {
  const { bytes, complete } = await head(source, HEAD_BYTES, context.database);
  const { csv, notes } = inspect(source, bytes, complete, context);
  const columns = csv.text.names.map((name, index): GuessedColumn => ({ name, guess: csv.guesses[index] }));
  const positional = !csv.text.header && context.options.names === undefined;
  const share = await shareOf(source, csv.rowBytes, context.database);
  return {
    columns,
    notes,
    positional,
    read: (plan) => readCsv(csv, plan, share, context),
    plain: (fields, missing) => (source.bytes < SMALLEST_BYTES ? undefined : plainText(csv, fields, missing)),
  };
}

/** What the beginning says. Keeps nothing of it: a name cut out of it would hold all of it in memory. */
function inspect(
  source: FileSource,
  bytes: Buffer,
  complete: boolean,
  context: ReadContext,
): { csv: CsvFile; notes: string[] } {
  const { options } = context;
  const { encoding, text: start, notes } = textEncoding(bytes, complete, options.encoding);
  if (start.trim() === '') {
    throw new SoraError('bad-data', `${source.name}: the file is empty.`, { details: { file: source.name } });
  }
  const { sample, ...text } = detectDialect(start, complete, options.sample, dialectOptions(context));
  if (text.names.length > MOST_COLUMNS) throw tooWide(source.name, text.names.length);
  const markers = options.missing ?? MISSING_MARKERS;
  const names = text.names.map(ownCopy);
  const guesses = names.map((_, column) => {
    const values = sample.map((row) => row[column] ?? null);
    const { markers: extra, ...guess } = guessTexts(values, markers);
    return { ...guess, markers: extra?.map(ownCopy) };
  });
  const rowBytes = meanBytes(sample);
  const { quote } = text.dialect;
  const quoted = quote !== '' && start.includes(quote);
  const csv: CsvFile = {
    file: source,
    text: { ...text, names },
    encoding,
    quoted,
    guesses,
    markers,
    rowBytes,
  };
  return { csv, notes: [...notes, ...text.notes].map(ownCopy) };
}

function meanBytes(rows: readonly (readonly string[])[]): number {
  let bytes = 0;
  for (const row of rows) for (const field of row) bytes += field.length + 1;
  return bytes / Math.max(1, rows.length);
}

function tooWide(name: string, columns: number): SoraError {
  return new SoraError(
    'bad-data',
    `${name}: it has ${columns.toLocaleString('en-US')} columns; delimited text may have ${MOST_COLUMNS.toLocaleString('en-US')}. Leave some out, or write the rows as libsvm (label index:value …), which has no such limit.`,
    { details: { file: name, columns, limit: MOST_COLUMNS } },
  );
}

/** The same string in memory of its own. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le');
}

function dialectOptions({ options, fields }: ReadContext) {
  const { delimiter, quote, header, names } = options;
  return {
    delimiter: delimiter === '\\t' ? '\t' : delimiter,
    quote,
    header,
    names,
    known: fields?.map((field) => field.name),
  };
}

async function* readCsv(
  csv: CsvFile,
  plan: ReadPlan,
  share: ShareOf,
  context: ReadContext,
): AsyncGenerator<Chunk> {
  if (csv.text.newline === 'mixed' || csv.encoding === 'utf-16') {
    const copy = await normalisedCopy(csv, context.database, context.signal);
    try {
      yield* parse({ ...csv, file: copy.file, encoding: 'utf-8' }, plan, share, context);
    } finally {
      await copy.remove();
    }
  } else yield* parse(csv, plan, share, context);
}

let scans = 0;

async function* parse(
  csv: CsvFile,
  plan: ReadPlan,
  share: ShareOf,
  context: ReadContext,
): AsyncGenerator<Chunk> {
  const { database, signal } = context;
  const rejects = plan.badRows.policy === 'fail' ? undefined : `rejects${++scans}`;
  const { sql, layout, checks } = csvQuery(csv, plan.fields, rejects);
  const misfits: FileMisfit[] = [];
  let rows = 0;
  try {
    for await (const raw of database.stream(sql, signal)) {
      const found = misfitsOf(raw, checks, plan.fields);
      if (found.length > 0 && rejects === undefined) throw new MisfitFound(found[0], rows + found[0].row);
      yield* fittingRows(chunkOf(raw, layout), found, (misfit) => {
        misfits.push({ ...misfit, record: rows + misfit.row });
      });
      if (misfits.length > MOST_MISFITS) throw tooManyMisfits(csv, misfits[0]);
      rows += raw.rows;
      plan.onShare?.(share(rows));
    }
  } catch (error) {
    if (error instanceof SoraError) throw error;
    throw await explainFailure(
      csv,
      plan.fields,
      error instanceof MisfitFound ? error.record : rows,
      error,
      context,
    );
  }
  if (rejects === undefined) return;
  for await (const row of leftOutRows(csv, plan.fields, rejects, misfits, context)) plan.badRows.add(row);
}

/** Times that are none are kept until the file is read; so many of them mean that the column holds no times. */
const MOST_MISFITS = 1_000_000;

function tooManyMisfits(csv: CsvFile, { field, value }: FileMisfit): SoraError {
  return new SoraError(
    'bad-input',
    `${csv.file.name}: column "${field.name}" has more than ${MOST_MISFITS.toLocaleString('en-US')} values that are no ${field.type}, such as ${JSON.stringify(value)}. Read it as it is: --types ${field.name}=category.`,
    { details: { file: csv.file.name, column: field.name, value } },
  );
}

/**
 * Which delimited files are plain text: local, not packed, UTF-8, one kind of line end, no quotes as far as the
 * beginning tells, columns of numbers, strings and booleans only. All others are DuckDB's.
 */
import type { LineColumnKind } from '../kernel/csv.ts';
import type { CsvFile } from './csv-file.ts';
import { nullStrings } from './csv-query.ts';
import type { PlainText } from './plain-text.ts';
import type { PlannedField } from './reader.ts';

/** Smaller files are read by DuckDB: there is nothing to gain. */
export const SMALLEST_BYTES = 1 << 20;
const MOST_COLUMNS = 2000;
const LONGEST_MARKER = 80;
const DELIMITERS = [',', ';', '\t', '|'];
const KINDS: Partial<Record<string, LineColumnKind>> = {
  number: 'number',
  category: 'string',
  text: 'string',
  boolean: 'string',
};

/** The file as plain text, if its beginning does not say otherwise. */
export function plainText(
  csv: CsvFile,
  fields: readonly PlannedField[],
  missing: PlainText['missing'],
): PlainText | undefined {
  const { text, file } = csv;
  const { dialect, newline } = text;
  const width = text.names.length;
  const kinds = new Map(fields.map(({ field, column }) => [column, KINDS[field.type]]));
  const nulls = nullStrings(csv);
  const plain =
    file.compression === 'none' &&
    csv.encoding === 'utf-8' &&
    !csv.quoted &&
    text.skip === 0 &&
    width >= 2 &&
    width <= MOST_COLUMNS &&
    DELIMITERS.includes(dialect.delimiter) &&
    /^[!-~]?$/.test(dialect.quote) &&
    (dialect.escape === '' || dialect.escape === dialect.quote) &&
    kinds.size === fields.length &&
    fields.every(
      ({ field, column }) => column >= 0 && kinds.get(column) !== undefined && field.role !== 'group',
    ) &&
    nulls.every((text) => text.length <= LONGEST_MARKER);
  if (!plain || newline === 'mixed') return undefined;
  const columns = Array.from({ length: width }, (_, column) => kinds.get(column) ?? 'skip');
  return {
    path: file.path,
    name: file.name,
    form: { delimiter: dialect.delimiter, quote: dialect.quote, newline, columns, markers: nulls },
    header: text.header,
    columns: fields.map(({ column }) => column),
    missing,
  };
}

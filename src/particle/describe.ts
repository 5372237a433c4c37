/**
 * A particle as a readable table: what it is, its columns with their statistics, and its first rows.
 */
import { type Column, isPresent } from './column.ts';
import { hashParticle } from './hash.ts';
import type { Particle } from './particle.ts';
import { columnStatistics } from './statistics.ts';

/** Rows of values shown. */
const SHOWN_ROWS = 5;
/** Most characters of one value. */
const SHOWN_WIDTH = 24;

/** A table of the columns with counts and statistics, and the first five values of each. */
export function describeParticle(particle: Particle): string {
  const { schema, rows, columns } = particle;
  const head = `Particle ${hashParticle(particle).slice(0, 12)}: ${count(rows, 'row')}, ${count(columns.length, 'column')}`;
  const title = ['column', 'type', 'role', 'missing', 'min', 'max', 'mean', 'values'];
  const body = schema.fields.map((field, index) => {
    const column = columns[index];
    const { missing, min, max, mean } = columnStatistics(column, rows);
    const show = column.type === 'timestamp' ? showTime : showNumber;
    return [
      field.name,
      field.type,
      field.role,
      String(missing),
      ...[min, max, mean].map((value) => (value === undefined ? '' : show(value))),
      firstValues(column, rows),
    ];
  });
  return [head, ...align([title, ...body])].join('\n');
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}

/** Lines with columns padded to one width, two spaces between them. */
function align(table: readonly (readonly string[])[]): string[] {
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  return table.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
}

function firstValues(column: Column, rows: number): string {
  const shown = Math.min(rows, SHOWN_ROWS);
  const values = Array.from({ length: shown }, (_, row) =>
    isPresent(column.validity, row) ? shorten(showValue(column, row)) : 'missing',
  );
  return values.join(', ') + (rows > shown ? ', …' : '');
}

/** On one line, without what a terminal would obey. */
function shorten(text: string): string {
  const line = text.slice(0, 2 * SHOWN_WIDTH).replace(/[\s\p{Cc}]+/gu, ' ');
  return line.length > SHOWN_WIDTH ? `${line.slice(0, SHOWN_WIDTH - 1)}…` : line;
}

function showValue(column: Column, row: number): string {
  switch (column.type) {
    case 'number':
      return showNumber(column.values[row]);
    case 'boolean':
      return String(column.values[row] !== 0);
    case 'category':
      return column.dictionary[column.codes[row]];
    case 'text':
      return JSON.stringify(column.values[row]);
    case 'timestamp':
      return showTime(column.values[row]);
    case 'binary':
      return `${column.values[row].length} bytes`;
    case 'sparse':
      return `${column.starts[row + 1] - column.starts[row]} of ${column.width}`;
  }
}

/** At most six significant digits. */
function showNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** ISO 8601 where `Date` reaches, else milliseconds. */
function showTime(milliseconds: number): string {
  return Math.abs(milliseconds) <= 8.64e15 ? new Date(milliseconds).toISOString() : `${milliseconds} ms`;
}

/**
 * NDJSON on standard input. A pipe cannot be read twice, so a position is the number of rows taken: after a restart
 * the sender sends from the start, and rows that were taken before are skipped.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { parsePosition } from './position.ts';
import type { RowStream, StreamBatch, StreamPosition } from './stream.ts';
import { checkLength, parseNdjson } from './text-rows.ts';
import { POLL, within } from './wait.ts';

const positionShape = z.strictObject({ rows: z.int().nonnegative() });

/** Rows of a stream of bytes, by default standard input. */
export function openStandardInput(bytes: AsyncIterable<Buffer> = process.stdin): RowStream {
  const name = 'standard input';
  return {
    name,
    read: (from, signal) => readRows(name, bytes, rowsOf(name, from), signal),
    close: async () => {
      if (bytes === process.stdin) process.stdin.destroy();
    },
  };
}

function rowsOf(name: string, from: StreamPosition | null): number {
  return parsePosition(positionShape, from, name, 'number of rows')?.rows ?? 0;
}

async function* readRows(
  name: string,
  bytes: AsyncIterable<Buffer>,
  skip: number,
  signal: AbortSignal,
): AsyncGenerator<StreamBatch> {
  const pieces = bytes[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let taken = 0;
  let next = pieces.next();
  while (!signal.aborted) {
    const result = await within(next, POLL, signal);
    if (result === undefined) {
      if (taken >= skip) yield { rows: [], position: { rows: taken } };
      continue;
    }
    const last = result.done === true;
    const piece = last ? rest : rest.length === 0 ? result.value : Buffer.concat([rest, result.value]);
    const { rows, used } = parseNdjson(piece, last);
    rest = piece.subarray(used);
    checkLength(rest.length, name, `row ${taken + rows.length + 1}`);
    const known = Math.min(rows.length, Math.max(0, skip - taken));
    taken += rows.length;
    if (rows.length > known) yield { rows: rows.slice(known), position: { rows: taken } };
    if (last) break;
    next = pieces.next();
  }
  if (!signal.aborted && taken < skip) throw tooShort(name, taken, skip);
}

function tooShort(name: string, taken: number, skip: number): SoraError {
  return new SoraError(
    'bad-input',
    `${name} ended after ${taken} rows, and ${skip} had been taken before: send the stream from its start again.`,
    { details: { taken, skip } },
  );
}

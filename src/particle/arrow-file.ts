/**
 * The structure of an Arrow IPC file as far as particles use it: metadata, types, batches and their buffers.
 * Written by flechette (bytes.ts); read here, because a reader of stored bytes must survive any bytes, and the
 * general readers trust the counts they find. Tables are those of Arrow's Schema.fbs, Message.fbs and File.fbs.
 */
import { SoraError } from '../errors.ts';
import { decompress } from './codec.ts';
import {
  type FlatTable,
  int64,
  numberField,
  stringField,
  tableBehind,
  tableField,
  vectorField,
} from './flatbuffer.ts';

/** Most bytes of a particle's decompressed buffers; larger particles are split before they are written. */
export const MAX_BODY_BYTES = 2 ** 30;

/** Most metadata entries, so that many entries cannot share one long text. */
const MAX_ENTRIES = 64;

/** Union values of Arrow's `Type`, and of `MessageHeader`. */
const INT = 2;
const FLOAT = 3;
const DICTIONARY_BATCH = 2;
const RECORD_BATCH = 3;
/** `CompressionType` of Arrow. */
const ZSTD = 1;

/** Type of an Arrow column, as far as the schema of the particle does not say it already. */
export interface ArrowType {
  /** Physical numbers, of integer and floating-point columns. */
  readonly number?: 'int8' | 'int16' | 'int32' | 'float32' | 'float64';
  /** Dictionary of a dictionary-encoded column. */
  readonly dictionary?: number;
}

/** Nodes and buffers of one batch, taken in the order of its columns. */
export interface Batch {
  readonly rows: number;
  /** Rows and missing rows of the next array. */
  node(): { readonly rows: number; readonly missing: number };
  /** The next buffer, decompressed; views the file where it is stored as it is. */
  buffer(): Uint8Array;
}

export interface ArrowFile {
  readonly metadata: ReadonlyMap<string, string>;
  readonly types: readonly ArrowType[];
  /** The one record batch; absent if there are no columns. */
  readonly record?: Batch;
  readonly dictionaries: ReadonlyMap<number, Batch>;
}

/** Reads the footer and the heads of all batches. `footer` is [start, end) in bytes that are 8-byte aligned. */
export function readArrowFile(bytes: Uint8Array, footer: { start: number; end: number }): ArrowFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset + footer.start, footer.end - footer.start);
  const root = tableBehind(view, 0);
  const schema = tableField(root, 1);
  const budget = { left: MAX_BODY_BYTES };
  const records = blocks(root, 3).map((block) => readMessage(bytes, block, RECORD_BATCH, budget));
  if (records.length > 1) throw new RangeError(`${records.length} record batches where particles have one`);
  const dictionaries = blocks(root, 2).map((block) => readMessage(bytes, block, DICTIONARY_BATCH, budget));
  return {
    metadata: readMetadata(schema),
    types: tables(schema, 1).map(readType),
    record: records[0]?.batch,
    dictionaries: new Map(dictionaries.map(({ id, batch }) => [id, batch])),
  };
}

function tables(table: FlatTable, field: number): FlatTable[] {
  const { start, count } = vectorField(table, field, 4);
  return Array.from({ length: count }, (_, index) => tableBehind(table.view, start + 4 * index));
}

function readMetadata(schema: FlatTable): Map<string, string> {
  const { count } = vectorField(schema, 2, 4);
  if (count > MAX_ENTRIES) throw new RangeError(`${count} entries of metadata, limit ${MAX_ENTRIES}`);
  return new Map(tables(schema, 2).map((entry) => [stringField(entry, 0), stringField(entry, 1)]));
}

function readType(field: FlatTable): ArrowType {
  if (field.slot(4) !== 0) return { dictionary: numberField(tableField(field, 4), 0, 'int64') };
  const kind = numberField(field, 2, 'int8');
  if (kind === INT) {
    const bits = numberField(tableField(field, 3), 0, 'int32');
    return { number: ({ 8: 'int8', 16: 'int16', 32: 'int32' } as const)[bits] };
  }
  if (kind === FLOAT) {
    const precision = numberField(tableField(field, 3), 0, 'int16');
    return { number: ({ 1: 'float32', 2: 'float64' } as const)[precision] };
  }
  return {};
}

/** Where a message lies: its head, and its body behind. */
interface Block {
  readonly offset: number;
  readonly headBytes: number;
  readonly bodyBytes: number;
}

function blocks(root: FlatTable, field: number): Block[] {
  const { start, count } = vectorField(root, field, 24);
  return Array.from({ length: count }, (_, index) => {
    const at = start + 24 * index;
    const headBytes = root.view.getInt32(at + 8, true);
    return { offset: int64(root.view, at), headBytes, bodyBytes: int64(root.view, at + 16) };
  });
}

/** Bytes that buffers may still decompress to. */
interface Budget {
  left: number;
}

function readMessage(
  bytes: Uint8Array,
  block: Block,
  kind: number,
  budget: Budget,
): { id: number; batch: Batch } {
  // A message begins with a mark of 4 bytes and the length of its head in 4 more.
  const head = new DataView(bytes.buffer, bytes.byteOffset + block.offset + 8, block.headBytes - 8);
  const message = tableBehind(head, 0);
  if (numberField(message, 1, 'int8') !== kind) throw new RangeError('a message of another kind');
  const header = tableField(message, 2);
  const at = block.offset + block.headBytes;
  if (at + block.bodyBytes > bytes.length) throw new RangeError('a body reaches beyond the file');
  const body = bytes.subarray(at, at + block.bodyBytes);
  if (kind === RECORD_BATCH) return { id: 0, batch: readBatch(header, body, budget) };
  return { id: numberField(header, 0, 'int64'), batch: readBatch(tableField(header, 1), body, budget) };
}

function readBatch(header: FlatTable, body: Uint8Array, budget: Budget): Batch {
  const { view } = header;
  const compressed = header.slot(3) !== 0;
  if (compressed && numberField(tableField(header, 3), 0, 'int8') !== ZSTD) {
    throw new RangeError('buffers are not compressed with ZSTD');
  }
  const nodes = vectorField(header, 1, 16);
  const regions = vectorField(header, 2, 16);
  let node = 0;
  let region = 0;
  return {
    rows: numberField(header, 0, 'int64'),
    node() {
      if (node === nodes.count) throw new RangeError('too few arrays');
      const at = nodes.start + 16 * node++;
      return { rows: int64(view, at), missing: int64(view, at + 8) };
    },
    buffer() {
      if (region === regions.count) throw new RangeError('too few buffers');
      const at = regions.start + 16 * region++;
      const start = int64(view, at);
      const end = start + int64(view, at + 8);
      if (start < 0 || end < start || end > body.length) throw new RangeError('a buffer beyond its body');
      return compressed ? expand(body.subarray(start, end), budget) : body.subarray(start, end);
    },
  };
}

/** A buffer behind its 8-byte length: decompressed, or as it is where the length is -1. */
function expand(stored: Uint8Array, budget: Budget): Uint8Array {
  if (stored.length === 0) return stored;
  const length = int64(new DataView(stored.buffer, stored.byteOffset, 8), 0);
  const content = stored.subarray(8);
  if (length === -1) return content;
  budget.left -= length;
  if (length < 0 || budget.left < 0) {
    throw new SoraError(
      'corrupt',
      `Particle file says it holds more than ${MAX_BODY_BYTES} bytes; it is damaged.`,
      {
        details: { limit: MAX_BODY_BYTES },
      },
    );
  }
  return decompress(content, length);
}

/**
 * A view as one block of bytes: for memory, cache files and the wire. Unpacking copies nothing.
 *
 *     0          4             8                 16                         16 + headerBytes
 *     | "SVW1"   | headerBytes | packed size     | header JSON, spaces …    | array | array | …
 *       u32        u32, × 16     f64               utf8, canonical            each on a multiple of 16
 *
 * Header: { rows, kind, values: JSON fields, arrays: [[key, type, byte offset from 0, length], …] }.
 * Numbers are little-endian. Equal views give equal bytes. Checksums belong to whoever keeps the bytes.
 */
import { SoraError } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { TypedArray, View } from './view.ts';

const MAGIC = 0x31575653;
const PREFIX = 16;
const ALIGN = 16;

const TYPES = {
  f32: Float32Array,
  f64: Float64Array,
  i8: Int8Array,
  i16: Int16Array,
  i32: Int32Array,
  u8: Uint8Array,
  u16: Uint16Array,
  u32: Uint32Array,
} as const;
type TypeName = keyof typeof TYPES;

type ArrayEntry = readonly [key: string, type: TypeName, offset: number, length: number];

interface Layout {
  readonly header: Uint8Array;
  readonly size: number;
  readonly arrays: readonly (readonly [TypedArray, number])[];
}

/** Size in bytes of the packed view. O(fields). */
export function packedSize(view: View): number {
  return layoutOf(view).size;
}

/** The view as one block of bytes. */
export function packView(view: View): Uint8Array {
  const layout = layoutOf(view);
  const target = new Uint8Array(layout.size);
  writeLayout(layout, target);
  return target;
}

/** Packs into memory of exactly `packedSize(view)` bytes that starts on a multiple of 16; returns it. */
export function packInto(view: View, target: Uint8Array): Uint8Array {
  const layout = layoutOf(view);
  if (target.byteLength !== layout.size || target.byteOffset % ALIGN !== 0) {
    throw new SoraError(
      'internal',
      `A packed view of ${layout.size} bytes does not go into ${target.byteLength} bytes at ${target.byteOffset}.`,
    );
  }
  writeLayout(layout, target);
  return target;
}

/**
 * The view whose arrays lie in `bytes`, which must not change while it is used. Bytes that do not start on a
 * multiple of 16 are copied first. Throws `corrupt` where they are no packed view. O(fields).
 */
export function unpackView(bytes: Uint8Array): View {
  const at = bytes.byteOffset % ALIGN === 0 ? bytes : bytes.slice();
  const header = readHeader(at);
  const { rows, kind, values, arrays } = header;
  const record: Record<string, TypedArray | Json | undefined> = { ...values };
  for (const [key, type, offset, length] of arrays) {
    record[key] = new TYPES[type](at.buffer as ArrayBuffer, at.byteOffset + offset, length);
  }
  return { ...record, kind, rows };
}

function layoutOf(view: View): Layout {
  const keys = Object.keys(view).sort();
  const values: Record<string, Json> = {};
  const found: [string, TypedArray][] = [];
  for (const key of keys) {
    const value = view[key];
    if (value === undefined || key === 'kind' || key === 'rows') continue;
    if (ArrayBuffer.isView(value)) found.push([key, value as TypedArray]);
    else values[key] = value as Json;
  }
  return layOut(view, values, found);
}

/** Offsets depend on the length of the header, and its text on the offsets: settled in a few turns. */
function layOut(view: View, values: Record<string, Json>, found: readonly [string, TypedArray][]): Layout {
  let headerBytes = ALIGN;
  while (true) {
    let size = PREFIX + headerBytes;
    const entries = found.map(([key, array]): ArrayEntry => {
      const offset = size;
      size = roundUp(offset + array.byteLength);
      return [key, typeName(key, array), offset, array.length];
    });
    const text = canonicalJson({ rows: view.rows, kind: view.kind, values, arrays: entries });
    const header = new TextEncoder().encode(text);
    if (header.length <= headerBytes) {
      const padded = new Uint8Array(headerBytes).fill(0x20);
      padded.set(header);
      return { header: padded, size, arrays: found.map(([, array], i) => [array, entries[i][2]]) };
    }
    headerBytes = roundUp(header.length);
  }
}

function writeLayout({ header, size, arrays }: Layout, target: Uint8Array): void {
  const prefix = new DataView(target.buffer, target.byteOffset, PREFIX);
  prefix.setUint32(0, MAGIC, true);
  prefix.setUint32(4, header.length, true);
  prefix.setFloat64(8, size, true);
  target.set(header, PREFIX);
  let end = PREFIX + header.length;
  for (const [array, offset] of arrays) {
    target.fill(0, end, offset);
    target.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset);
    end = offset + array.byteLength;
  }
  target.fill(0, end, size);
}

interface Header {
  readonly rows: number;
  readonly kind: string;
  readonly values: { readonly [key: string]: Json };
  readonly arrays: readonly ArrayEntry[];
}

function readHeader(bytes: Uint8Array): Header {
  if (bytes.byteLength < PREFIX) throw corrupt(`${bytes.byteLength} bytes are too few`);
  const prefix = new DataView(bytes.buffer, bytes.byteOffset, PREFIX);
  if (prefix.getUint32(0, true) !== MAGIC) throw corrupt('it does not begin with SVW1');
  const headerBytes = prefix.getUint32(4, true);
  const size = prefix.getFloat64(8, true);
  if (size !== bytes.byteLength) throw corrupt(`it says ${size} bytes and has ${bytes.byteLength}`);
  if (PREFIX + headerBytes > size) throw corrupt(`its header of ${headerBytes} bytes passes the end`);
  const text = bytes.subarray(PREFIX, PREFIX + headerBytes);
  if (latest?.size === size && Buffer.compare(latest.text, text) === 0) return latest.header;
  const header = parseHeader(text);
  for (const entry of header.arrays) checkEntry(entry, PREFIX + headerBytes, size);
  latest = { size, text: text.slice(), header };
  return header;
}

/** The header that was read last: views of one kind and as many rows, one after the other, share it. */
let latest: { readonly size: number; readonly text: Uint8Array; readonly header: Header } | undefined;

function parseHeader(bytes: Uint8Array): Header {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt('its header is not JSON', cause);
  }
  if (!isHeader(header)) throw corrupt('its header lacks rows, kind, values or arrays');
  return header;
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const { rows, kind, values, arrays } = value as Record<string, unknown>;
  return (
    Number.isSafeInteger(rows) &&
    (rows as number) >= 0 &&
    typeof kind === 'string' &&
    typeof values === 'object' &&
    values !== null &&
    !Array.isArray(values) &&
    Array.isArray(arrays)
  );
}

function checkEntry(entry: unknown, start: number, size: number): void {
  if (!Array.isArray(entry) || entry.length !== 4) throw corrupt('an array has no entry of four');
  const [key, type, offset, length] = entry as unknown[];
  if (typeof key !== 'string' || typeof type !== 'string' || !Object.hasOwn(TYPES, type)) {
    throw corrupt(`array ${String(key)} has the type ${String(type)}`);
  }
  const bytes = (length as number) * TYPES[type as TypeName].BYTES_PER_ELEMENT;
  const lawful =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(length) &&
    (length as number) >= 0 &&
    (offset as number) % ALIGN === 0 &&
    (offset as number) >= start &&
    (offset as number) + bytes <= size;
  if (!lawful) throw corrupt(`array ${key} lies at ${offset} with length ${length}`);
}

function typeName(key: string, array: TypedArray): TypeName {
  for (const name of Object.keys(TYPES) as TypeName[]) if (array instanceof TYPES[name]) return name;
  throw new SoraError(
    'internal',
    `Field "${key}" of a view is a ${array.constructor.name}; views have none.`,
  );
}

function roundUp(bytes: number): number {
  return Math.ceil(bytes / ALIGN) * ALIGN;
}

function corrupt(what: string, cause?: unknown): SoraError {
  return new SoraError('corrupt', `Not a packed view: ${what}. Delete it from the cache.`, { cause });
}

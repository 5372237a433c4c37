/**
 * Tensors as bytes: the public safetensors format (huggingface/safetensors, "Format"), little-endian.
 *
 *   u64 n | n bytes of JSON header, padded with spaces to 8 | tensor bytes, in order of name, without gaps
 *   header: { name: { dtype, shape, data_offsets: [from, to] } } relative to the end of the header
 *
 * Written canonically (names sorted), so equal tensors give equal bytes. Reading checks everything it relies on.
 */
import { SoraError } from '../errors.ts';
import { canonicalJson } from '../json.ts';
import type { TypedArray } from '../particle/view.ts';

/** An array of numbers with a shape, row-major. */
export interface Tensor {
  readonly shape: readonly number[];
  readonly values: TypedArray;
}

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

const TYPES = {
  F64: Float64Array,
  F32: Float32Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
} as const;
type TypeName = keyof typeof TYPES;

interface Entry {
  readonly dtype: TypeName;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Longest header that is read, as in the public implementation. */
const MAX_HEADER = 100_000_000;

function typeNameOf(values: TypedArray): TypeName {
  const found = Object.entries(TYPES).find(([, type]) => values instanceof type);
  return (found as [TypeName, unknown])[0];
}

/** The tensors as a safetensors file. */
export function encodeTensors(tensors: Tensors): Uint8Array {
  const names = Object.keys(tensors).sort();
  const header: Record<string, Entry> = {};
  let offset = 0;
  for (const name of names) {
    const { shape, values } = tensors[name];
    header[name] = { dtype: typeNameOf(values), shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  const text = new TextEncoder().encode(canonicalJson(header as never));
  const length = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + length + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.fill(0x20, 8, 8 + length);
  bytes.set(text, 8);
  for (const name of names) {
    const { values } = tensors[name];
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    bytes.set(raw, 8 + length + header[name].data_offsets[0]);
  }
  return bytes;
}

/** The tensors of a safetensors file, copied; throws `corrupt` naming what is wrong. */
export function decodeTensors(bytes: Uint8Array): Tensors {
  if (bytes.length < 8) throw corrupt(`${bytes.length} bytes are too few for a header`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(Math.min(MAX_HEADER, bytes.length - 8))) {
    throw corrupt(`the header claims ${length} bytes of ${bytes.length}`);
  }
  const start = 8 + Number(length);
  const tensors: Record<string, Tensor> = {};
  let covered = 0;
  const entries = Object.entries(parseHeader(bytes.subarray(8, start)));
  entries.sort(([, a], [, b]) => (a as Entry).data_offsets?.[0] - (b as Entry).data_offsets?.[0]);
  for (const [name, entry] of entries) {
    const { shape, size, type } = checkEntry(name, entry, covered);
    if (start + covered + size > bytes.length) throw corrupt(`tensor "${name}" ends beyond the file`);
    const from = start + covered;
    tensors[name] = { shape, values: new type(new Uint8Array(bytes.subarray(from, from + size)).buffer) };
    covered += size;
  }
  if (start + covered !== bytes.length) {
    throw corrupt(`${bytes.length - start - covered} bytes belong to no tensor`);
  }
  return tensors;
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (header === null || typeof header !== 'object' || Array.isArray(header))
      throw new TypeError('no object');
    const { __metadata__, ...rest } = header as Record<string, unknown>;
    return rest;
  } catch (cause) {
    throw corrupt('the header is not a JSON object', cause);
  }
}

function checkEntry(name: string, entry: unknown, from: number) {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Partial<Entry>;
  if (dtype === undefined || !Object.hasOwn(TYPES, dtype))
    throw corrupt(`tensor "${name}" has the type ${dtype}`);
  const whole = (n: unknown) => Number.isSafeInteger(n) && (n as number) >= 0;
  if (!Array.isArray(shape) || !shape.every(whole)) throw corrupt(`tensor "${name}" has no shape`);
  const type = TYPES[dtype];
  const size = shape.reduce((product, n) => product * n, type.BYTES_PER_ELEMENT);
  const exact =
    Array.isArray(offsets) && offsets.length === 2 && offsets[0] === from && offsets[1] === from + size;
  if (!exact) throw corrupt(`tensor "${name}" does not lie at [${from}, ${from + size}) as its shape says`);
  return { shape: shape as readonly number[], size, type };
}

function corrupt(why: string, cause?: unknown): SoraError {
  return new SoraError(
    'corrupt',
    `Not a safetensors file: ${why}. Restore the model from a backup, or train it again.`,
    {
      cause,
    },
  );
}

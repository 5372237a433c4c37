/**
 * Bytes of an online model: a safetensors file whose tensors are the arrays of its parts, and one of JSON text with
 * format, options and counters. Canonical: equal states, equal bytes.
 */
import { SoraError } from '../../errors.ts';
import { canonicalJson, type Json } from '../../json.ts';
import { decodeTensors, encodeTensors, type Tensors } from '../../model/safetensors.ts';
import type { Arrays } from './learner.ts';

const FORMAT = 'sora-online/1';
/** Name of the tensor of JSON text. */
const DESCRIPTION = 'json';

/** The state as bytes. O(size of the state). */
export function encodeState(description: Json, arrays: Arrays): Uint8Array {
  const text = new TextEncoder().encode(canonicalJson({ format: FORMAT, description }));
  const all: Arrays = { ...arrays, [DESCRIPTION]: text };
  return encodeTensors(
    Object.fromEntries(
      Object.entries(all).map(([name, values]) => [name, { shape: [values.length], values }]),
    ),
  );
}

/** What `encodeState` wrote; throws `corrupt` or `newer-format`. */
export function decodeState(bytes: Uint8Array): { description: unknown; arrays: Arrays } {
  const tensors: Tensors = decodeTensors(bytes);
  const text = tensors[DESCRIPTION]?.values;
  if (!(text instanceof Uint8Array)) throw corrupt('there is no description in it');
  let parsed: { format?: unknown; description?: unknown };
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text));
  } catch (cause) {
    throw corrupt('its description is not JSON', cause);
  }
  if (parsed?.format !== FORMAT) {
    throw new SoraError(
      'newer-format',
      `The state has the format ${JSON.stringify(parsed?.format)}; this version reads "${FORMAT}". Use a newer version.`,
    );
  }
  const arrays = Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name !== DESCRIPTION)
      .map(([name, { values }]) => [name, values]),
  );
  return { description: parsed.description, arrays };
}

/** Copies a saved array into one of the same type and length; throws `corrupt` where they differ. */
export function fill(target: Float64Array | Uint32Array | Uint8Array, arrays: Arrays, name: string): void {
  const saved = arrays[name];
  if (saved === undefined || saved.constructor !== target.constructor || saved.length !== target.length) {
    throw corrupt(
      `"${name}" has ${saved?.length ?? 'no'} entries, ${target.length} of another kind were expected`,
    );
  }
  target.set(saved);
}

/** The arrays whose names start with `prefix`, without it. */
export function part(arrays: Arrays, prefix: string): Arrays {
  return Object.fromEntries(
    Object.entries(arrays)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, values]) => [name.slice(prefix.length), values]),
  );
}

/** The arrays with `prefix` before their names. */
export function prefixed(arrays: Arrays, prefix: string): Arrays {
  return Object.fromEntries(Object.entries(arrays).map(([name, values]) => [prefix + name, values]));
}

/** The error of bytes that are not the state of an online model. */
export function corrupt(why: string, cause?: unknown): SoraError {
  return new SoraError('corrupt', `Not the state of an online model: ${why}. Restore it from a backup.`, {
    cause,
  });
}

/**
 * Protocol buffers, writing only: what ONNX needs of the wire format. A message is its fields, one after the other; a
 * field is a key (number · 8 + wire type) and a varint (0), or a length and bytes (2). Numbers of a packed list stand in
 * one field. https://protobuf.dev/programming-guides/encoding
 */

/** A list of bytes that was not joined yet. */
export type Message = readonly Uint8Array[];

const utf8 = new TextEncoder();

/** A number of 0 or more up to 2^53, seven bits a byte, the lowest first; of -1, as the 64 bits of two's complement. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return bytes;
}

/** An integer. */
export function integer(field: number, value: number): Message {
  return [Uint8Array.from([...varint(field * 8), ...varint(value)])];
}

/** Bytes, a text, or a message within a message. */
export function bytes(field: number, value: Uint8Array | string | Message): Message {
  const parts =
    typeof value === 'string' ? [utf8.encode(value)] : value instanceof Uint8Array ? [value] : value;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [Uint8Array.from([...varint(field * 8 + 2), ...varint(length)]), ...parts];
}

/** Integers in one field. */
export function integers(field: number, values: ArrayLike<number>): Message {
  return bytes(field, Uint8Array.from(Array.from(values, varint).flat()));
}

/** One block of bytes. */
export function join(message: Message): Uint8Array {
  const whole = new Uint8Array(message.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of message) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/**
 * The one place where summary states become bytes and come back: little-endian, fixed widths, no alignment.
 * Every encoding starts with its format tag (`moments/1`), so bytes of another summary are refused.
 * Equal states give equal bytes. Bytes that cannot be a state throw `corrupt`, whatever they hold.
 */
import { SoraError } from '../errors.ts';
import type { Codec } from './summary.ts';

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { fatal: true });

/** Appends numbers and text to a growing buffer. */
export class ByteWriter {
  private bytes = new Uint8Array(256);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  private reserve(size: number): number {
    const at = this.length;
    this.length = at + size;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.view.setUint8(at, value);
  }

  u32(value: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, value, true);
  }

  /** A float; -0 is written as 0 and every NaN alike, so that equal states have equal bytes. */
  f64(value: number): void {
    const at = this.reserve(8);
    this.view.setFloat64(at, Number.isNaN(value) ? Number.NaN : value + 0, true);
  }

  /** UTF-8 with a length before it. */
  text(value: string): void {
    this.blob(utf8Encoder.encode(value));
  }

  /** Length, then the bytes as they are. */
  blob(bytes: Uint8Array): void {
    this.u32(bytes.length);
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** Length, then the words. */
  u32s(values: Uint32Array): void {
    this.u32(values.length);
    let at = this.reserve(values.length * 4);
    for (let i = 0; i < values.length; i++, at += 4) this.view.setUint32(at, values[i], true);
  }

  /** Length, width (4 or 8 bytes: 4 when every value is exactly an f32), then the floats. */
  f64s(values: Float64Array): void {
    const width = isSingle(values) ? 4 : 8;
    this.u32(values.length);
    this.u8(width);
    let at = this.reserve(values.length * width);
    for (let i = 0; i < values.length; i++, at += width) {
      if (width === 4) this.view.setFloat32(at, values[i] + 0, true);
      else this.view.setFloat64(at, values[i] + 0, true);
    }
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }
}

function isSingle(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (Math.fround(values[i]) !== values[i]) return false;
  return true;
}

/** Reads what {@link ByteWriter} wrote; throws `corrupt` past the end or on a value out of range. */
export class ByteReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  private take(size: number): number {
    const at = this.at;
    if (at + size > this.bytes.length) {
      throw corrupt(`${size} more bytes were expected at byte ${at} of ${this.bytes.length}`);
    }
    this.at = at + size;
    return at;
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }

  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }

  f64(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** A whole number from 0 to 2^53 written with `f64`. */
  count(): number {
    const value = this.f64();
    if (!Number.isSafeInteger(value) || value < 0) throw corrupt(`${value} is not a count`);
    return value;
  }

  text(): string {
    const length = this.u32();
    const at = this.take(length);
    try {
      return utf8Decoder.decode(this.bytes.subarray(at, at + length));
    } catch (cause) {
      throw corrupt(`text at byte ${at} is not UTF-8`, cause);
    }
  }

  /** A copy of the bytes. */
  blob(): Uint8Array {
    const length = this.u32();
    const at = this.take(length);
    return this.bytes.slice(at, at + length);
  }

  u32s(): Uint32Array {
    const length = this.u32();
    let at = this.take(length * 4);
    const values = new Uint32Array(length);
    for (let i = 0; i < length; i++, at += 4) values[i] = this.view.getUint32(at, true);
    return values;
  }

  f64s(): Float64Array {
    const length = this.u32();
    const width = this.u8();
    if (width !== 4 && width !== 8) throw corrupt(`${width} is not the width of a float`);
    let at = this.take(length * width);
    const values = new Float64Array(length);
    for (let i = 0; i < length; i++, at += width) {
      values[i] = width === 4 ? this.view.getFloat32(at, true) : this.view.getFloat64(at, true);
    }
    return values;
  }

  /** Throws `corrupt` unless every byte has been read. */
  end(): void {
    if (this.at !== this.bytes.length) throw corrupt(`${this.bytes.length - this.at} bytes are left over`);
  }
}

/** The error of bytes that are not a state. */
export function corrupt(why: string, cause?: unknown): SoraError {
  return new SoraError('corrupt', `Bytes are not the state of a summary: ${why}.`, { cause });
}

/** A codec from a writer and a reader of states, behind a format tag such as `moments/1`. */
export function taggedCodec<T>(
  tag: string,
  write: (writer: ByteWriter, state: T) => void,
  read: (reader: ByteReader) => T,
): Codec<T> {
  return {
    encode(state) {
      const writer = new ByteWriter();
      writer.text(tag);
      write(writer, state);
      return writer.finish();
    },
    decode(bytes) {
      const reader = new ByteReader(bytes);
      const found = reader.text();
      if (found !== tag) throw corrupt(`the format is ${JSON.stringify(found.slice(0, 40))}, not "${tag}"`);
      const state = read(reader);
      reader.end();
      return state;
    },
  };
}

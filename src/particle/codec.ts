/**
 * ZSTD, synchronously, on any Node: `node:zlib` where it has it (22.15 and later), WebAssembly below.
 * A frame is measured from its block headers before it is decoded, so a damaged length never allocates.
 * Why these two: docs/decisions/002-zstd-codec.md.
 */
import * as zlib from 'node:zlib';
import { SoraError } from '../errors.ts';
import * as wasm from './zstd-wasm.ts';

/** The fastest of the standard levels. */
const LEVEL = 1;

/** A buffer that saves less than an eighth is stored as it is: reading it then costs nothing. */
const KEEP_SHARE = 7 / 8;

/** Buffers of at least this many bytes are tried on a sample of {@link SAMPLE_BYTES} from their middle first. */
const SAMPLED_FROM = 1 << 18;
const SAMPLE_BYTES = 1 << 15;
/** A sample above this share is not worth trying the whole: a whole shrinks a little more than its sample. */
const SAMPLE_SHARE = 0.9;

/** Most content of one frame: WebAssembly memory ends, and larger buffers are rare enough to store as they are. */
const MAX_FRAME_BYTES = 1 << 27;

/** Largest content of one ZSTD block. */
const BLOCK_BYTES = 1 << 17;

/** Synchronous ZSTD: one frame in, one frame out. */
interface Zstd {
  readonly name: string;
  compress(bytes: Uint8Array): Uint8Array;
  decompress(frame: Uint8Array, length: number): Uint8Array;
}

interface NodeZstd {
  zstdCompressSync(bytes: Uint8Array, options: { params: Record<number, number> }): Uint8Array;
  zstdDecompressSync(frame: Uint8Array, options: { maxOutputLength: number; chunkSize: number }): Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel: number };
}

/** `node:zlib`, if this Node has ZSTD in it. */
function nodeZstd(): Zstd | undefined {
  if (!('zstdCompressSync' in zlib)) return undefined;
  const node = zlib as unknown as NodeZstd;
  const options = { params: { [node.constants.ZSTD_c_compressionLevel]: LEVEL } };
  return {
    name: 'node:zlib',
    compress: (bytes) => node.zstdCompressSync(bytes, options),
    // One chunk holds all of it, so that the result is not copied together.
    decompress: (frame, length) =>
      node.zstdDecompressSync(frame, { maxOutputLength: Math.max(length, 1), chunkSize: length + 64 }),
  };
}

/** WebAssembly, for Node below 22.15; nothing is loaded before the first call. */
const wasmZstd: Zstd = {
  name: '@foxglove/wasm-zstd',
  compress: (bytes) => wasm.compress(bytes, LEVEL),
  decompress: wasm.decompress,
};

const zstd = nodeZstd() ?? wasmZstd;

/** Which implementation of ZSTD this process uses. */
export const zstdName = zstd.name;

/** Compresses into one ZSTD frame at level 1. */
export function compress(bytes: Uint8Array): Uint8Array {
  return zstd.compress(bytes);
}

/** Decompresses one ZSTD frame that must hold exactly `length` bytes; throws `corrupt` otherwise. */
export function decompress(frame: Uint8Array, length: number): Uint8Array {
  const bound = Math.min(frameBound(frame), MAX_FRAME_BYTES);
  if (!(length >= 0 && length <= bound)) {
    throw new SoraError(
      'corrupt',
      `A compressed buffer says it holds ${length} bytes, but its blocks hold at most ${bound}; the file is damaged.`,
      { details: { length, bound } },
    );
  }
  let bytes: Uint8Array;
  try {
    bytes = zstd.decompress(frame, length);
  } catch (cause) {
    throw new SoraError('corrupt', `A compressed buffer of ${frame.length} bytes does not decompress.`, {
      cause,
    });
  }
  if (bytes.length !== length) {
    throw new SoraError('corrupt', `A compressed buffer holds ${bytes.length} bytes instead of ${length}.`);
  }
  return plainBytes(bytes);
}

/** A `Uint8Array` proper (not a `Buffer`) that typed arrays of 8-byte values can view. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  if (bytes.byteOffset & 7) return Uint8Array.from(bytes);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Most bytes that a ZSTD frame can hold, from its header and block headers (RFC 8878, sections 3.1.1.1–2);
 * -1 if the bytes are not exactly one whole frame. O(blocks).
 */
export function frameBound(frame: Uint8Array): number {
  if (frame.length < 9) return -1;
  if (frame[0] !== 0x28 || frame[1] !== 0xb5 || frame[2] !== 0x2f || frame[3] !== 0xfd) return -1;
  const descriptor = frame[4];
  const singleSegment = (descriptor >> 5) & 1;
  const contentSizeBytes = [singleSegment, 2, 4, 8][descriptor >> 6];
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  let at = 5 + (1 - singleSegment) + dictionaryBytes + contentSizeBytes;
  let bound = 0;
  for (let last = 0; last === 0; ) {
    if (at + 3 > frame.length) return -1;
    const header = frame[at] | (frame[at + 1] << 8) | (frame[at + 2] << 16);
    last = header & 1;
    const kind = (header >> 1) & 3;
    const size = header >>> 3;
    if (kind === 3 || size > BLOCK_BYTES) return -1;
    bound += kind === 2 ? BLOCK_BYTES : size;
    at += 3 + (kind === 1 ? 1 : size);
  }
  if (descriptor & 4) at += 4;
  return at === frame.length ? bound : -1;
}

/** Whether a sample from the middle of a large buffer says that compressing it would not pay. */
function looksIncompressible(bytes: Uint8Array): boolean {
  if (bytes.length < SAMPLED_FROM) return false;
  const start = (bytes.length - SAMPLE_BYTES) >> 1;
  return zstd.compress(bytes.subarray(start, start + SAMPLE_BYTES)).length > SAMPLE_BYTES * SAMPLE_SHARE;
}

/** The compressed bytes, or `bytes` itself where compressing does not pay. */
export function compressIfSmaller(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || bytes.length > MAX_FRAME_BYTES || looksIncompressible(bytes)) return bytes;
  const compressed = zstd.compress(bytes);
  return compressed.length <= bytes.length * KEEP_SHARE ? compressed : bytes;
}

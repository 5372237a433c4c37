/**
 * A particle as the bytes of one Arrow IPC file with ZSTD buffers, and back (docs/particle-format.md).
 * A seal, the SHA-256 of all the rest, stands between the data and the footer, where Arrow readers do not look:
 * any damage is found before a byte is interpreted.
 */
import { createHash } from 'node:crypto';
import { CompressionType, Endianness, Table, tableToIPC, Version } from '@uwdata/flechette';
import { SoraError } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import { type ArrowFile, MAX_BODY_BYTES, readArrowFile } from './arrow-file.ts';
import { readColumns } from './arrow-read.ts';
import { arrowColumns } from './arrow-write.ts';
import { plainBytes } from './codec.ts';
import type { Particle } from './particle.ts';
import { parseSchema } from './schema.ts';
import { particleBytes } from './size.ts';
import { columnStatistics } from './statistics.ts';

/** Version of the format that this release writes, and the newest it reads. */
export const PARTICLE_VERSION = 1;

/** First and last bytes of every Arrow file. */
const MAGIC = Buffer.from('ARROW1');
const SEAL_MAGIC = Buffer.from('SORASEAL');
const DIGEST_BYTES = 32;
const SEAL_BYTES = SEAL_MAGIC.length + DIGEST_BYTES;
/** Footer length (int32) and magic. */
const TAIL_BYTES = 4 + MAGIC.length;
/** The writer repeats the end-of-stream mark right before the footer. */
const MARK_BYTES = 8;
/** Writes of the footer: the mark with its table, its length, the magic. */
const FOOTER_WRITES = 3;

/** The file of a particle. Two encodings of one particle may differ in bytes (another ZSTD), never in content. */
export function encodeParticle(particle: Particle): Uint8Array {
  const { schema, rows, columns } = particle;
  checkSize(particle);
  const pairs = schema.fields.flatMap((field, index) => arrowColumns(field.name, columns[index], rows));
  const metadata = new Map([
    ['sora.version', String(PARTICLE_VERSION)],
    ['sora.rows', String(rows)],
    ['sora.schema', canonicalJson(schema as unknown as Json)],
    [
      'sora.statistics',
      canonicalJson(columns.map((column) => columnStatistics(column, rows)) as unknown as Json),
    ],
  ]);
  const table = new Table(
    { version: Version.V5, endianness: Endianness.Little, fields: pairs.map((pair) => pair.field), metadata },
    pairs.map((pair) => pair.column),
  );
  const chunks: Uint8Array[] = [];
  const sink = {
    write: (bytes: Uint8Array) => void chunks.push(bytes),
    pad: (count: number) => void chunks.push(new Uint8Array(count)),
    finish: () => null,
  };
  tableToIPC(table, { format: 'file', codec: CompressionType.ZSTD, sink });
  return seal(chunks);
}

/** Half of what a reader accepts, because strings in memory and in UTF-8 differ in size. */
const MAX_MEMORY_BYTES = MAX_BODY_BYTES / 2;

function checkSize(particle: Particle): void {
  const bytes = particleBytes(particle);
  if (bytes <= MAX_MEMORY_BYTES) return;
  throw new SoraError(
    'bad-data',
    `A particle of ${bytes} bytes is over the limit of ${MAX_MEMORY_BYTES}; split it (splitParticle).`,
    { details: { bytes, limit: MAX_MEMORY_BYTES } },
  );
}

/** Joins the chunks of an Arrow file and puts the seal before its footer. */
function seal(chunks: Uint8Array[]): Uint8Array {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  const at = chunks.length - FOOTER_WRITES;
  const parts = [...chunks.slice(0, at), SEAL_MAGIC, hash.digest(), ...chunks.slice(at)];
  // Memory of its own, unlike Buffer.concat: the result may be transferred to another thread.
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    file.set(part, end);
    end += part.length;
  }
  return file;
}

/**
 * The particle in a file. Numeric columns are views of decompressed buffers, or of `bytes` where a buffer is stored
 * as it is. Throws `corrupt` on any damage and `newer-format` on a later version.
 * `verified` skips the seal for a caller that has just checked the file against its SHA-256.
 */
export function decodeParticle(bytes: Uint8Array, options: { verified?: boolean } = {}): Particle {
  const aligned = plainBytes(bytes);
  const footer = findFooter(aligned, options.verified === true);
  try {
    return readParticle(readArrowFile(aligned, footer));
  } catch (error) {
    if (error instanceof SoraError && error.code !== 'schema-mismatch') throw error;
    throw new SoraError('corrupt', 'Particle file is damaged: its Arrow structure cannot be read.', {
      cause: error,
    });
  }
}

function readParticle(file: ArrowFile): Particle {
  const { metadata } = file;
  const version = Number(metadata.get('sora.version'));
  if (version > PARTICLE_VERSION) {
    throw new SoraError(
      'newer-format',
      `Particle file has format version ${version}; this release reads up to ${PARTICLE_VERSION}. Install a newer Sora.`,
      { details: { version, limit: PARTICLE_VERSION } },
    );
  }
  const rows = Number(metadata.get('sora.rows'));
  if (version !== PARTICLE_VERSION || !Number.isSafeInteger(rows) || rows < 0) {
    throw new SoraError('corrupt', 'Particle file is damaged: version or row count is not in its metadata.');
  }
  const schema = parseSchema(JSON.parse(metadata.get('sora.schema') ?? 'null'));
  return { schema, rows, columns: readColumns(schema, rows, file) };
}

/** Where the footer lies, after a look at the frame of the file and, unless `verified`, at the seal. */
function findFooter(bytes: Uint8Array, verified: boolean): { start: number; end: number } {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = file.length - TAIL_BYTES;
  const framed =
    end >= MAGIC.length + SEAL_BYTES &&
    file.subarray(0, MAGIC.length).equals(MAGIC) &&
    file.subarray(-MAGIC.length).equals(MAGIC);
  if (!framed) {
    throw new SoraError('corrupt', `Not a particle file, or cut short: ${file.length} bytes.`, {
      details: { bytes: file.length },
    });
  }
  const start = end - file.readInt32LE(end);
  const mark = start - MARK_BYTES;
  const at = mark - SEAL_BYTES;
  const sealed =
    at >= MAGIC.length && start <= end && file.subarray(at, at + SEAL_MAGIC.length).equals(SEAL_MAGIC);
  if (!sealed) {
    throw new SoraError('corrupt', 'Particle file is damaged, or another Arrow file: its seal is not there.');
  }
  if (!verified) checkSeal(file, at, mark);
  return { start, end };
}

function checkSeal(file: Buffer, at: number, mark: number): void {
  const digest = createHash('sha256').update(file.subarray(0, at)).update(file.subarray(mark)).digest();
  if (digest.equals(file.subarray(mark - DIGEST_BYTES, mark))) return;
  throw new SoraError('corrupt', 'Particle file is damaged: its bytes do not agree with its seal.');
}

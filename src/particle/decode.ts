/**
 * A particle out of the bytes of its file (bytes.ts): seal, footer, metadata, columns. Imports no writer of Arrow, so
 * a worker that only reads starts sooner.
 */
import { createHash } from 'node:crypto';
import { SoraError } from '../errors.ts';
import { type ArrowFile, readArrowFile } from './arrow-file.ts';
import { readColumns } from './arrow-read.ts';
import { plainBytes } from './codec.ts';
import type { Particle } from './particle.ts';
import { parseSchema, type Schema } from './schema.ts';

/** Version of the format that this release writes, and the newest it reads. */
export const PARTICLE_VERSION = 1;

/** First and last bytes of every Arrow file. */
const MAGIC = Buffer.from('ARROW1');
export const SEAL_MAGIC = Buffer.from('SORASEAL');
const DIGEST_BYTES = 32;
const SEAL_BYTES = SEAL_MAGIC.length + DIGEST_BYTES;
/** Footer length (int32) and magic. */
const TAIL_BYTES = 4 + MAGIC.length;
/** The writer repeats the end-of-stream mark right before the footer. */
const MARK_BYTES = 8;

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

/**
 * Whether a file has a seal where a particle's is: right before the footer. `read` gives bytes [from, to) of the file,
 * so that a file of any size is told by a few of them. Says nothing of damage.
 */
export async function isSealed(
  size: number,
  read: (from: number, to: number) => Promise<Uint8Array>,
): Promise<boolean> {
  const end = size - TAIL_BYTES;
  if (end < MAGIC.length + SEAL_BYTES) return false;
  const length = Buffer.from(await read(end, end + 4)).readInt32LE(0);
  const at = end - length - MARK_BYTES - SEAL_BYTES;
  if (!(length > 0 && at >= 0)) return false;
  return SEAL_MAGIC.equals(await read(at, at + SEAL_MAGIC.length));
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
  const schema = schemaOf(metadata.get('sora.schema') ?? 'null');
  return { schema, rows, columns: readColumns(schema, rows, file) };
}

/** The schema that was read last: particles of a store, one after the other, share it. */
let latest: { readonly text: string; readonly schema: Schema } | undefined;

function schemaOf(text: string): Schema {
  if (latest?.text !== text) latest = { text, schema: parseSchema(JSON.parse(text)) };
  return latest.schema;
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

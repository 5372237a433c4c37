/**
 * A particle as the bytes of one Arrow IPC file with ZSTD buffers, and back (docs/particle-format.md).
 * A seal, the SHA-256 of all the rest, stands between the data and the footer, where Arrow readers do not look:
 * any damage is found before a byte is interpreted.
 */
import { createHash } from 'node:crypto';
import { CompressionType, Endianness, Table, tableToIPC, Version } from '@uwdata/flechette';
import { SoraError } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import { MAX_BODY_BYTES } from './arrow-file.ts';
import { arrowColumns } from './arrow-write.ts';
import './flechette-codec.ts';
import { PARTICLE_VERSION, SEAL_MAGIC } from './decode.ts';
import type { Particle } from './particle.ts';
import { particleBytes } from './size.ts';
import { columnStatistics } from './statistics.ts';

export { decodeParticle, PARTICLE_VERSION } from './decode.ts';

/** Writes of the footer: the mark with its table, its length, the magic. */
const FOOTER_WRITES = 3;

/** The file of a particle. Two encodings of one particle may differ in bytes (another ZSTD), never in content. */
export function encodeParticle(particle: Particle): Uint8Array {
  return particleFile(particle).bytes;
}

/** A file, and the SHA-256 of all of it in hexadecimal digits. */
export interface ParticleFile {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** As {@link encodeParticle}, with the hash of the file: most of it is that of the seal, and is not computed twice. */
export function particleFile(particle: Particle): ParticleFile {
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
function seal(chunks: Uint8Array[]): ParticleFile {
  const at = chunks.length - FOOTER_WRITES;
  const [data, footer] = [chunks.slice(0, at), chunks.slice(at)];
  const hash = createHash('sha256');
  for (const chunk of data) hash.update(chunk);
  const sealHash = hash.copy();
  for (const chunk of footer) sealHash.update(chunk);
  const rest = [SEAL_MAGIC, sealHash.digest(), ...footer];
  for (const part of rest) hash.update(part);
  const parts = [...data, ...rest];
  // Memory of its own, unlike Buffer.concat: the result may be transferred to another thread.
  const file = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let end = 0;
  for (const part of parts) {
    file.set(part, end);
    end += part.length;
  }
  return { bytes: file, sha256: hash.digest('hex') };
}

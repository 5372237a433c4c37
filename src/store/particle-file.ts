/**
 * Particle files: `particles/ab/<hash>.arrow`, named by the hash of their content, so writing one again is
 * nothing and two writers of one name mean the same rows. A file that is there is believed only if its bytes
 * agree with a known SHA-256, or its decoded content with its name; otherwise it is written anew.
 */
import { SoraError } from '../errors.ts';
import { decodeParticle } from '../particle/decode.ts';
import { hashParticle } from '../particle/hash.ts';
import type { Particle, ParticleRef } from '../particle/particle.ts';
import { corrupt, sha256 } from './sealed.ts';
import type { ObjectStorage } from './storage.ts';

/** A particle as bytes, ready to be stored. */
export interface EncodedParticle {
  /** `hashParticle` of the particle. */
  readonly hash: string;
  readonly rows: number;
  /** `encodeParticle` of the particle. */
  readonly bytes: Uint8Array;
  /** SHA-256 of `bytes`, if a worker has computed it already. */
  readonly sha256?: string;
}

const HASH = /^[0-9a-f]{64}$/;

/** Key of the particle with this hash. */
export function particleKey(hash: string): string {
  if (!HASH.test(hash)) {
    throw new SoraError('bad-option', `Not a particle hash: ${JSON.stringify(hash)}; 64 hexadecimal digits.`);
  }
  return `particles/${hash.slice(0, 2)}/${hash}.arrow`;
}

/** The hash in a particle's key, or undefined if it is not one. */
export function particleHash(key: string): string | undefined {
  const match = /^particles\/([0-9a-f]{2})\/([0-9a-f]{64})\.arrow$/.exec(key);
  return match?.[2].startsWith(match[1]) ? match[2] : undefined;
}

/**
 * Stores the particle unless it is there and whole. The result describes the file that is there afterwards,
 * which may have been written by another version of the encoder. Durable after `storage.flush`.
 * `known` gives the SHA-256 that commits expect of this particle's file, if any does.
 */
export async function storeParticle(
  storage: ObjectStorage,
  particle: EncodedParticle,
  known: (hash: string) => Promise<string | undefined>,
): Promise<ParticleRef> {
  const key = particleKey(particle.hash);
  const mine = particle.sha256 ?? sha256(particle.bytes);
  const { hash, rows } = particle;
  const present = await storage.get(key);
  if (present !== undefined) {
    const found = sha256(present);
    const expected = await known(hash);
    if (found === expected) return { hash, rows, bytes: present.length, sha256: found };
    if (expected === undefined && (found === mine || isParticle(present, hash))) {
      // No commit names it yet: written again it is new, and no repair takes it for what a dead writer left.
      await storage.put(key, present);
      return { hash, rows, bytes: present.length, sha256: found };
    }
  }
  await storage.put(key, particle.bytes);
  return { hash, rows, bytes: particle.bytes.length, sha256: mine };
}

function isParticle(bytes: Uint8Array, hash: string): boolean {
  try {
    return hashParticle(decodeParticle(bytes)) === hash;
  } catch {
    return false;
  }
}

const REMEDY =
  'Run `sora verify` for the whole extent, then ingest its source again: the file is written anew.';

/** The particle; `corrupt` if its file is gone or its bytes are not those that the commit named. */
export async function readParticle(storage: ObjectStorage, ref: ParticleRef): Promise<Particle> {
  const key = particleKey(ref.hash);
  const bytes = await storage.get(key);
  if (bytes === undefined) throw corrupt(key, `SHA-256 ${ref.sha256}`, 'no file', REMEDY);
  const found = sha256(bytes);
  if (found !== ref.sha256) throw corrupt(key, `SHA-256 ${ref.sha256}`, found, REMEDY);
  return decodeParticle(bytes, { verified: true });
}

/**
 * Particles that are in this process already, for any executor: encoded once into shared memory, from which each
 * worker decodes those it observes. For data in a store use the store's own source.
 *
 *     | index bytes u32 | index JSON { sha256: [offset, length] } | particle file | particle file | …
 */
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { decodeParticle, encodeParticle } from '../particle/bytes.ts';
import { hashParticle } from '../particle/hash.ts';
import type { Particle, ParticleRef } from '../particle/particle.ts';
import { inlineExecutor } from './inline.ts';
import { sha256 } from './node-keys.ts';
import type { Reference } from './reference.ts';
import type { Executor, SessionOptions, Source } from './session.ts';

/** What a session over particles in memory is opened with. */
export type MemoryParticles = Required<Pick<SessionOptions, 'particles' | 'source' | 'sourceData'>>;

type Index = Readonly<Record<string, readonly [offset: number, length: number]>>;

/**
 * Encodes particles into shared memory: `executor.open({ ...memoryParticles(particles) })`.
 * O(bytes); takes about the encoded size.
 */
export function memoryParticles(particles: readonly Particle[]): MemoryParticles {
  const files = particles.map(encodeParticle);
  const refs = particles.map((particle, i): ParticleRef => {
    const bytes = files[i].byteLength;
    return { hash: hashParticle(particle), rows: particle.rows, bytes, sha256: sha256(files[i]) };
  });
  return {
    particles: refs,
    source: { module: import.meta.url, name: 'memorySource' },
    sourceData: joinFiles(refs, files),
  };
}

/**
 * The source over what {@link memoryParticles} made; named by its reference.
 * @byReference
 */
export function memorySource(_options: Json, data?: Uint8Array): Source {
  if (data === undefined)
    throw new SoraError('internal', 'memorySource needs the session to pass sourceData.');
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const start = 4 + view.getUint32(0, true);
  const index = JSON.parse(new TextDecoder().decode(data.slice(4, start))) as Index;
  return {
    async load(ref) {
      const entry = index[ref.sha256];
      if (entry === undefined) throw new SoraError('not-found', `Particle ${ref.hash} is not in memory.`);
      const [offset, length] = entry;
      return decodeParticle(data.slice(start + offset, start + offset + length));
    },
  };
}

/** How to reduce over particles in memory. */
export interface ReduceParticlesOptions {
  /** Default: inline. An executor that is passed in stays open. */
  readonly executor?: Executor;
  /** Factory `(options) => ViewKind`; absent: the summary observes particles. */
  readonly view?: Reference;
  /** Second argument of the summary's factory. */
  readonly parameters?: Uint8Array;
  readonly signal?: AbortSignal;
}

/**
 * Observes particles, merges in order and reads: one round, on whichever executor.
 * @example
 * // mean.ts exports `function mean() { return { id: 'mean/1', empty, observe, merge, read, codec } }`
 * const executor = threadExecutor();
 * await reduceParticles<number>(particles, { module: meanUrl, name: 'mean' }, { executor });
 */
export async function reduceParticles<Value>(
  particles: readonly Particle[],
  summary: Reference,
  options: ReduceParticlesOptions = {},
): Promise<Value> {
  const { executor = inlineExecutor(), view, parameters, signal } = options;
  const session = await executor.open({ ...memoryParticles(particles), signal });
  try {
    return (await session.reduce<unknown, Value>({ summary, view, parameters })).value;
  } finally {
    await session.close();
    if (options.executor === undefined) await executor.close();
  }
}

/** Index and files in one block of shared memory; equal particles are stored once. */
function joinFiles(refs: readonly ParticleRef[], files: readonly Uint8Array[]): Uint8Array {
  const index: Record<string, [number, number]> = {};
  const distinct: Uint8Array[] = [];
  let bytes = 0;
  refs.forEach((ref, i) => {
    if (Object.hasOwn(index, ref.sha256)) return;
    index[ref.sha256] = [bytes, ref.bytes];
    distinct.push(files[i]);
    bytes += ref.bytes;
  });
  const header = new TextEncoder().encode(JSON.stringify(index));
  const data = new Uint8Array(new SharedArrayBuffer(4 + header.length + bytes));
  new DataView(data.buffer).setUint32(0, header.length, true);
  data.set(header, 4);
  let at = 4 + header.length;
  for (const file of distinct) {
    data.set(file, at);
    at += file.byteLength;
  }
  return data;
}

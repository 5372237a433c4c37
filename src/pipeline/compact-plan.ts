/**
 * What a compaction would do with the newest snapshot of a store. Only particles that may change are read: bytes in
 * memory of the others are estimated from their files.
 */
import { throwIfAborted } from '../errors.ts';
import { type Cut, compactionPlan, isKept, largestRows, type ParticleSize } from '../particle/compaction.ts';
import type { ParticleRef } from '../particle/particle.ts';
import { MAX_BYTES, particleBytes } from '../particle/size.ts';
import type { Snapshot, SnapshotParticle } from '../store/snapshot.ts';
import type { Store } from '../store/store.ts';
import type { Hooks } from './data.ts';

/** A plan over a snapshot. */
export interface Plan {
  readonly snapshot: Snapshot;
  readonly cuts: readonly Cut[];
  /** Number of cuts at the beginning that are kept. */
  readonly untouched: number;
}

/** The plan for the newest snapshot. */
export async function planFor(store: Store, hooks: Hooks): Promise<Plan> {
  const snapshot = await store.snapshot();
  const { particles } = snapshot;
  const cuts = compactionPlan(await sizesOf(store, particles, hooks));
  const changed = cuts.findIndex((cut) => !isKept(cut, particles));
  return { snapshot, cuts, untouched: changed < 0 ? cuts.length : changed };
}

/** Particles that tell how bytes in memory compare with bytes of files. */
const SAMPLE = 8;
/** Fill from which a particle neither takes in others nor is split, whatever the estimate of its bytes is off by. */
const SURELY_FULL = 0.6;
const SURELY_ONE = 1.5;

/** Sizes in memory: measured of all particles that a plan may change, estimated from file sizes of the others. */
async function sizesOf(
  store: Store,
  particles: readonly SnapshotParticle[],
  { signal, onProgress }: Hooks,
): Promise<ParticleSize[]> {
  const known = new Map<string, number>();
  const measure = async (ref: ParticleRef) => {
    throwIfAborted(signal);
    if (known.has(ref.hash)) return;
    known.set(ref.hash, particleBytes(await store.loadParticle(ref)));
    onProgress?.({ stage: 'measuring', done: known.size, unit: 'files' });
  };
  const total = (of: (ref: ParticleRef) => number, list: readonly ParticleRef[]) =>
    list.reduce((sum, ref) => sum + of(ref), 0);
  const sample = particles.toSorted((a, b) => b.rows - a.rows).slice(0, SAMPLE);
  for (const ref of sample) await measure(ref);
  const ratio = total(({ hash }) => known.get(hash) as number, sample) / total(({ bytes }) => bytes, sample);
  const most = largestRows(total(({ rows }) => rows, particles));
  const bytesOf = ({ hash, bytes }: ParticleRef) => known.get(hash) ?? bytes * ratio;
  let afterSmall = false;
  for (const ref of particles) {
    const fill = Math.max(ref.rows / most, bytesOf(ref) / MAX_BYTES);
    if (afterSmall || fill < SURELY_FULL || fill > SURELY_ONE) await measure(ref);
    afterSmall = fill < SURELY_FULL;
  }
  return particles.map((ref) => ({ rows: ref.rows, bytes: bytesOf(ref) }));
}

/**
 * Particles with the columns that features over time add: those of the store, and beside each the file of what its rows
 * are told of earlier ones. The name of the two together is a hash of both, so that views and partials of them are
 * cached like any others.
 */
import type { Json } from '../json.ts';
import type { Particle, ParticleRef } from '../particle/particle.ts';
import type { Schema } from '../particle/schema.ts';
import type { Reference } from '../run/reference.ts';
import type { Source } from '../run/session.ts';
import { historyFiles } from '../store/history-files.ts';
import { sha256 } from '../store/sealed.ts';
import { roledSource } from './source.ts';

/** A particle of the store, and the file of its derived columns. */
export interface Pair {
  readonly base: ParticleRef;
  readonly derived: ParticleRef;
}

type HistoryOptions = {
  /** Options of {@link roledSource}. */
  readonly roled: Json;
  readonly root: string;
  /** Pairs by the hash of their name. */
  readonly pairs: { readonly [hash: string]: Json };
  /** Fields of the derived columns. */
  readonly fields: Json;
};

/** The reference by which a session knows a pair. */
export function pairRef({ base, derived }: Pair): ParticleRef {
  const hash = sha256(`history ${base.hash} ${derived.hash}`);
  return { hash, rows: base.rows, bytes: base.bytes + derived.bytes, sha256: hash };
}

/** The particle with these columns after its own. */
export function withColumns(particle: Particle, derived: Pick<Particle, 'schema' | 'columns'>): Particle {
  const fields = [...particle.schema.fields, ...derived.schema.fields];
  return { ...particle, schema: { fields }, columns: [...particle.columns, ...derived.columns] };
}

/**
 * Source of pairs; made in each worker.
 * @byReference
 */
export function historySource({ roled, root, pairs, fields }: HistoryOptions): Source {
  const source = roledSource(roled as unknown as Parameters<typeof roledSource>[0]);
  const files = historyFiles(root);
  const schema = { fields } as unknown as Schema;
  return {
    ...source,
    async load(ref) {
      const { base, derived } = pairs[ref.hash] as unknown as Pair;
      const { columns } = await files.load(derived);
      return withColumns(await source.load(base), { schema, columns });
    },
  };
}

/** Names {@link historySource} over the particles of a reference to {@link roledSource}. */
export function historyReference(
  roled: Reference,
  root: string,
  pairs: readonly Pair[],
  fields: Schema['fields'],
): Reference {
  const byHash = Object.fromEntries(pairs.map((pair) => [pairRef(pair).hash, pair]));
  const options = { roled: roled.options ?? null, root, pairs: byHash, fields };
  return { module: import.meta.url, name: 'historySource', options: options as unknown as Json };
}

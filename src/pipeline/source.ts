/**
 * The particles of a store with roles of one's own: a column that was a feature when it was stored may be the target
 * now. Roles are no part of the rows, so nothing is written again.
 */
import type { Json } from '../json.ts';
import type { Particle, ParticleRef } from '../particle/particle.ts';
import type { Role, Schema } from '../particle/schema.ts';
import { sliceParticle } from '../particle/select.ts';
import type { Reference } from '../run/reference.ts';
import type { PartialCache, Source } from '../run/session.ts';
import { storeSource } from '../store/source.ts';

type RoledOptions = {
  readonly store: Json;
  /** Role by column name. */
  readonly roles: { readonly [name: string]: string };
};

/** The same schema with these roles. */
export function withRoles(schema: Schema, roles: RoledOptions['roles']): Schema {
  return {
    fields: schema.fields.map((field) => ({
      ...field,
      role: (roles[field.name] as Role | undefined) ?? field.role,
    })),
  };
}

/** Name of some rows of a particle: `hash[from,to)`, which no whole particle has. */
const PART = /^([0-9a-f]{64})\[(\d+),(\d+)\)$/;

/** Rows [from, to) of a particle, as one of its own; the particle itself where that is all of it. */
function partOfParticle<Ref extends ParticleRef>(ref: Ref, from: number, to: number): Ref {
  if (from === 0 && to === ref.rows) return ref;
  return { ...ref, hash: `${ref.hash}[${from},${to})`, rows: to - from };
}

/** Rows [from, to) of particles that stand in order; where a border lies within one, a part of it. */
export function partsBetween<Ref extends ParticleRef>(
  particles: readonly Ref[],
  from: number,
  to = Number.POSITIVE_INFINITY,
): Ref[] {
  const parts: Ref[] = [];
  let start = 0;
  for (const ref of particles) {
    const first = Math.max(from - start, 0);
    const last = Math.min(to - start, ref.rows);
    if (first < last) parts.push(partOfParticle(ref, first, last));
    start += ref.rows;
  }
  return parts;
}

function partOf(ref: ParticleRef): { ref: ParticleRef; from: number; to: number } | undefined {
  const match = PART.exec(ref.hash);
  if (match === null) return undefined;
  return { ref: { ...ref, hash: match[1] }, from: Number(match[2]), to: Number(match[3]) };
}

/**
 * Source of a store whose particles show the given roles; made in each worker.
 */
export function roledSource(options: RoledOptions): Source {
  const source = storeSource(options.store);
  return {
    ...source,
    async load(ref): Promise<Particle> {
      const part = partOf(ref);
      const whole = await source.load(part?.ref ?? ref);
      const particle = part === undefined ? whole : sliceParticle(whole, part.from, part.to);
      return { ...particle, schema: withRoles(particle.schema, options.roles) };
    },
  };
}

/** Names {@link roledSource} over the store of a reference. */
export function roledReference(store: Reference, schema: Schema): Reference {
  const roles = Object.fromEntries(schema.fields.map((field) => [field.name, field.role]));
  return { module: import.meta.url, name: 'roledSource', options: { store: store.options ?? null, roles } };
}

/** A cache whose keys also hold a variant: partials of the same particles under other roles are other partials. */
export function variantCache(cache: PartialCache, variant: string): PartialCache {
  return {
    get: (key) => cache.get(`${variant} ${key}`),
    put: (key, bytes) => cache.put(`${variant} ${key}`, bytes),
  };
}

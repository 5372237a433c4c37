/**
 * Catching up: a model that begins to follow a stream into a store that has rows already learns those first, one particle
 * at a time. They are not scored, and not stored again.
 */
import { SoraError } from '../../errors.ts';
import type { OnlineLabel } from '../../fit/online/classes.ts';
import { type Column, isPresent } from '../../particle/column.ts';
import type { Particle } from '../../particle/particle.ts';
import type { Schema } from '../../particle/schema.ts';
import type { Snapshot } from '../../store/snapshot.ts';
import type { Store } from '../../store/store.ts';
import type { Hooks } from '../data.ts';
import type { Follower } from './follower.ts';
import type { CheckedFollow } from './options.ts';

/** Throws `bad-option` where rows of the store came from the source itself, which gives them again. */
export function refuseSameSource({ particles }: Snapshot, name: string): void {
  const same = particles.filter(({ source }) => source?.name === name);
  if (same.length === 0) return;
  const rows = same.reduce((sum, particle) => sum + particle.rows, 0);
  throw new SoraError(
    'bad-option',
    `${rows} rows of the store came from ${name}, which gives them again from its start, so they would be learned twice: leave out --catch-up, and follow into a new --store.`,
    { details: { source: name, rows } },
  );
}

/**
 * Different labels of the stored rows, as many as it takes to know the classes: three numbers are no classes unless the
 * task says so. O(rows); nothing is read where the classes were told.
 */
export async function labelsOf(
  store: Store,
  { particles }: Snapshot,
  { target, task, classes }: CheckedFollow,
): Promise<OnlineLabel[]> {
  const found = new Set<OnlineLabel>();
  if (classes !== undefined || task === 'numbers') return [];
  for (const ref of particles) {
    const { schema, columns, rows } = await store.loadParticle(ref);
    const column = columns[schema.fields.findIndex(({ name }) => name === target)];
    if (column !== undefined) addLabels(found, column, rows, task === 'auto' ? 3 : rows);
    if (column?.type === 'number' && task === 'auto' && found.size > 2) break;
  }
  return [...found];
}

/** Adds the labels of a column: of numbers, no more than `most`. */
function addLabels(found: Set<OnlineLabel>, column: Column, rows: number, most: number): void {
  if (column.type === 'category') {
    const used = new Uint8Array(column.dictionary.length);
    for (const code of column.codes) if (code >= 0) used[code] = 1;
    for (let code = 0; code < used.length; code++) if (used[code] === 1) found.add(column.dictionary[code]);
  } else if (column.type === 'number') {
    for (let row = 0; row < rows && found.size < most; row++) {
      if (isPresent(column.validity, row)) found.add(column.values[row]);
    }
  }
}

/** Learns the rows of a snapshot in order. Throws `cancelled` when the signal aborts: nothing has been committed then. */
export async function catchUp(
  store: Store,
  snapshot: Snapshot,
  schema: Schema,
  follower: Follower,
  { signal, onProgress }: Hooks,
): Promise<void> {
  let done = 0;
  for (const ref of snapshot.particles) {
    if (signal?.aborted) {
      throw new SoraError(
        'cancelled',
        `Stopped after ${done} of the ${snapshot.rows} rows that the store had: nothing was committed.`,
      );
    }
    follower.catchUp(withRoles(await store.loadParticle(ref), schema));
    done += ref.rows;
    onProgress?.({ stage: 'catching up', done, total: snapshot.rows, unit: 'rows' });
  }
}

/** The particle with the roles that the stream gives its columns. */
function withRoles(particle: Particle, { fields }: Schema): Particle {
  const roles = new Map(fields.map(({ name, role }) => [name, role]));
  return {
    ...particle,
    schema: {
      fields: particle.schema.fields.map((field) => ({
        ...field,
        role: roles.get(field.name) ?? field.role,
      })),
    },
  };
}

/**
 * A change: what a caller asks a commit to do, and the rules by which it becomes one.
 * Pure: given the change, what it was computed on, and the newest commit, the next commit or a `conflict`.
 */
import { SoraError } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';
import type { Field, Schema } from '../particle/schema.ts';
import type { AddedParticle, Commit, FileRef, RemovedParticle, SourceRecord } from './commit.ts';
import type { Snapshot } from './snapshot.ts';

/** What a commit shall do. Removals come first, then additions at the end of the list. */
export interface Change {
  /** Must be given with the first commit; afterwards columns keep their names and types (see {@link joinSchemas}). */
  readonly schema?: Schema;
  readonly add?: readonly AddedParticle[];
  /** `all`, or particles by hash; with `at` the one at that place of the base snapshot, else each with that hash. */
  readonly remove?: 'all' | readonly { readonly hash: string; readonly at?: number }[];
  readonly sources?: readonly SourceRecord[];
  /** Other files to vouch for, as `putFile` returned them. */
  readonly files?: readonly FileRef[];
  /** Keys of files of earlier commits that are needed no longer; the caller deletes them once the commit stands. */
  readonly drop?: readonly string[];
  readonly why?: string;
  /** Default: the user who runs the process. */
  readonly who?: string;
  /** Number of the commit that the change was computed on; default: the newest. */
  readonly base?: number;
  /** Says that rows and their order stay as they are, and only the cut into particles changes. */
  readonly recut?: boolean;
  /** Looks at the commits made since the base, and throws where the change does not mean the same after them. */
  readonly accept?: (since: readonly Commit[]) => void;
}

/** Whether the change only appends, so that it means the same after other appends. */
export function onlyAdds(change: Pick<Change | Commit, 'remove'>): boolean {
  return change.remove === undefined || (change.remove !== 'all' && change.remove.length === 0);
}

/** Exact places to remove, of the base snapshot; `not-found` if a particle does not stand there. */
export function resolveRemovals(change: Change, base: Snapshot): 'all' | readonly RemovedParticle[] {
  if (change.remove === 'all') return 'all';
  const places = new Map<number, string>();
  for (const { hash, at } of change.remove ?? []) {
    const found =
      at === undefined
        ? base.particles.flatMap((particle, place) => (particle.hash === hash ? [place] : []))
        : base.particles[at]?.hash === hash
          ? [at]
          : [];
    if (found.length === 0) {
      throw new SoraError(
        'not-found',
        `No particle ${hash}${at === undefined ? '' : ` at place ${at}`} in commit ${base.commit}, which has ${base.particles.length} particles. Take hash and place from a snapshot, and its number as \`base\`.`,
        { details: { hash, at, commit: base.commit } },
      );
    }
    for (const place of found) places.set(place, hash);
  }
  return [...places].sort(([a], [b]) => a - b).map(([at, hash]) => ({ at, hash }));
}

/**
 * Throws `conflict` unless the change means the same after the commits made since its base: what only adds does after
 * other additions, and after the same rows were cut anew.
 */
export function checkRebase(change: Change, base: number, since: readonly Commit[]): void {
  const other = onlyAdds(change) ? since.find((commit) => !onlyAdds(commit) && !commit.recut) : since[0];
  if (other === undefined) return;
  throw new SoraError(
    'conflict',
    `Commit ${other.commit} (${other.who}, ${other.when}${other.why && `: ${other.why}`}) came between: the change was computed on commit ${base} and ${onlyAdds(change) ? 'that commit removes particles' : 'removes particles'}. Take a new snapshot and decide again.`,
    { details: { base, other: other.commit } },
  );
}

/** Throws `bad-option` if a change that claims to keep the rows adds more or fewer than it removes. */
export function checkRecut(change: Change, remove: Commit['remove'], base: Snapshot): void {
  if (!change.recut) return;
  const places = remove === 'all' ? base.particles : remove.map(({ at }) => base.particles[at]);
  const count = (list: readonly { readonly rows: number }[]) => list.reduce((sum, { rows }) => sum + rows, 0);
  const [removed, added] = [count(places), count(change.add ?? [])];
  if (removed === added) return;
  throw new SoraError(
    'bad-option',
    `A change that cuts rows anew must add as many as it removes; it removes ${removed} and adds ${added}.`,
    { details: { removed, added } },
  );
}

const fieldKey = (field: Field) => canonicalJson([field.name, field.type] as Json);

/**
 * The schema of the list when particles with schema `added` join those with `present`:
 * names, types and order must agree, else `schema-mismatch`. Sparse columns take the larger width, and roles
 * are those of `added`, the newer word.
 */
export function joinSchemas(present: Schema, added: Schema): Schema {
  const pairs = Math.max(present.fields.length, added.fields.length);
  const fields: Field[] = [];
  for (let i = 0; i < pairs; i++) {
    const [old, field] = [present.fields[i], added.fields[i]];
    if (old === undefined || field === undefined || fieldKey(old) !== fieldKey(field)) {
      const show = (f: Field | undefined) => (f === undefined ? 'no column' : `"${f.name}" (${f.type})`);
      throw new SoraError(
        'schema-mismatch',
        `Column ${i + 1} is ${show(field)}, but in the store it is ${show(old)}. Ingest with the store's types, replace all particles, or use another store.`,
        { details: { column: i, stored: old ?? null, added: field ?? null } },
      );
    }
    const width = Math.max(old.width ?? 0, field.width ?? 0);
    fields.push(width > 0 ? { ...field, width } : field);
  }
  return { fields };
}

/** What a schema change must agree with: the newest commit, without its list. */
export interface Head {
  readonly commit: number;
  readonly schema: Schema;
  /** Number of particles. */
  readonly count: number;
}

/** The head of a log. O(commits): only counts. */
export function headOf(log: readonly Commit[]): Head {
  let count = 0;
  for (const { remove, add } of log) {
    count = (remove === 'all' ? 0 : count - remove.length) + add.length;
  }
  return { commit: log.length, schema: log[log.length - 1]?.schema ?? { fields: [] }, count };
}

const roles = (schema: Schema) => schema.fields.map((field) => field.role).join();

/**
 * The schema after the change on top of `head`, where the change was computed on `base`.
 * `schema-mismatch` if the columns differ from those of particles that stay; `conflict` if they do because
 * another writer came between.
 */
export function resolveSchema(change: Change, base: Snapshot, head: Head): Schema {
  if (change.schema === undefined) {
    if (head.commit === 0) throw new SoraError('schema-mismatch', 'The first commit needs a schema.');
    return head.schema;
  }
  if (head.count === 0 || change.remove === 'all') return change.schema;
  const moved = head.commit > base.commit;
  try {
    const joined = joinSchemas(head.schema, change.schema);
    const others = moved && roles(head.schema) !== roles(base.schema);
    if (!others || roles(head.schema) === roles(joined)) return joined;
  } catch (error) {
    if (!moved) throw error;
    throw schemaConflict(base.commit, head.commit, error);
  }
  throw schemaConflict(base.commit, head.commit);
}

function schemaConflict(base: number, head: number, cause?: unknown): SoraError {
  const why = cause instanceof Error ? ` ${cause.message}` : ' The roles of columns differ.';
  return new SoraError(
    'conflict',
    `The change was computed on commit ${base}, and by commit ${head} another writer had set another schema.${why} Take a new snapshot and decide again.`,
    { cause, details: { base, head } },
  );
}

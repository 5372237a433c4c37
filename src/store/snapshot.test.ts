import { describe, expect, it } from 'vitest';
import { SoraError } from '../errors.ts';
import type { Schema } from '../particle/schema.ts';
import { checkRebase, headOf, joinSchemas, resolveRemovals } from './change.ts';
import type { Commit } from './commit.ts';
import { foldSnapshot, newestSnapshot, resolveAt, snapshotId } from './snapshot.ts';

const schema: Schema = { fields: [{ name: 'x', type: 'number', role: 'feature' }] };
const name = (letter: string) => letter.repeat(64);
const ref = (letter: string, encoding = letter) => ({
  hash: name(letter),
  rows: 10,
  bytes: 100,
  sha256: name(encoding),
});

function log(...changes: Partial<Commit>[]): Commit[] {
  return changes.map((change, i) => ({
    commit: i + 1,
    parent: i === 0 ? null : name('f'),
    schema,
    remove: [],
    add: [],
    sources: [],
    files: [],
    who: 'someone',
    when: `2026-01-0${i + 1}T00:00:00.000Z`,
    why: '',
    nonce: '',
    ...change,
  }));
}

const letters = (commits: Commit[], at = commits.length) =>
  foldSnapshot(commits, at)
    .particles.map((particle) => particle.hash[0])
    .join('');

const failure = (work: () => unknown): SoraError => {
  try {
    work();
  } catch (error) {
    if (error instanceof SoraError) return error;
  }
  throw new Error('expected a SoraError');
};

describe('snapshot', () => {
  const commits = log(
    { add: [ref('a'), ref('b'), ref('a')] },
    { add: [ref('c')] },
    { remove: [{ at: 0, hash: name('a') }], add: [ref('d')] },
    { remove: 'all', add: [ref('e'), ref('a')] },
  );

  it('is a list: order and repeats count, removal is by place', () => {
    expect([0, 1, 2, 3, 4].map((at) => letters(commits, at))).toEqual(['', 'aba', 'abac', 'bacd', 'ea']);
    expect(foldSnapshot(commits, 2)).toMatchObject({ rows: 40, bytes: 400, commit: 2 });
  });

  it('refuses a log that removes what is not there', () => {
    for (const removed of [
      { at: 1, hash: name('a') },
      { at: 7, hash: name('a') },
    ]) {
      const damaged = log({ add: [ref('a'), ref('b')] }, { remove: [removed] });
      expect(failure(() => foldSnapshot(damaged, 2)).code).toBe('corrupt');
    }
    const twice = [
      { at: 0, hash: name('a') },
      { at: 0, hash: name('a') },
    ];
    expect(failure(() => foldSnapshot(log({ add: [ref('a')] }, { remove: twice }), 2)).code).toBe('corrupt');
  });

  it('has an id of its content and order alone', () => {
    const other = log(
      { add: [ref('a')], who: 'another', when: '2020-01-01T00:00:00Z' },
      { add: [ref('b', 'c')] },
    );
    const id = (list: Commit[]) => foldSnapshot(list, list.length).id;
    expect(id(log({ add: [ref('a'), ref('b')] }))).toBe(id(other));
    expect(id(log({ add: [ref('b'), ref('a')] }))).not.toBe(id(other));
    expect(id(log({ add: [ref('a'), ref('b'), ref('b')] }))).not.toBe(id(other));
    expect(snapshotId(schema, [])).not.toBe(snapshotId({ fields: [] }, []));
  });

  it('describes a particle as the last commit that names it', () => {
    const list = log({ add: [ref('a')] }, { add: [ref('b'), { ...ref('a', 'd'), bytes: 90 }] });
    expect(foldSnapshot(list, 1).particles[0]).toMatchObject({ sha256: name('d'), bytes: 90, commit: 1 });
  });

  it('is found by its id, the newest of equal ones', () => {
    const list = log({ add: [ref('a')] }, { add: [ref('b')] }, { remove: [{ at: 1, hash: name('b') }] });
    const { id } = foldSnapshot(list, 1);
    expect(newestSnapshot(list, id)).toEqual(foldSnapshot(list, 3));
    expect(newestSnapshot(list.slice(0, 2), id)).toEqual(foldSnapshot(list, 1));
    expect(newestSnapshot(list, name('z'))).toBeUndefined();
    expect(newestSnapshot(list, undefined)).toBeUndefined();
  });

  it('tells the source of each particle', () => {
    const list = log({ add: [{ ...ref('a'), source: 1 }], sources: [{ name: 'x.csv' }, { name: 'y.csv' }] });
    expect(foldSnapshot(list, 1).particles[0].source).toEqual({ name: 'y.csv' });
  });
});

describe('time travel', () => {
  const commits = log({}, {}, {});

  it.each([
    [undefined, 3],
    [1, 1],
    ['3', 3],
    [-1, 2],
    ['-2', 1],
    ['2026-01-02T00:00:00Z', 2],
    ['2026-01-02T23:59:59+00:00', 2],
    ['2026-01-01', 1],
    ['2030-01-01', 3],
  ])('%s is commit %s', (at, expected) => {
    expect(resolveAt(commits, at)).toBe(expected);
  });

  it.each([
    0,
    4,
    -3,
    '99999999999999999999',
    '2025-12-31T23:59:59Z',
  ])('%s is out of range, and the range is told', (at) => {
    const error = failure(() => resolveAt(commits, at));
    expect(error.code).toBe('not-found');
    expect(error.message).toMatch(/commits 1 to 3 \(or -1 to -2 back.*2026-01-01T00.* to 2026-01-03T00/);
  });

  it('says so when there are none, or when it is no time at all', () => {
    expect(failure(() => resolveAt([], 1)).message).toMatch(/no commits yet/);
    expect(failure(() => resolveAt(commits, 'yesterday')).code).toBe('bad-option');
  });
});

describe('changes', () => {
  const list = log({ add: [ref('a'), ref('b'), ref('a')] });
  const base = foldSnapshot(list, 1);

  it('removes by hash everywhere, or by hash and place', () => {
    expect(resolveRemovals({ remove: [{ hash: name('a') }] }, base)).toEqual([
      { at: 0, hash: name('a') },
      { at: 2, hash: name('a') },
    ]);
    const both = { remove: [{ hash: name('a'), at: 2 }, { hash: name('b') }, { hash: name('a'), at: 2 }] };
    expect(resolveRemovals(both, base)).toEqual([
      { at: 1, hash: name('b') },
      { at: 2, hash: name('a') },
    ]);
    expect(failure(() => resolveRemovals({ remove: [{ hash: name('b'), at: 0 }] }, base)).code).toBe(
      'not-found',
    );
    expect(failure(() => resolveRemovals({ remove: [{ hash: name('c') }] }, base)).code).toBe('not-found');
  });

  it('rebases additions over additions and nothing else', () => {
    const [adds, removes, replaces] = log(
      { add: [ref('a')] },
      { remove: [{ at: 0, hash: name('a') }] },
      { remove: 'all' },
    );
    expect(() => checkRebase({ add: [ref('b')] }, 0, [adds, adds])).not.toThrow();
    expect(() => checkRebase({ remove: 'all' }, 0, [])).not.toThrow();
    expect(failure(() => checkRebase({ add: [] }, 0, [adds, removes])).code).toBe('conflict');
    expect(failure(() => checkRebase({ add: [] }, 0, [replaces])).code).toBe('conflict');
    expect(failure(() => checkRebase({ remove: 'all' }, 0, [adds])).code).toBe('conflict');
    expect(failure(() => checkRebase({ remove: [{ hash: '' }] }, 0, [adds])).code).toBe('conflict');
  });

  it('joins schemas that differ in roles and widths only', () => {
    const sparse = (width: number, role: 'feature' | 'label' = 'feature'): Schema => ({
      fields: [{ name: 's', type: 'sparse', role, width }],
    });
    expect(joinSchemas(sparse(5), sparse(3, 'label'))).toEqual(sparse(5, 'label'));
    expect(joinSchemas(sparse(5), sparse(9))).toEqual(sparse(9));
    const error = failure(() => joinSchemas(schema, sparse(3)));
    expect(error.code).toBe('schema-mismatch');
    expect(error.message).toMatch(/Column 1 is "s" \(sparse\), but in the store it is "x" \(number\)/);
    expect(failure(() => joinSchemas(schema, { fields: [] })).message).toMatch(/Column 1 is no column/);
  });

  it('counts the particles of a log as folding does', () => {
    const commits = log(
      { add: [ref('a'), ref('b')] },
      { remove: [{ at: 0, hash: name('a') }] },
      { remove: 'all' },
    );
    for (let n = 0; n <= 3; n++) {
      expect(headOf(commits.slice(0, n)).count).toBe(foldSnapshot(commits, n).particles.length);
    }
  });
});

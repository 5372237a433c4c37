/** What `drift` compares, and what it says: two ends of a store, a store then and since, a model and new rows, two files. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { driftScreen } from '../cli/drift.ts';
import { randomUniform } from '../random.ts';
import { drift } from './drift.ts';
import { ingest } from './ingest.ts';
import { train } from './train.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-drift-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Rows whose columns change by `by`: a number moves, a category comes, values go missing; `same` stays. */
function rowsOf(count: number, by: number, seed: number) {
  return Array.from({ length: count }, (_, i) => {
    const u = (stream: number) => randomUniform(seed, stream, i);
    return {
      moved: 10 * (u(1) + u(2)) + 10 * by,
      same: Math.round(1000 * u(3)) / 7,
      kind: u(4) < 0.7 * by ? 'new' : u(5) < 0.5 ? 'a' : 'b',
      gone: u(6) < 0.4 * by ? null : u(7),
      on: u(8) < 0.5,
      constant: by > 0 ? 2 : 1,
      y: u(9) < 0.3 + 0.3 * by,
    };
  });
}

const store = join(folder, 'rows.sora');
const csv = (name: string, rows: Record<string, unknown>[]) => {
  const path = join(folder, name);
  const lines = rows.map((row) =>
    Object.values(row)
      .map((value) => value ?? '')
      .join(','),
  );
  writeFileSync(path, `${Object.keys(rows[0]).join(',')}\n${lines.join('\n')}\n`);
  return path;
};

describe('drift', () => {
  it('compares the two ends of a store, and the rows as of a commit with those since', async () => {
    await ingest(rowsOf(4000, 0, 1), { store, target: 'y', workers: 0 });
    const quiet = await drift(store);
    expect(quiet.level).toBe('none');
    expect(quiet.verdict).toBe('No column has changed.');
    expect(quiet.rows).toEqual({ reference: 2000, against: 2000 });
    await ingest(rowsOf(3000, 1, 2), { store, target: 'y', workers: 0, append: true });

    const since = await drift(store, { at: '1', failOver: 0.25 });
    expect(since.rows).toEqual({ reference: 4000, against: 3000 });
    expect(since.failed).toBe(true);
    const of = Object.fromEntries(since.columns.map((column) => [column.name, column]));
    for (const name of ['moved', 'kind', 'gone', 'constant', 'y']) expect(of[name].level).toBe('large');
    for (const name of ['same', 'on']) expect(of[name].level).toBe('none');
    expect(of.same.ks?.corrected).toBeGreaterThan(0.05);
    expect(of.moved.ks?.corrected).toBeLessThan(1e-9);
    expect(of.kind.most).toMatchObject({ place: 'all others', reference: 0 });
    expect(of.gone.missing.against).toBeCloseTo(0.4, 1);
    expect(of.gone.psi).toBeLessThan(of.gone.chance + 0.02);
    expect(of.constant.js).toBeCloseTo(1, 9);
    expect(since.verdict).toMatch(/5 of 7 columns changed much.*label y is among them/s);
    const screen = driftScreen(since);
    expect(screen).toContain('y (label)');
    expect(screen).toContain('0.0 % → 4');

    const window = await drift(store, { window: 500 });
    expect(window.rows).toEqual({ reference: 500, against: 500 });
    expect(window.columns.filter(({ level }) => level === 'large').length).toBe(5);
    expect((await drift(store, { failOver: 1e6 })).failed).toBe(false);
  });

  it('takes parts of particles as it takes whole ones', async () => {
    const parts = join(folder, 'parts.sora');
    const rows = rowsOf(3000, 0, 5);
    await ingest(rows.slice(0, 700), { store: parts, target: 'y', workers: 0 });
    await ingest(rows.slice(700), { store: parts, target: 'y', workers: 0, append: true });
    const whole = join(folder, 'whole.sora');
    await ingest(rows, { store: whole, target: 'y', workers: 0 });
    const [a, b] = await Promise.all([drift(parts, { window: 1000 }), drift(whole, { window: 1000 })]);
    // Edges are quantiles of a sketch, which the cut may move within its error; categories are exact.
    const of = (table: typeof a) => Object.fromEntries(table.columns.map((column) => [column.name, column]));
    expect(of(a).kind).toEqual(of(b).kind);
    expect(of(a).gone.missing).toEqual(of(b).gone.missing);
    for (const { name, psi } of a.columns) expect(Math.abs(psi - of(b)[name].psi)).toBeLessThan(0.01);
  });

  it('compares the training rows of a model with new ones, and two files', async () => {
    const trained = await train(store, {
      target: 'y',
      workers: 0,
      name: 'm',
      at: '1',
      report: false,
    } as never);
    const later = csv('later.csv', rowsOf(2000, 1, 3));
    const byModel = await drift(trained.directory, { against: later });
    expect(byModel.rows).toEqual({ reference: 4000, against: 2000 });
    expect(byModel.level).toBe('large');
    const since = await drift(trained.directory);
    expect(since.rows).toEqual({ reference: 4000, against: 3000 });
    const earlier = csv('earlier.csv', rowsOf(2000, 0, 4));
    const files = await drift(later, { reference: earlier, target: 'y' });
    expect(files.columns.map(({ name }) => name).sort()).toEqual(
      byModel.columns.map(({ name }) => name).sort(),
    );
    expect(files.level).toBe('large');
  });

  it('says which columns cannot be compared', async () => {
    const one = csv('one.csv', rowsOf(300, 0, 6));
    const other = csv(
      'other.csv',
      rowsOf(300, 0, 7).map(({ same, ...rest }) => ({ ...rest, extra: same })),
    );
    const result = await drift(one, { against: other });
    expect(result.incomparable).toEqual(['same: only in the reference', 'extra: not in the reference']);
    expect(result.level).toBe('none');
  });

  it('refuses what is not clear', async () => {
    const [one, other] = [[{ a: 1 }], [{ b: 1 }]].map((list, at) => csv(`apart${at}.csv`, list));
    await expect(drift(one, { against: other, failOver: 0.25 })).rejects.toMatchObject({
      code: 'schema-mismatch',
      message: expect.stringMatching(/no column in common.*a: only in the reference/),
    });
    const both = drift(store, { against: 'a.csv', reference: 'b.csv' });
    await expect(both).rejects.toThrow(/not both/);
    await expect(drift(store, { at: '2' })).rejects.toThrow(/no rows in what has come/);
    await expect(drift(csv('two.csv', rowsOf(10, 0, 8)), { at: '1' })).rejects.toThrow(/is no store/);
    await expect(drift(store, { failOver: -1 })).rejects.toThrow(/--fail-over/);
  });
});

/** Updates: what is exact, what is honest, what stays; and that workers, caches and interruptions change no byte. */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { loadModel } from '../model/files.ts';
import { treeCount } from '../model/forest.ts';
import { glmParameters, modelForest } from '../model/model.ts';
import { randomUniform } from '../random.ts';
import { compact } from './compact.ts';
import { ingest } from './ingest.ts';
import type { TrainOptions, UpdateOptions } from './options.ts';
import { train } from './train.ts';
import { update } from './update.ts';
import { undoUpdate } from './update-versions.ts';

const folder = temporaryFolder();
const FEW = { workers: 0 };

/** Rows of two numbers and a category; the label has noise, so that no fit is perfect. */
function rowsOf(count: number, seed: number, kind: 'number' | 'class') {
  return Array.from({ length: count }, (_, i) => {
    const u = (purpose: number) => randomUniform(seed, purpose, i);
    const [a, b, city] = [u(0), 10 * u(1), ['Rome', 'Oslo', 'Lima'][Math.floor(3 * u(2))]];
    const sum = 3 * a - 0.2 * b + (city === 'Oslo' ? 1 : 0) + 2 * (u(3) - 0.5);
    return { a, b, city, y: kind === 'number' ? sum : sum > 0.6 ? 'yes' : 'no' };
  });
}

let stores = 0;
/** A store of old rows, a model of them, and then the new rows. */
async function situation(kind: 'number' | 'class', options: Partial<TrainOptions> = {}) {
  const store = join(folder, `${stores++}.sora`);
  const given = { ...FEW, report: false, target: 'y', learner: 'linear', numeric: 'standard', ...options };
  const first = await train(rowsOf(2000, 1, kind) as never, { ...given, store } as TrainOptions);
  await ingest(rowsOf(200, 2, kind) as never, { ...FEW, store, append: true });
  const full = (out: string, more: Partial<TrainOptions> = {}) =>
    train(store, { ...given, ...more, out: join(store, out) } as TrainOptions);
  return { store, first, full };
}

const filesOf = (directory: string) =>
  ['model.json', 'parameters.safetensors'].map((name) => readFileSync(join(directory, name), 'hex'));

describe('update of a linear model', () => {
  it('is the full fit for squared loss, of which a quadratic says all', async () => {
    const { store, first } = await situation('number', { loss: 'squared', tolerance: 1e-10 });
    const { model, observed, particles } = await update(first.directory, store, FEW);
    expect(observed).toEqual({ old: 0, new: particles.new });
    const polished = await update(join(`${first.directory}.1`), store, {
      ...FEW,
      polish: 50,
      store,
      out: join(store, 'polished'),
    });
    const [quick, whole] = [glmParameters(model), glmParameters(polished.model)];
    for (const [i, value] of quick.entries()) expect(value).toBeCloseTo(whole[i], 5);
    const before = glmParameters(first.model);
    expect(Math.max(...quick.map((value, i) => Math.abs(value - before[i])))).toBeGreaterThan(1e-3);
  });

  it('comes nearer to the full fit than the model before, from the new rows alone', async () => {
    const { store, first } = await situation('class');
    const { model, observed, after, before, prequential } = await update(first.directory, undefined, FEW);
    expect(observed.old).toBe(0);
    const whole = await update(`${first.directory}.1`, store, {
      ...FEW,
      polish: 50,
      out: join(store, 'whole'),
    });
    const target = glmParameters(whole.model);
    const distance = (parameters: Float64Array) =>
      Math.hypot(...parameters.map((value, i) => value - target[i]));
    expect(distance(glmParameters(model))).toBeLessThan(0.1 * distance(glmParameters(first.model)));
    expect(after?.rows).toBe(before?.rows);
    expect(prequential?.rows).toBe(200);
  });

  it('goes on from update to update, without the rows before', async () => {
    const { store, first } = await situation('class');
    await update(first.directory, undefined, FEW);
    await ingest(rowsOf(200, 3, 'class') as never, { ...FEW, store, append: true });
    const second = await update(first.directory, undefined, { ...FEW, cache: false, evaluate: false });
    expect(second.observed).toEqual({ old: 0, new: 1 });
    expect(second.model.provenance.updates).toHaveLength(2);
    const [one, two] = second.model.provenance.updates!;
    expect(two.snapshot).not.toBe(one.snapshot);
    expect([one.commits, two.commits]).toEqual([
      [2, 2],
      [3, 3],
    ]);
    const whole = await train(store, {
      ...FEW,
      report: false,
      target: 'y',
      learner: 'linear',
      numeric: 'standard',
      out: join(store, 'whole'),
    });
    expect(second.rows.learned).toBe(whole.rows.train);
    await undoUpdate(first.directory);
    expect((await loadModel(first.directory)).provenance.updates).toHaveLength(1);
    await undoUpdate(first.directory);
    expect(await loadModel(first.directory)).toEqual(first.model);
    await expect(undoUpdate(first.directory)).rejects.toThrow(/never updated/);
  });

  it('gives the same bytes with and without a cache, and in place of one that was interrupted', async () => {
    const { store, first } = await situation('class');
    const copy = join(folder, 'copy.sora');
    cpSync(store, copy, { recursive: true });
    const there = (name: string, more: UpdateOptions) =>
      update(first.directory, store, { ...FEW, ...more, out: join(store, name) });
    const { directory } = await there('a', {});
    expect(filesOf((await there('b', { cache: false })).directory)).toEqual(filesOf(directory));
    const place = join(copy, 'models', 'y');
    // Killed after the model before was put aside.
    cpSync(place, `${place}.1`, { recursive: true });
    await update(place, undefined, FEW);
    expect(filesOf(place)).toEqual(filesOf(directory));
  });

  it('judges on rows whose side did not change as rows were appended', async () => {
    const { first, full } = await situation('class');
    const { before, after } = await update(first.directory, undefined, FEW);
    const anew = await full('anew');
    expect(after?.rows).toBe(anew.evaluation?.rows);
    expect(before?.rows).toBeGreaterThan(first.evaluation!.rows);
  });

  it('says what changed, prepares columns anew if asked, and does nothing where nothing is new', async () => {
    const { store, first } = await situation('class');
    const odd = rowsOf(50, 4, 'class').map((row) => ({ ...row, city: 'Kyiv', a: row.a + 5 }));
    await ingest(odd as never, { ...FEW, store, append: true });
    const { changes, directory, report } = await update(first.directory, undefined, FEW);
    expect(readFileSync(report!, 'utf8')).toMatch(/update 1.*1 new level.*Kyiv/s);
    expect(existsSync(join(`${directory}.1`, 'report.html'))).toBe(false);
    expect(changes.join('\n')).toMatch(/a: up to 5\.\d+/);
    expect(changes.join('\n')).toMatch(/city: 1 new level in \d+ rows \(Kyiv\)/);
    const again = await update(directory, undefined, FEW);
    expect(again).toMatchObject({ how: 'nothing new', particles: { new: 0 } });
    const { model } = await update(`${first.directory}.1`, store, {
      ...FEW,
      recipe: 'refit',
      out: join(store, 'refit'),
    });
    expect(JSON.stringify(model.recipe)).toContain('Kyiv');
  });

  it('refuses data that does not follow, and what does not go together', async () => {
    const { store, first } = await situation('class');
    await expect(update(first.directory, store, { ...FEW, rows: 'new' })).rejects.toThrow(/is for trees/);
    await ingest(rowsOf(100, 9, 'class') as never, { ...FEW, store });
    await expect(update(first.directory, store, FEW)).rejects.toThrow(/does not only add/);
    const other = join(folder, 'other.sora');
    await ingest(rowsOf(100, 9, 'class') as never, { ...FEW, store: other });
    await expect(update(first.directory, undefined, { ...FEW, store: other })).rejects.toThrow(
      /no commit of/,
    );
  });
});

describe('a store that was compacted', () => {
  it('is the same rows in another cut, also where one particle holds old and new ones', async () => {
    const { store, first } = await situation('class', { tolerance: 1e-8 });
    const to = (name: string) => ({ ...FEW, out: join(store, name) });
    const before = await update(first.directory, store, to('before'));
    expect((await compact(store)).particles).toMatchObject({ before: 2, after: 1 });
    const after = await update(first.directory, store, to('after'));
    expect(after.rows).toEqual(before.rows);
    expect(after.commits).toEqual([2, 2]);
    expect(after.after!.rows).toBe(before.after!.rows);
    const [a, b] = [glmParameters(after.model), glmParameters(before.model)];
    for (const [i, value] of a.entries()) expect(value).toBeCloseTo(b[i], 6);
    expect(await update(join(store, 'after'), store, FEW)).toMatchObject({ how: 'nothing new' });
    expect(await update(join(store, 'before'), store, FEW)).toMatchObject({ how: 'nothing new' });
  });
});

describe('what an update refuses', () => {
  it('is said with what to do instead', async () => {
    const timed = await situation('class', { split: 'time' });
    await expect(update(timed.first.directory, undefined, FEW)).rejects.toThrow(
      /by their time.*train it anew/,
    );
    const ageing = await situation('class', { halfLife: '500', testFraction: 0 });
    await expect(update(ageing.first.directory, undefined, FEW)).rejects.toThrow(
      /by their time.*train it anew/,
    );
    const lagged = await situation('number', { lags: ['y:1'] });
    await expect(update(lagged.first.directory, undefined, FEW)).rejects.toThrow(/over time.*sora train/);
    const factor = await situation('class', { learner: 'factor', numeric: 'auto' });
    await expect(update(factor.first.directory, undefined, FEW)).rejects.toThrow(
      /factorization machine.*train it anew/,
    );
    await expect(update(factor.first.directory, undefined, { undo: true })).rejects.toThrow(/undoUpdate/);
  });
});

describe('update of trees', async () => {
  const trees = {
    learner: 'trees',
    rounds: 20,
    earlyStopping: 0,
    learningRate: 0.2,
    leaves: 4,
    numeric: 'auto',
  } as const;

  it('adds rounds, drops the oldest, and moves leaves', async () => {
    const { store, first } = await situation('class', trees);
    const to = (name: string) => join(store, name);
    const old = modelForest(first.model);
    const added = await update(first.directory, store, { ...FEW, out: to('added') });
    expect(treeCount(modelForest(added.model))).toBe(22);
    expect(modelForest(added.model).leafValues.slice(0, old.leafValues.length)).toEqual(old.leafValues);
    const dropped = await update(first.directory, store, {
      ...FEW,
      dropRounds: 5,
      rounds: 3,
      out: to('dropped'),
    });
    expect(treeCount(modelForest(dropped.model))).toBe(18);
    expect(dropped.how).toBe('5 oldest dropped, 3 rounds added');
    const refit = await update(first.directory, store, {
      ...FEW,
      trees: 'refit',
      rows: 'new',
      out: to('refit'),
    });
    expect(modelForest(refit.model).thresholds).toEqual(old.thresholds);
    expect(refit.observed).toEqual({ old: 0, new: 1 });
    for (const { after } of [added, dropped, refit])
      expect(after!.metrics.find(({ name }) => name === 'auc')!.value).toBeGreaterThan(0.8);
    await expect(update(first.directory, store, { ...FEW, dropRounds: 20 })).rejects.toThrow(
      /at least one must stay/,
    );
    await expect(update(first.directory, store, { ...FEW, polish: 2 })).rejects.toThrow(
      /is for linear models/,
    );
    expect(existsSync(`${first.directory}.1`)).toBe(false);
  });
});

/**
 * Trees through the whole pipeline, with forests by hand in place of the learner: recipe, evaluation, calibration,
 * folds, model, report, screens.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { forestOf, type Tree } from '../../test/forests.ts';
import { inspectScreen } from '../cli/inspect.ts';
import { trainScreen } from '../cli/train.ts';
import type { TreesResult } from '../fit/tree/fit.ts';
import type { FitTreesOptions } from '../fit/tree/options.ts';
import type { ColumnType, Field } from '../particle/schema.ts';
import { randomUniform } from '../random.ts';
import { evaluate } from './evaluate.ts';
import { ingest } from './ingest.ts';
import { inspect } from './inspect.ts';
import { chooseLearner } from './learner.ts';
import { loadModel } from './load-model.ts';
import type { TrainOptions } from './options.ts';
import { predict } from './predict.ts';
import { train } from './train.ts';

const asked: FitTreesOptions[] = [];

vi.mock('../fit/tree/fit.ts', () => ({
  fitTrees: (_session: unknown, options: FitTreesOptions): Promise<TreesResult> => {
    asked.push(options);
    return Promise.resolve(byHand(options));
  },
}));
afterEach(() => void asked.splice(0));

/** One tree an output: income by age, and by the commonest city; features are age, city, member, note. */
function byHand({ features, outputs, onRound }: FitTreesOptions): TreesResult {
  const city: Tree = { feature: 1, among: [0], gain: 10, left: 2, right: 1 };
  const tree: Tree = { feature: 0, at: 50, gain: 30, left: -1.5, right: city };
  const history = [1, 2, 3].map((round) => ({ round, trainLoss: 1 / round, holdOutLoss: 1.5 / round }));
  for (const round of history) onRound?.(round);
  const treeOutputs = Array.from({ length: outputs }, (_, k) => k);
  const forest = forestOf(
    treeOutputs.map(() => tree),
    { features, outputs, treeOutputs },
  );
  return {
    forest,
    loss: 'logistic',
    rounds: 2,
    stopped: 'early',
    history,
    rows: 1,
    weight: 1,
    replayed: false,
  };
}

const CITIES = ['Rome', 'Oslo', 'Lima'];
const rows = Array.from({ length: 1200 }, (_, i) => {
  const age = 20 + Math.floor(60 * randomUniform(1, i, 0));
  const city = i % 29 === 0 ? null : CITIES[Math.floor(4 * randomUniform(1, i, 1) ** 2) % 3];
  const high = age > 50 === randomUniform(1, i, 2) > 0.15;
  return { age: i % 17 === 0 ? null : age, city, member: i % 3 === 0, label: high ? 'yes' : 'no' };
});

const folder = temporaryFolder();
let stores = 0;
function trained(options: Partial<TrainOptions> = {}, data: readonly object[] = rows) {
  const store = join(folder, `${stores++}.sora`);
  return train(data as never, { target: 'label', learner: 'trees', workers: 0, store, ...options });
}

describe('train --learner trees', () => {
  it('fits on a recipe for trees, evaluates, and says what was found', async () => {
    const notes: string[] = [];
    const result = await train(rows, {
      ...{ target: 'label', learner: 'trees', workers: 0, store: join(folder, 'first.sora') },
      rounds: 7,
      leaves: 5,
      onProgress: ({ stage, note }) => void (stage === 'fitting' && notes.push(note ?? '')),
    });
    // Few rows: three times other ones are kept back, then all are learned from.
    const [options, second, third, again] = asked;
    expect(new Set([options, second, third].map(({ seed }) => seed)).size).toBe(3);
    expect(second).toEqual({ ...options, seed: second.seed });
    expect(again).toEqual({
      ...{ ...options, rounds: 2, earlyStopping: 0, holdOut: 0 },
      onRound: again.onRound,
    });
    expect(options).toMatchObject({
      loss: { name: 'logistic' },
      outputs: 1,
      features: 3,
      rounds: 7,
      leaves: 5,
      seed: 1,
    });
    expect(options).toMatchObject({ categorical: [false, true, false], earlyStopping: 150, holdOut: 0.1 });
    expect(notes[0]).toBe('loss 1.000000, 1.500000 on rows kept back');
    expect(result).toMatchObject({ learner: 'gradient-boosted trees, logistic loss', featureCount: 3 });
    expect(result).toMatchObject({ fit: { converged: true, reason: 'early', rounds: 2 }, coefficients: [] });
    expect(result.strength).toBe('gain');
    expect(result.features.slice(0, 2)).toEqual([
      { name: 'age', strength: 0.75 },
      { name: 'city', strength: 0.25 },
    ]);
    const auc = result.evaluation?.metrics.find(({ name }) => name === 'auc');
    expect(auc?.value).toBeGreaterThan(0.7);
    const { learner, recipe } = result.model;
    expect(learner).toMatchObject({ name: 'trees', trainLoss: 0.5, holdOutLoss: 0.75, rounds: 2 });
    expect(learner.options).toMatchObject({ rounds: 7, leaves: 5, learningRate: 0.05, stoppingShare: 0.1 });
    expect(recipe.steps.map(({ transform }) => transform)).toEqual(['raw', 'codes', 'raw']);
    const screen = trainScreen(result);
    expect(screen).toMatch(
      /gradient-boosted trees, logistic loss · 3 features · 2 rounds kept; more did not/,
    );
    expect(screen).toMatch(/strongest columns by share of the gain\n +age +▇+ +75\.0 %/);
    expect(screen).not.toMatch(/largest coefficients/);
    const page = readFileSync(result.report!, 'utf8');
    expect(page).toMatch(/Loss by round/);
    expect(page).toMatch(/kept back<\/text>/);
    expect(page).toMatch(/share of the gain/);
    expect(result.contributions).toMatchObject({ unit: 'log odds', rows: result.rows.test });
    expect(result.contributions?.columns[0].name).toBe('age');
    expect(page).toMatch(/SHAP value\) to \d+ held-out rows, in log odds/);
  });

  it('gives a model that is read, evaluated, applied and inspected', async () => {
    const { directory, evaluation } = await trained();
    const model = await loadModel(directory);
    const answers = model.predict([
      { age: 60, city: 'Rome', member: true },
      { age: 30, city: 'Nowhere', member: null },
      { age: null, city: null, member: null },
    ]);
    expect(answers.map(({ label }) => label)).toEqual(['yes', 'no', 'yes']);
    const out = join(folder, 'predictions.csv');
    await predict(directory, rows as never, { out });
    expect(readFileSync(out, 'utf8').trim().split('\n')).toHaveLength(1201);
    const again = await evaluate(directory, rows as never, { workers: 0 });
    expect(again.evaluation.metrics.map(({ name }) => name)).toEqual(
      evaluation?.metrics.map(({ name }) => name),
    );
    const found = await inspect(directory);
    const screen = inspectScreen(found);
    expect(screen).toMatch(/trees +1, 3 leaves, up to 2 deep/);
    expect(screen).toMatch(/mean loss +0\.5 training, 0\.75 on rows kept back/);
    expect(screen).toMatch(/age +75\.0 %/);
  });

  it('cross-validates, calibrates and weighs classes', async () => {
    const store = join(folder, 'parts.sora');
    for (const part of [rows.slice(0, 600), rows.slice(600)])
      await ingest(part as never, { store, append: true, workers: 0 });
    const options = { target: 'label', learner: 'trees', workers: 0, classWeight: 'balanced' } as const;
    const result = await train(store, { ...options, folds: 2, calibrate: true });
    expect(asked).toHaveLength(12);
    expect(asked[0].view.name).toBe('classWeightedView');
    expect(result.folds?.[0].values).toHaveLength(2);
    expect(result.model.tensors.base.values[0]).not.toBe(0);
    const plain = await train(store, { ...options, report: false });
    // One half of the held-out rows calibrates, the other judges; every margin is stretched by the same slope.
    expect((result.rows.calibration as number) + result.rows.test).toBe(plain.rows.test);
    const [stretched, leaves] = [result, plain].map(({ model }) => model.tensors.leafValues.values);
    const slope = stretched[1] / leaves[1];
    stretched.forEach((value, i) => {
      expect(value).toBeCloseTo(slope * leaves[i], 12);
    });
  });

  it('takes classes, numbers and counts', async () => {
    const classes = rows.map((row, i) => ({ ...row, label: ['a', 'b', 'c'][i % 3] }));
    expect((await trained({ report: false }, classes)).model.learner).toMatchObject({
      ...{ loss: 'softmax', outputs: 3, name: 'trees' },
    });
    const numbers = rows.map((row, i) => ({ ...row, label: i / 7 }));
    expect((await trained({ report: false }, numbers)).model.learner).toMatchObject({ loss: 'squared' });
    const counts = rows.map((row, i) => ({ ...row, label: i % 4, days: 1 + (i % 5) }));
    const counted = await trained({ report: false, exposure: 'days' }, counts);
    expect(counted.model.learner).toMatchObject({ loss: 'poisson' });
    expect(counted.evaluation?.metrics.length).toBeGreaterThan(0);
  });

  it('refuses options of the other learner, and names the way', async () => {
    await expect(trained({ l1: 1 })).rejects.toThrow(/--l1 is for linear models.*--learner linear/);
    const linear = trained({ learner: 'linear', leaves: 63 });
    await expect(linear).rejects.toMatchObject({ code: 'bad-option' });
    await expect(linear).rejects.toThrow(/--leaves is for gradient-boosted trees.*add --learner trees/);
    expect(asked).toHaveLength(0);
  });

  it('is what a table gets when nothing is said, which is told', async () => {
    const told: string[] = [];
    const onNote = (note: string) => void told.push(note);
    const { model, notes, directory } = await trained({ learner: undefined, onNote } as never);
    expect(model.learner.name).toBe('trees');
    expect(notes).toContain('trees: 1,200 rows × 3 columns, tabular');
    expect(told).toContain('trees: 1,200 rows × 3 columns, tabular');
    expect(existsSync(join(directory, 'report.html'))).toBe(true);
    await expect(trained({ learner: 'auto', l1: 1 })).rejects.toThrow(/add --learner linear/);
  });

  it('leaves text, very wide sparse features and few rows to linear models', async () => {
    const few = await trained({ learner: undefined }, rows.slice(0, 150));
    expect(few.model.learner.name).toBe('glm');
    expect(few.notes).toContain('linear: 150 rows × 3 columns, few rows');
    const field = (name: string, type: ColumnType, width?: number) => ({
      ...{ name, type, role: 'feature' as const },
      ...(width ? { width } : {}),
    });
    const label = { name: 'y', type: 'category', role: 'label' } as const;
    const chosen = (...fields: Field[]) => chooseLearner({ fields: [label, ...fields] }, 5000);
    const text = field('note', 'text');
    expect(chosen(text)).toEqual({ family: 'linear', why: '5,000 rows × 1 column, mostly text' });
    expect(chosen(text, field('a', 'number'), field('b', 'number')).family).toBe('trees');
    expect(chosen(field('words', 'sparse', 47_236))).toEqual({
      ...{ family: 'linear', why: '5,000 rows × 47,236 sparse features' },
    });
    expect(chosen(field('words', 'sparse', 1024)).family).toBe('trees');
  });
});

/** Imported models predict what LightGBM and XGBoost predicted (scripts/goldens/exchange.py); what is refused says why. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SoraError } from '../../errors.ts';
import { createParticle } from '../../particle/create.ts';
import { modelFiles, modelFromFiles } from '../files.ts';
import { CATEGORICAL } from '../forest.ts';
import type { Model } from '../model.ts';
import { type Predictions, predictParticle } from '../predict.ts';
import { importText } from './import.ts';
import { importedModel } from './model.ts';

interface Case {
  readonly file: string;
  readonly columns: Readonly<Record<string, readonly (number | string | null)[]>>;
  readonly raw: readonly number[];
  readonly prediction: readonly number[];
}

const textOf = (file: string) => readFileSync(new URL(`./fixtures/${file}`, import.meta.url), 'utf8');
const { cases } = JSON.parse(textOf('imports.json')) as { cases: Record<string, Case> };

function modelOf(text: string, file = 'here', target = 'y'): Model {
  return importedModel(importText(text, file), { target }, '0.0.0', file);
}

/** The rows of a golden as the model's schema reads them. */
function rowsOf(model: Model, { columns }: Case) {
  const types = Object.fromEntries(
    model.schema.fields.map(({ name, type }) => [name, type as 'number' | 'category']),
  );
  const cell = (value: number | string | null, type: string) =>
    value === null
      ? null
      : type === 'category'
        ? String(value)
        : Number(String(value).replace('inf', 'Infinity'));
  const read = Object.fromEntries(
    Object.entries(columns).map(([name, values]) => [name, values.map((value) => cell(value, types[name]))]),
  );
  return createParticle({
    columns: read,
    types: Object.fromEntries(Object.keys(read).map((n) => [n, types[n]])),
  });
}

function answers({ kind, values, probabilities }: Predictions): number[] {
  if (kind === 'binary') return Array.from(probabilities!).filter((_, i) => i % 2 === 1);
  return Array.from(kind === 'multiclass' ? probabilities! : values!);
}

/** Largest difference, as a share of the numbers where they exceed 1. */
function difference(found: ArrayLike<number>, expected: readonly number[]): number {
  expect(found.length).toBe(expected.length);
  return Math.max(...expected.map((x, i) => Math.abs(found[i] - x) / Math.max(1, Math.abs(x))));
}

describe('an imported model', () => {
  it.each(Object.entries(cases))('%s: predicts the same', (name, one) => {
    const model = modelOf(textOf(one.file));
    const predictions = predictParticle(model, rowsOf(model, one));
    // LightGBM sums f64 in the order of trees, as here; averages and sigmoids are rounded elsewhere. XGBoost sums f32.
    const tolerance = name.startsWith('xgboost') ? 1e-6 : 1e-14;
    // LightGBM's raw scores know nothing of the slope of its sigmoid (2), nor of the mean over a random forest (8 trees).
    const factor = { 'lightgbm-no-missing': 2, 'lightgbm-forest': 1 / 8 }[name] ?? 1;
    const scaled = one.raw.map((x) => factor * x);
    expect(difference(predictions.margins, scaled)).toBeLessThanOrEqual(tolerance);
    expect(difference(answers(predictions), one.prediction)).toBeLessThanOrEqual(Math.max(tolerance, 1e-14));
    expect(new Set(one.prediction).size).toBeGreaterThan(10);
    expect(modelFromFiles(modelFiles(model), 'here')).toEqual(model);
  });

  it('asks missing values, sets and names of categories in the goldens', () => {
    const flags = (name: string) => importText(textOf(cases[name].file), 'x').forest.flags;
    expect(flags('lightgbm-binary-categories')).toContain(CATEGORICAL);
    expect(new Set(flags('lightgbm-no-missing'))).toEqual(new Set([0, 1]));
    for (const name of ['lightgbm-multiclass-pandas', 'xgboost-multiclass']) {
      const { features, forest } = importText(textOf(cases[name].file), 'x');
      expect(features.map(({ levels }) => levels?.length)).toEqual([undefined, undefined, 7]);
      expect(features[2].levels).toContain('pink');
      expect(forest.flags.some((flag) => (flag & CATEGORICAL) !== 0)).toBe(true);
    }
  });

  it('has its features as columns, the names that are given, and says where it comes from', () => {
    const imported = importText(textOf('xgboost-multiclass.json'), 'x');
    const model = importedModel(imported, { target: 'mood', classes: ['a', 'b', 'c'] }, '1.2.3', 'x');
    expect(model.schema.fields.map(({ name, type, role }) => [name, type, role])).toEqual([
      ['x0', 'number', 'feature'],
      ['x2', 'number', 'feature'],
      ['colour', 'category', 'feature'],
      ['mood', 'category', 'label'],
    ]);
    expect(model.recipe.label).toMatchObject({ kind: 'multiclass', classes: ['a', 'b', 'c'] });
    expect(model.learner).toMatchObject({
      reason: 'imported',
      options: { source: 'XGBoost 3.2.0', objective: 'multi:softprob' },
      outputs: 3,
      rounds: 8,
    });
    expect(model.provenance).toEqual({ sora: '1.2.3' });
  });
});

describe('what cannot be imported', () => {
  const lightgbm = textOf('lightgbm-regression.txt');
  const xgboost = textOf('xgboost-regression.json');
  const withObjective = (objective: string) =>
    lightgbm.replace('objective=regression', `objective=${objective}`);

  it.each([
    ['another file', 'a,b\n1,2\n', /neither a text model of LightGBM nor a JSON model of XGBoost/],
    [
      'another objective',
      withObjective('lambdarank'),
      /objective "lambdarank" cannot be imported. Known are/,
    ],
    ['square roots', withObjective('regression sqrt'), /square roots of its labels/],
    [
      'linear trees',
      lightgbm.replaceAll('is_linear=0', 'is_linear=1'),
      /here, tree 0: a tree with linear models/,
    ],
    ['a cut file', lightgbm.slice(0, 5000), /no line "end of trees"/],
    [
      'a lost field',
      lightgbm.replace(/^right_child=.*\n/m, ''),
      /here, tree 0: there is no field "right_child"/,
    ],
    [
      'short lists',
      lightgbm.replace(/^threshold=\S+ /m, 'threshold='),
      /tree 0: field "threshold" is not 9 numbers/,
    ],
    [
      'a circle',
      lightgbm.replace(/^left_child=.*$/m, 'left_child=0 0 0 0 0 0 0 0 0'),
      /tree 0 has a node that is its own/,
    ],
    ['a lost child', lightgbm.replace(/^left_child=\S+/m, 'left_child=99'), /there is no node 99/],
    ['a lost feature', lightgbm.replace(/^split_feature=\S+/m, 'split_feature=7'), /asks feature 7 of 4/],
    [
      'sets out of order',
      textOf('lightgbm-binary-categories.txt').replace(/^cat_boundaries=0 \d+/m, 'cat_boundaries=0 99'),
      /tree \d: field "cat_/,
    ],
    [
      'too many outputs',
      xgboost.replace('"num_class":"0"', '"num_class":"1000000000"'),
      /there are 1000000000 outputs/,
    ],
    ['half rounds', lightgbm.replace('num_tree_per_iteration=1', 'num_tree_per_iteration=3'), /rounds of 3/],
    [
      'zeros to the other side',
      lightgbm.replace(/^decision_type=\S+/m, 'decision_type=4').replace(/^threshold=\S+/m, 'threshold=1'),
      /sends zeros to the right as missing values/,
    ],
    [
      'no numbers',
      lightgbm.replace(/^leaf_value=\S+/m, 'leaf_value=inf'),
      /node \d+ of tree 0 has the value Infinity/,
    ],
    ['another booster', xgboost.replace('"name":"gbtree"', '"name":"gblinear"'), /booster "gblinear" cannot/],
    [
      'another objective of XGBoost',
      xgboost.replace('reg:squarederror', 'rank:ndcg'),
      /objective "rank:ndcg"/,
    ],
    ['half a JSON', xgboost.slice(0, -20), /it is no JSON/],
    ['a missing list', xgboost.replace('"left_children"', '"left"'), /left_children/],
    [
      'a base out of range',
      xgboost
        .replace('reg:squarederror', 'count:poisson')
        .replace(/"base_score":"[^"]*"/, '"base_score":"[-1E0]"'),
      /base_score "\[-1E0\]" is no start/,
    ],
  ])('%s', (_, text, message) => {
    expect([lightgbm, xgboost]).not.toContain(text);
    expect(() => modelOf(text)).toThrow(message);
  });

  it('whatever is damaged: it is said so, or what was read can be predicted with', () => {
    const texts = Object.values(cases).map(({ file }) => textOf(file));
    const tokens = ['', '0', '-1', '7', '1e9', '99999999999', 'nan', 'inf', ' ', '\n', ',', '[]', '"'];
    const damage = fc.record({
      text: fc.constantFrom(...texts),
      at: fc.nat(20_000),
      length: fc.nat(12),
      put: fc.constantFrom(...tokens),
    });
    let read = 0;
    const property = fc.property(damage, ({ text, at, length, put }) => {
      const from = at % text.length;
      const damaged = text.slice(0, from) + put + text.slice(from + length);
      try {
        const model = modelOf(damaged);
        const columns = Object.fromEntries(
          model.schema.fields.map(({ name, type }) => [
            name,
            type === 'category' ? ['3', null] : [0.5, null],
          ]),
        );
        const types = Object.fromEntries(
          model.schema.fields.map(({ name, type }) => [name, type as 'number' | 'category']),
        );
        const { margins } = predictParticle(model, createParticle({ columns, types }));
        expect(margins.some(Number.isNaN)).toBe(false);
        read++;
      } catch (error) {
        if (!(error instanceof SoraError) || error.code === 'internal') throw error;
        expect(['bad-input', 'bad-option', 'unsupported-format', 'corrupt']).toContain(error.code);
      }
    });
    fc.assert(property, { numRuns: 400 });
    expect(read).toBeGreaterThan(20);
  });

  it('a target that is a feature, or classes that do not fit', () => {
    expect(() => modelOf(lightgbm, 'm.txt', 'x1')).toThrow(
      /target "x1" is also a feature of m.txt.*--target/,
    );
    const imported = importText(textOf('lightgbm-no-missing.txt'), 'm.txt');
    const named = (classes: string[]) => () =>
      importedModel(imported, { target: 'y', classes }, '0', 'm.txt');
    expect(named(['no'])).toThrow(/tells 2 classes apart, and --classes names 1/);
    expect(named(['no', 'no'])).toThrow(/--classes names 1/);
    expect(named(['no', 'yes'])().recipe.label?.positive).toBe('yes');
  });

  it('zero as missing is read where it changes nothing', () => {
    const [first] = /^decision_type=.*$/m.exec(lightgbm)!;
    const thresholds = /^threshold=(.*)$/m.exec(lightgbm)![1].split(' ').map(Number);
    const types = thresholds.map((t) => (t > 0 ? 6 : 4)).join(' ');
    const { forest } = importText(lightgbm.replace(first, `decision_type=${types}`), 'x');
    expect(forest.nodeFeatures.length).toBe(importText(lightgbm, 'x').forest.nodeFeatures.length);
  });
});

/**
 * Exported models: the bytes that LightGBM and onnxruntime were given (scripts/goldens/exchange.mjs), and that what both
 * predicted from them (exchange.py) is what Sora predicts.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { forestOf, type Tree } from '../../../test/forests.ts';
import { smallModel, smallTreeModel } from '../../../test/small-model.ts';
import { exp, sigmoid } from '../../kernel/elementary.ts';
import { loadModel } from '../files.ts';
import { CATEGORICAL, type Forest, MISSING_LEFT } from '../forest.ts';
import { forestRow } from '../forest-predict.ts';
import type { Model } from '../model.ts';
import { type Exported, exportedModel } from './exported.ts';
import { importText } from './import.ts';
import { importedModel } from './model.ts';
import { lightgbmText } from './to-lightgbm.ts';
import { onnxBytes } from './to-onnx.ts';

interface Case {
  readonly rows: readonly (readonly (number | null)[])[];
  readonly lightgbm: { readonly raw: readonly number[]; readonly prediction: readonly number[] };
  readonly onnx: {
    readonly prediction?: readonly number[];
    readonly probabilities?: readonly number[];
    readonly label?: readonly string[];
  };
}

const folder = new URL('./fixtures/', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('exports.json', folder), 'utf8')) as {
  cases: Record<string, Case>;
};

async function modelOf(name: string): Promise<Model> {
  if (name.startsWith('sora')) return loadModel(new URL('../fixtures/v2', import.meta.url).pathname);
  const file = `${name}.${name.startsWith('lightgbm') ? 'txt' : 'json'}`;
  const text = readFileSync(new URL(file, folder), 'utf8');
  return importedModel(importText(text, file), { target: 'y' }, '0.0.0', file);
}

/** Margins of rows of features, row by row. */
function marginsOf(forest: Forest, rows: Case['rows']): number[] {
  const sums = new Float64Array(forest.outputs);
  return rows.flatMap((row) => {
    const features = Float32Array.from(row, (x) => x ?? Number.NaN);
    return Array.from(forestRow(forest, features, sums));
  });
}

/** What a loss makes of margins: probabilities (of the positive class alone), or numbers. */
function answersOf({ loss, forest }: Exported, margins: readonly number[]): number[] {
  if (loss === 'logistic') return margins.map(sigmoid);
  if (loss === 'poisson') return margins.map(exp);
  if (loss !== 'softmax') return [...margins];
  return margins.map((_, i) => {
    const from = i - (i % forest.outputs);
    const row = margins.slice(from, from + forest.outputs);
    const top = Math.max(...row);
    return exp(margins[i] - top) / row.reduce((sum, x) => sum + exp(x - top), 0);
  });
}

function expectNear(found: readonly number[], expected: readonly number[], tolerance: number): void {
  expect(found.length).toBe(expected.length);
  found.forEach((x, i) => {
    expect(Math.abs(x - expected[i])).toBeLessThanOrEqual(tolerance * Math.max(1, Math.abs(x)));
  });
}

describe('an exported model', () => {
  it.each(Object.entries(cases))('%s: is predicted with alike elsewhere', async (name, one) => {
    const exported = exportedModel(await modelOf(name), name);
    const text = lightgbmText(exported);
    expect(text).toBe(readFileSync(new URL(`exports/${name}.txt`, folder), 'utf8'));
    const bytes = readFileSync(new URL(`exports/${name}.onnx`, folder));
    expect(Buffer.compare(onnxBytes(exported, '0.0.0'), bytes)).toBe(0);

    const margins = marginsOf(exported.forest, one.rows);
    const answers = answersOf(exported, margins);
    expect(one.lightgbm.raw).toEqual(margins);
    expectNear(answers, one.lightgbm.prediction, 1e-14);

    const { prediction, probabilities, label } = one.onnx;
    const isBinary = exported.loss === 'logistic';
    const both = isBinary ? answers.flatMap((p, i) => [sigmoid(-margins[i]), p]) : answers;
    expectNear(both, (prediction ?? probabilities)!, 1e-6);
    expect(label !== undefined).toBe(exported.classes !== undefined);
    for (const [row, found] of (label ?? []).entries()) {
      const width = exported.classes!.length;
      const own = both.slice(row * width, (row + 1) * width);
      const top = isBinary ? Number(own[1] >= exported.threshold) : own.indexOf(Math.max(...own));
      expect(found).toBe(exported.classes![top]);
    }
  });

  it('asks categories and missing values on both sides in the goldens', async () => {
    const names = ['lightgbm-binary-categories', 'xgboost-binary-categories'];
    const flags = await Promise.all(
      names.map(async (name) => exportedModel(await modelOf(name), name).forest.flags),
    );
    expect(flags[0]).toContain(CATEGORICAL);
    expect(flags[1]).toContain(CATEGORICAL | MISSING_LEFT);
    const holes = cases['xgboost-binary-categories'].rows.filter((row) => row.includes(null));
    expect(holes.length).toBeGreaterThan(20);
  });

  it.each([
    'binary',
    'multiclass',
    'regression',
    'count',
  ] as const)('%s: comes back the same', async (kind) => {
    const model = await smallTreeModel(kind);
    const exported = exportedModel(model, 'here');
    const again = importText(lightgbmText(exported), 'there');
    expect(again.loss).toBe(model.learner.loss);
    expect(again.features).toEqual(
      exported.features.map(({ name, levels }) => (levels ? { name, levels, other: false } : { name })),
    );
    const cell = (row: number, f: number) => ((row * 7 + f * 3) % 5 === 0 ? null : (row * 13 + f * 5) % 40);
    const rows = Array.from({ length: 80 }, (_, row) => exported.features.map((_f, f) => cell(row, f)));
    const levels = exported.features.map((feature) => feature.levels?.length);
    const valid = rows.map((row) =>
      row.map((x, f) => (x === null || levels[f] === undefined ? x : x % levels[f])),
    );
    expect(marginsOf(again.forest, valid)).toEqual(marginsOf(exported.forest, valid));
  });

  it('of no trees, of trees without splits and of uneven outputs is whole', () => {
    const split: Tree = { feature: 0, at: 1, left: 1, right: 2 };
    const exported = (trees: Tree[], outputs: number, treeOutputs?: number[]): Exported => ({
      forest: forestOf(trees, { features: 1, outputs, base: [0.5, -1, 2].slice(0, outputs), treeOutputs }),
      loss: outputs === 1 ? 'squared' : 'softmax',
      features: [{ name: 'a b' }],
      classes: ['x', 'y', 'z'],
      threshold: 0.5,
      notes: [],
    });
    for (const one of [exported([], 1), exported([7], 1), exported([split, 3, split], 3, [2, 2, 0])]) {
      const text = lightgbmText(one);
      expect(text).toContain('feature_names=a_b\n');
      const again = importText(text, 'there').forest;
      expect(marginsOf(again, [[0], [3], [null]])).toEqual(marginsOf(one.forest, [[0], [3], [null]]));
      expect(onnxBytes(one, '1').length).toBeGreaterThan(300);
    }
  });

  it('is not one of a linear model', async () => {
    const model = await smallModel('binary');
    expect(() => exportedModel(model, 'models/y')).toThrow(/models\/y is a linear model.*--learner trees/);
  });
});

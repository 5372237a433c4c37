/** `sora import` and `sora export`: a model of LightGBM goes in, predicts what LightGBM predicted, and comes out again. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportModel, importModel, loadModel } from '../src/index.ts';
import { saveModel } from '../src/model/files.ts';
import { ROOT, sora, temporaryFolder } from './cli.ts';
import { smallModel, smallTreeModel } from './small-model.ts';

const FIXTURES = join(ROOT, 'src', 'model', 'exchange', 'fixtures');
const { cases } = JSON.parse(readFileSync(join(FIXTURES, 'imports.json'), 'utf8'));
const folder = temporaryFolder();
const run = (...words: string[]) => sora(words, { cwd: folder });

/** Columns of a golden as CSV; what is missing is empty. */
function csvOf(columns: Record<string, readonly (number | string | null)[]>): string {
  const names = Object.keys(columns);
  const rows = columns[names[0]].map((_, row) => names.map((name) => columns[name][row] ?? '').join(','));
  return `${[names.join(','), ...rows].join('\n')}\n`;
}

describe('sora import and export', () => {
  it('take a model in, predict with it, and give it out', async () => {
    const golden = cases['lightgbm-binary-categories'];
    const source = join(FIXTURES, golden.file);
    const made = await run('import', source, '--out', 'm.model', '--target', 'paid', '--classes', 'no,yes');
    expect([made.code, made.stderr]).toEqual([0, '']);
    expect(made.stdout).toMatch(/model +8 trees, 80 leaves, of LightGBM \(binary sigmoid:1\)/);
    expect(made.stdout).toMatch(/predicts +paid \(binary: no, yes\)/);

    const shown = await run('inspect', 'm.model');
    expect(shown.stdout).toMatch(/target +paid · imported from LightGBM, objective binary sigmoid:1/);
    expect(shown.stdout).toMatch(
      /learner +gradient-boosted trees, logistic loss, by LightGBM, 8 rounds, imported/,
    );

    writeFileSync(join(folder, 'rows.csv'), csvOf(golden.columns));
    const predicted = await run('predict', 'm.model', 'rows.csv', '--out', 'p.csv');
    expect(predicted.code).toBe(0);
    const lines = readFileSync(join(folder, 'p.csv'), 'utf8').trim().split('\n');
    expect(lines[0]).toBe('prediction,probability,p(no),p(yes)');
    const positive = lines.slice(1).map((line) => Number(line.split(',')[3]));
    expect(positive).toHaveLength(60);
    positive.forEach((p, row) => {
      expect(p).toBeCloseTo(golden.prediction[row], 12);
    });

    const written = await run('export', 'm.model', '--out', 'again.txt', '--json');
    expect(JSON.parse(written.stdout)).toMatchObject({ format: 'lightgbm', trees: 8, leaves: 80, notes: [] });
    const again = await run('import', 'again.txt', '--classes', 'no,yes', '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ kind: 'binary', columns: ['x0', 'x2', 'code'] });
    expect((await run('predict', 'again.model', 'rows.csv', '--out', 'q.csv')).code).toBe(0);
    expect(readFileSync(join(folder, 'q.csv'), 'utf8')).toBe(readFileSync(join(folder, 'p.csv'), 'utf8'));
  });

  it('replace nothing unasked', async () => {
    const source = join(FIXTURES, 'xgboost-regression.json');
    const out = join(folder, 'twice.model');
    await importModel(source, { out });
    await expect(importModel(source, { out })).rejects.toThrow(/twice\.model is there already.*--force/);
    await importModel(source, { out, target: 'price', force: true });
    expect((await loadModel(out)).model.recipe.label).toMatchObject({ column: 'price', kind: 'number' });
    const file = join(folder, 'twice.onnx');
    const { bytes } = await exportModel(out, { out: file });
    expect(readFileSync(file)).toHaveLength(bytes);
    const named = await run('export', 'twice.model', '--format', 'onnx');
    expect([named.code, named.stdout]).toEqual([0, expect.stringMatching(/twice\.model\.onnx \(onnx, /)]);
    expect((await run('export', 'twice.model', '--out', 'twice.onnx')).code).toBe(2);
    expect((await run('export', 'twice.model', '--out', 'twice.onnx', '--force')).code).toBe(0);
  });

  it('say what they cannot do, and what can be done', async () => {
    const nothing = await run('import', 'nothing.txt');
    expect([nothing.code, nothing.stderr]).toEqual([3, 'sora: There is no file nothing.txt.\n']);
    writeFileSync(join(folder, 'odd.txt'), 'odd');
    const odd = await run('import', 'odd.txt');
    expect(odd.code).toBe(4);
    expect(odd.stderr).toMatch(/odd\.txt is neither a text model of LightGBM nor a JSON model of XGBoost/);
    const linear = join(folder, 'linear');
    await saveModel(linear, await smallModel('binary'));
    await expect(exportModel(linear, { out: join(folder, 'l.onnx') })).rejects.toThrow(/is a linear model/);
    await expect(exportModel(linear, { out: join(folder, 'l.pmml') })).rejects.toThrow(
      /--format lightgbm or onnx/,
    );
    await expect(exportModel(linear)).rejects.toThrow(/say --format/);
  });

  it('tell what must be prepared before, and what the exposure does', async () => {
    const directory = join(folder, 'trees');
    await saveModel(directory, await smallTreeModel('count'));
    const { features, notes } = await exportModel(directory, { out: join(folder, 'trees.txt') });
    expect(features.length).toBeGreaterThan(0);
    expect(notes.every((note) => /exposure|prepare these/.test(note))).toBe(true);
  });
});

/** Explanations of trained models: files whose rows add up, means, first rows, permutations, screens, refusals. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { explainScreen } from '../cli/explain.ts';
import { randomUniform } from '../random.ts';
import { explain } from './explain.ts';
import { ingest } from './ingest.ts';
import { loadModel } from './load-model.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

const folder = temporaryFolder();
const CITIES = ['Rome', 'Oslo', 'Lima'];
const rows = Array.from({ length: 600 }, (_, i) => {
  const u = (purpose: number): number => randomUniform(3, i, purpose);
  const [size, age, city] = [Math.round(100 * u(0)), Math.round(60 * u(1)), CITIES[Math.floor(3 * u(2))]];
  const score = size / 50 + (city === 'Rome' ? age / 30 : 0) + u(3) / 4;
  return {
    size: i % 19 === 0 ? null : size,
    age,
    city: i % 23 === 0 ? null : city,
    idle: i % 7,
    years: 0.5 + u(4),
    price: 100 * score,
    label: score > 1.6 ? 'yes' : 'no',
    kind: ['a', 'b', 'c'][Math.min(2, Math.floor(score))],
    claims: Math.floor(2 * score * u(5)),
  };
});
type Name = 'price' | 'label' | 'kind' | 'claims';
const TARGETS: readonly Name[] = ['price', 'label', 'kind', 'claims'];
const models = new Map<string, string>();

async function trained(target: Name, learner: 'trees' | 'linear'): Promise<void> {
  const name = `${target} ${learner}`;
  const options: TrainOptions = {
    ...{ target, learner, workers: 0, testFraction: 0, report: false },
    ignore: [...TARGETS.filter((one) => one !== target), ...(target === 'claims' ? [] : ['years'])],
    ...(target === 'claims' ? { exposure: 'years' } : {}),
    ...(learner === 'trees' ? { rounds: 12, leaves: 6, earlyStopping: 0 } : {}),
    ...{ store: join(folder, `${name}.sora`), out: join(folder, name) },
  };
  await train(rows as never, options);
  models.set(name, join(folder, name));
}

const CASES = TARGETS.flatMap((target) => [[target, 'trees'] as const, [target, 'linear'] as const]);
beforeAll(async () => {
  for (const [target, learner] of CASES) await trained(target, learner);
}, 120_000);

const modelOf = (target: Name, learner: 'trees' | 'linear'): string => models.get(`${target} ${learner}`)!;

function written(path: string): Record<string, number | string>[] {
  const lines = readFileSync(path, 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line));
}

/** Base and contributions of a row, added up. */
function total(row: Record<string, number | string>, ends = ''): number {
  return Object.entries(row)
    .filter(([name]) => name !== 'prediction' && name.endsWith(ends))
    .reduce((sum, [, value]) => sum + Number(value), 0);
}

describe.each(CASES)('%s, %s', (target, learner) => {
  it('adds up, row by row, to what is predicted', async () => {
    const out = join(folder, `${target}-${learner}.ndjson`);
    const result = await explain(modelOf(target, learner), rows as never, { out });
    expect(result).toMatchObject({ rows: 600, out, first: [] });
    const lines = written(out);
    expect(lines).toHaveLength(600);
    const model = await loadModel(modelOf(target, learner));
    const answers = model.predict(rows);
    lines.forEach((line, i) => {
      const { value, probabilities, label } = answers[i];
      expect(line.prediction).toBe(label ?? value);
      if (target === 'price') expect(total(line)).toBeCloseTo(value!, 6);
      else if (target === 'claims') expect(Math.exp(total(line))).toBeCloseTo(value!, 9);
      else if (target === 'label')
        expect(1 / (1 + Math.exp(-total(line)))).toBeCloseTo(probabilities!.yes, 9);
      else {
        const odds = Math.exp(total(line, '(a)') - total(line, '(b)'));
        expect(odds / (probabilities!.a / probabilities!.b)).toBeCloseTo(1, 9);
      }
    });
  });

  it('finds the same means on particles as row by row, and what matters', async () => {
    const out = join(folder, `${target}-${learner}-again.csv`);
    const byRow = await explain(modelOf(target, learner), rows as never, { out });
    const result = await explain(modelOf(target, learner), rows as never, { workers: 0 });
    expect(result.rows).toBe(600);
    result.columns.forEach((column, i) => {
      expect(column.name).toBe(byRow.columns[i].name);
      expect(column.strength).toBeCloseTo(byRow.columns[i].strength, 9);
    });
    const strength = new Map(result.columns.map((column) => [column.name, column.strength]));
    expect(strength.get('size')).toBeGreaterThan(5 * strength.get('idle')!);
    expect(result.first.map(({ row }) => row)).toEqual([1, 2, 3]);
    const [{ base, margin, contributions }] = result.first;
    const sum = contributions.reduce((added, { contribution }) => added + contribution, base);
    expect(sum).toBeCloseTo(margin, 9);
    expect(contributions.find(({ name }) => name === 'age')?.value).toBe(rows[0].age);
    expect(explainScreen(result)).toMatch(/600 rows explained.*\n\n {2}columns +mean \|c\|/);
  });
});

describe('trees', () => {
  it('say what pairs of columns give together, and still add up', async () => {
    const out = join(folder, 'pairs.ndjson');
    await explain(modelOf('price', 'trees'), rows as never, { out, interactions: true, limit: 50 });
    const plain = join(folder, 'plain.ndjson');
    await explain(modelOf('price', 'trees'), rows as never, { out: plain, limit: 50 });
    const [pairs, alone] = [written(out), written(plain)];
    expect(pairs).toHaveLength(50);
    pairs.forEach((line, i) => {
      expect(total(line)).toBeCloseTo(total(alone[i]), 9);
      const halves = ['size × age', 'age × city', 'age × idle'].map((name) => Number(line[name]) / 2);
      const own = halves.reduce((sum, half) => sum + half, Number(line.age));
      expect(own).toBeCloseTo(Number(alone[i].age), 9);
    });
    const result = await explain(modelOf('price', 'trees'), rows as never, {
      interactions: true,
      workers: 0,
    });
    expect(result.interactions).toHaveLength(6);
    expect(result.interactions![0].name).toBe('age × city');
    expect(explainScreen(result)).toMatch(/pairs of columns/);
  });

  it('say the same on two workers, in several particles', async () => {
    const store = join(folder, 'parts.sora');
    for (const part of [rows.slice(0, 250), rows.slice(250, 420), rows.slice(420)]) {
      await ingest(part as never, { store, append: true, workers: 0 });
    }
    const options = { interactions: true, permutations: 2 };
    const [inline, threads] = [0, 2].map((workers) =>
      explain(modelOf('label', 'trees'), store, { ...options, workers }),
    );
    const { seconds: _, ...wanted } = await inline;
    expect(await threads).toMatchObject(wanted);
    const whole = await explain(modelOf('label', 'trees'), rows as never, { ...options, workers: 0 });
    whole.columns.forEach(({ name, strength, lossIncrease }, i) => {
      expect(wanted.columns[i].name).toBe(name);
      expect(wanted.columns[i].strength).toBeCloseTo(strength, 10);
      expect(wanted.columns[i].lossIncrease!.mean).toBeCloseTo(lossIncrease!.mean, 10);
    });
  });

  it('say what the loss becomes without a column', async () => {
    const options = { permutations: 3, workers: 0 };
    const result = await explain(modelOf('label', 'trees'), rows as never, options);
    const again = await explain(modelOf('label', 'trees'), rows as never, options);
    expect(again.columns).toEqual(result.columns);
    const increase = new Map(result.columns.map(({ name, lossIncrease }) => [name, lossIncrease!.mean]));
    expect(increase.get('size')).toBeGreaterThan(0.05);
    expect(increase.get('size')).toBeGreaterThan(10 * Math.abs(increase.get('idle')!));
    expect(result.loss?.rows).toBe(600);
    expect(result.columns[0].gain).toBeGreaterThan(0);
    expect(result.columns[0].splits).toBeGreaterThan(0);
    expect(explainScreen(result)).toMatch(/loss without it/);
  });
});

describe('linear models', () => {
  it('are explained from the mean training row, so contributions of those rows have the mean 0', async () => {
    const result = await explain(modelOf('price', 'linear'), rows as never, { workers: 0 });
    expect(result.columns[0].strength).toBeGreaterThan(1);
    for (const { mean } of result.columns) expect(Math.abs(mean[0])).toBeLessThan(1e-6);
    expect(result.notes).toEqual([]);
  });

  it('have no interactions', async () => {
    const asked = explain(modelOf('price', 'linear'), rows as never, { interactions: true });
    await expect(asked).rejects.toMatchObject({ code: 'bad-option' });
  });
});

it('needs no target, unless the loss is asked for', async () => {
  const unlabelled = rows.slice(0, 20).map(({ size, age, city, idle }) => ({ size, age, city, idle }));
  const result = await explain(modelOf('label', 'trees'), unlabelled as never, { workers: 0 });
  expect(result.rows).toBe(20);
  const asked = explain(modelOf('label', 'trees'), unlabelled as never, { workers: 0, permutations: 1 });
  await expect(asked).rejects.toMatchObject({
    code: 'bad-data',
    message: expect.stringContaining('"label"'),
  });
});

it('refuses options that do nothing beside each other', async () => {
  const model = modelOf('label', 'trees');
  const both = explain(model, rows as never, { permutations: 1, out: join(folder, 'no.csv') });
  await expect(both).rejects.toMatchObject({ code: 'bad-option' });
  await expect(explain(model, rows as never, { keep: ['age'] })).rejects.toMatchObject({
    code: 'bad-option',
  });
});

/**
 * LambdaMART against LightGBM's lambdarank (scripts/goldens/rank.py), and what ranking promises of queries.
 * Forests of two implementations rank alike, not equally: NDCG@10 of the rows learned from is compared to 0.003 after
 * ten iterations and more, of other queries to two standard errors of LightGBM's mean.
 */
import { describe, expect, it } from 'vitest';
import { addLambdas, gainOf, ndcg } from '../../loss/lambdarank.ts';
import { treeCount } from '../../model/forest.ts';
import { forestMargins } from '../../model/forest-predict.ts';
import { createParticle } from '../../particle/create.ts';
import type { Particle } from '../../particle/particle.ts';
import { splitParticle } from '../../particle/split.ts';
import { mix32 } from '../../random.ts';
import { inlineExecutor } from '../../run/inline.ts';
import { memoryParticles } from '../../run/memory-source.ts';
import type { Executor } from '../../run/session.ts';
import { threadExecutor } from '../../run/threads.ts';
import { deepEqual } from '../../summary/equal.ts';
import { checkLaws } from '../../summary/laws.ts';
import { partial } from '../../summary/summary.ts';
import { fitTrees, type TreesResult } from './fit.ts';
import golden from './fixtures/rank.json' with { type: 'json' };
import type { FitTreesOptions } from './options.ts';
import { queryEnds } from './query-check.ts';

const VIEW = { module: new URL('./fixtures/raw-view.mjs', import.meta.url).href, name: 'rawView' };
const [QUERIES, LEARNED, FEATURES] = [480, 320, 10];

/** A whole number from 0 to 1023. */
const level = (query: number, row: number, column: number) =>
  mix32(query * 4096 + row * 64 + column + 1) >>> 22;

interface Query {
  readonly x: readonly (readonly number[])[];
  readonly labels: Float64Array;
}

const queries = Array.from({ length: QUERIES }, (_, query): Query => {
  const x = Array.from({ length: 5 + (level(query, 0, 60) % 36) }, (_, row) =>
    Array.from({ length: FEATURES }, (_, column) => level(query, row, column)),
  );
  const labels = Float64Array.from(x, (row, r) => {
    const noise = level(query, r, 61) + level(query, r, 62) + level(query, 0, 63);
    const value = 2 * row[0] + Math.floor((row[1] * row[2]) / 512) + (row[3] > 700 ? 1024 : 0) + noise;
    return Math.min(4, Math.max(0, Math.floor((value - 2600) / 700)));
  });
  return { x, labels };
});

/** Particles of whole queries. */
function particlesOf(list: readonly Query[], each = 40): Particle[] {
  const particles: Particle[] = [];
  for (let first = 0; first < list.length; first += each) {
    const part = list.slice(first, first + each);
    const rows = part.flatMap(({ x }) => x);
    const columns: Record<string, number[]> = {
      query: part.flatMap(({ labels }, q) => [...labels].map(() => first + q)),
      label: part.flatMap(({ labels }) => [...labels]),
    };
    for (let f = 0; f < FEATURES; f++) columns[`x${f}`] = rows.map((row) => row[f]);
    particles.push(createParticle({ columns, roles: { label: 'label', query: 'group' } }));
  }
  return particles;
}

const GIVEN = { loss: 'lambdarank', outputs: 1, rounds: 40, leaves: 15 } as const;

async function fitted(
  particles: readonly Particle[],
  more: Partial<FitTreesOptions> = {},
  executor: Executor = inlineExecutor(),
): Promise<TreesResult> {
  const session = await executor.open(memoryParticles(particles));
  try {
    const categorical = new Array<boolean>(FEATURES).fill(false);
    return await fitTrees(session, { ...GIVEN, view: VIEW, features: FEATURES, categorical, ...more });
  } finally {
    await executor.close();
  }
}

function scoresOf({ forest }: TreesResult, { x }: Query): Float64Array {
  const rows = x.length;
  const stride = (rows + 3) & ~3;
  const values = new Float32Array(stride * FEATURES);
  x.forEach((row, r) => {
    row.forEach((value, f) => {
      values[f * stride + r] = value;
    });
  });
  return forestMargins(forest, {
    ...{ kind: 'dense', rows, features: FEATURES, stride, values, labels: new Float64Array(0) },
  });
}

const meanNdcg = (result: TreesResult, list: readonly Query[]) =>
  list.reduce((sum, query) => sum + ndcg(scoresOf(result, query), query.labels, 10)!, 0) / list.length;

const learned = queries.slice(0, LEARNED);

describe('lambdarank', () => {
  it('ranks as LightGBM does, and says what its forest reaches', async () => {
    expect(learned.flatMap(({ labels }) => [...labels]).length).toBe(golden.rows);
    const result = await fitted(particlesOf(learned));
    result.history.forEach(({ trainLoss }, i) => {
      if (i >= 9) expect(Math.abs(1 - trainLoss - golden.learned[i]), `after ${i + 1}`).toBeLessThan(0.003);
    });
    expect(meanNdcg(result, learned)).toBeCloseTo(1 - result.history[39].trainLoss, 9);
    expect(Math.abs(meanNdcg(result, queries.slice(LEARNED)) - golden.other)).toBeLessThan(2 * golden.error);
  });

  it('gives the same forest on any number of workers, with rows weighted and queries held back', async () => {
    const particles = particlesOf(learned.slice(0, 120), 20);
    const given = { rounds: 6, earlyStopping: 5, holdOut: 0.3 };
    const bytes = ({ forest }: TreesResult) => [...forest.leafValues, ...forest.thresholds];
    const expected = await fitted(particles, given);
    expect(expected.history[5].holdOutLoss).toBeGreaterThan(expected.history[5].trainLoss);
    for (const workers of [1, 3]) {
      expect(bytes(await fitted(particles, given, threadExecutor({ workers })))).toEqual(bytes(expected));
    }
    expect(treeCount(expected.forest)).toBeGreaterThan(0);
  });

  it('learns nothing from queries of one row, or of rows that are equally relevant', async () => {
    const single = queries
      .slice(0, 30)
      .map(({ x, labels }) => ({ x: x.slice(0, 1), labels: labels.slice(0, 1) }));
    const equal = queries.slice(0, 30).map(({ x, labels }, q) => ({ x, labels: labels.map(() => q % 2) }));
    for (const list of [single, equal]) {
      const { forest, stopped, rounds } = await fitted(particlesOf(list));
      expect({ stopped, rounds, trees: treeCount(forest) }).toEqual({
        stopped: 'no-gain',
        rounds: 0,
        trees: 0,
      });
    }
    const mixed = await fitted(particlesOf([...equal, ...learned.slice(0, 60)]), { rounds: 10 });
    expect(mixed.history[9].trainLoss).toBeLessThan(0.12);
  });

  it('refuses queries that are cut, rows without a query, and what is no relevance', async () => {
    const [whole] = particlesOf(queries.slice(0, 4));
    const cut = particlesOf([queries[0]]).concat(particlesOf([queries[0]]));
    await expect(fitted(cut)).rejects.toMatchObject({
      code: 'bad-data',
      message: expect.stringContaining('with --group COLUMN'),
    });
    const fields = whole.schema.fields.map((field) =>
      field.role === 'group' ? { ...field, role: 'ignore' as const } : field,
    );
    await expect(fitted([{ ...whole, schema: { fields } }])).rejects.toMatchObject({ code: 'bad-option' });
    const [first] = queries;
    const half = { ...first, labels: first.labels.map((label) => label + 0.5) };
    await expect(fitted(particlesOf([half]))).rejects.toThrow(/must be a relevance/);
  });
});

it('counts borders within queries by the laws of a summary', () => {
  // What it counts is how the data is cut, so that alone may differ between cuts.
  const close = (a: unknown, b: unknown) =>
    deepEqual({ ...(a as object), cuts: 0 }, { ...(b as object), cuts: 0 });
  checkLaws(queryEnds(), { inputs: particlesOf(queries.slice(0, 6), 2), close });
  const summary = queryEnds();
  const [whole] = particlesOf(queries.slice(0, 3));
  const cut = (rows: number) =>
    splitParticle(whole, rows)
      .map((part) => partial(summary, part))
      .reduce((into, from) => {
        summary.merge(into, from);
        return into;
      });
  const lengths = queries.slice(0, 3).map(({ labels }) => labels.length);
  expect(cut(lengths[0]).cuts).toBe(Math.ceil(whole.rows / lengths[0]) - 1 - bordersAt(lengths));
  expect(cut(1).cuts).toBe(whole.rows - 3);
});

/** Borders of queries that cuts of the first one's length meet. */
function bordersAt([first, second, third]: readonly number[]): number {
  const total = first + second + third;
  return [first, first + second].filter((border) => border % first === 0 && border < total).length;
}

describe('NDCG', () => {
  it('shares the gains of equal scores, as scikit-learn does', () => {
    const { labels, scores, ndcg: expected } = golden.ties;
    for (const places of [1, 5, 10]) {
      const value = ndcg(Float64Array.from(scores), Float64Array.from(labels), places);
      expect(value).toBeCloseTo(expected[String(places) as '1'], 12);
    }
  });

  it('of a query without a relevant row is undefined, of the best order 1', () => {
    expect(ndcg(Float64Array.of(1, 2), Float64Array.of(0, 0), 10)).toBeUndefined();
    expect(ndcg(Float64Array.of(5, 3, 1), Float64Array.of(3, 1, 0), 10)).toBe(1);
    expect(gainOf(3)).toBe(7);
  });

  it('has forces that balance within a query and pull the better row up', () => {
    const labels = Float64Array.of(0, 2, 1, 2);
    const [residuals, curvatures] = [new Float64Array(4), new Float64Array(4)];
    addLambdas(Float64Array.of(3, 1, 0.5, -2), labels, residuals, curvatures);
    expect(residuals.reduce((sum, pull) => sum + pull)).toBeCloseTo(0, 12);
    expect(residuals[0]).toBeGreaterThan(0);
    expect(residuals[3]).toBeLessThan(0);
    expect(curvatures.every((bend) => bend > 0)).toBe(true);
  });
});

/**
 * The kernel path of online linear learners: to the byte what learning row by row gives, whatever the rows are like, on
 * particles and whatever stands before and after; which path ran is asserted.
 */
import { describe, expect, it } from 'vitest';
import { prequential } from '../../evaluate/prequential.ts';
import { kernelRuns, setKernelMode } from '../../kernel/mode.ts';
import { ONLINE_ENTRIES } from '../../kernel/online.ts';
import { createParticle } from '../../particle/create.ts';
import type { Particle } from '../../particle/particle.ts';
import { randomUniform } from '../../random.ts';
import { createOnline, type OnlineModel, resumeOnline } from './online.ts';
import type { OnlineOptions } from './options.ts';
import type { OnlineRecord } from './source.ts';

type Pairs = [number, number][];

/** Rows of `most` entries at most: few features, so that slots collide and coordinates come back. */
function sparseRows(count: number, most = 12): Pairs[] {
  return Array.from({ length: count }, (_, r) => {
    const length = Math.floor(randomUniform(1, 0, r) * (most + 1));
    const indices = new Set(Array.from({ length }, (_, e) => Math.floor(randomUniform(2, e, r) ** 3 * 500)));
    return [...indices].sort((a, b) => a - b).map((i) => [i, Math.fround(randomUniform(3, i, r) - 0.3)]);
  });
}

function particleOf(
  rows: readonly Pairs[],
  labels: readonly (number | null)[],
  weights: readonly number[],
): Particle {
  const starts = Uint32Array.from([0, ...rows.map((row) => row.length)]);
  for (let r = 1; r < starts.length; r++) starts[r] += starts[r - 1];
  const rest = createParticle({
    columns: { label: [...labels], weight: [...weights] },
    roles: { label: 'label', weight: 'weight' },
    types: { label: 'number', weight: 'number' },
  });
  const width = 500;
  return {
    ...rest,
    schema: {
      ...rest.schema,
      fields: [...rest.schema.fields, { name: 'f', type: 'sparse', role: 'feature', width }],
    },
    columns: [
      ...rest.columns,
      {
        type: 'sparse',
        width,
        starts,
        indices: Uint32Array.from(rows.flatMap((row) => row.map(([index]) => index))),
        values: Float32Array.from(rows.flatMap((row) => row.map(([, value]) => value))),
      },
    ],
  };
}

const rows = sparseRows(700);
const classes = rows.map((row) =>
  row.reduce((sum, [i, v]) => sum + (i % 3 === 0 ? v : -v / 2), 0) > 0 ? 1 : 0,
);
const thirds = rows.map((row, r) => (row.length + classes[r]) % 3);
const counts = rows.map((row) => row.length % 4);
const weights = rows.map((_, r) => [1, 1, 0, 2, 0.5][r % 5]);

const features = { f: 'sparse' } as const;
const two = { features, classes: [0, 1], hashBits: 6 };
const CASES: Record<string, { options: OnlineOptions; labels: readonly number[] }> = {
  'ftrl, logistic': { options: { ...two, learner: 'ftrl' }, labels: classes },
  'ftrl, penalised': {
    options: { ...two, learner: { name: 'ftrl', l1: 0.3, l2: 0.1, alpha: 0.7 } },
    labels: classes,
  },
  'ftrl, softmax': {
    options: { features, classes: [0, 1, 2], hashBits: 7, learner: 'ftrl' },
    labels: thirds,
  },
  'ftrl, poisson': {
    options: { features, hashBits: 8, learner: { name: 'ftrl', loss: 'poisson' } },
    labels: counts,
  },
  adagrad: { options: { ...two, learner: 'adagrad' }, labels: classes },
  'adagrad, penalised': {
    options: { ...two, learner: { name: 'adagrad', l1: 0.01, l2: 0.02 } },
    labels: classes,
  },
  'adagrad, softmax, penalised': {
    options: { features, classes: [0, 1, 2], hashBits: 7, learner: { name: 'adagrad', l1: 0.003, l2: 0.01 } },
    labels: thirds,
  },
  'adagrad, huber': {
    options: { features, hashBits: 8, learner: { name: 'adagrad', loss: 'huber' } },
    labels: counts,
  },
};

const learnOnes = (model: OnlineModel, labels: readonly number[], from = 0, to = rows.length) => {
  for (let r = from; r < to; r++) model.learnOne({ f: rows[r] } as OnlineRecord, labels[r], weights[r]);
};

/** Whether two models are the same to the byte. */
const sameBytes = (a: OnlineModel, b: OnlineModel) => Buffer.compare(a.save(), b.save()) === 0;

/** What ran, as counts of kernel calls. */
function kernelCalls(body: () => void): number {
  const before = kernelRuns().wasm;
  body();
  return kernelRuns().wasm - before;
}

describe.each(Object.entries(CASES))('%s on a sparse column', (_name, { options, labels }) => {
  it('gives the bytes of row by row, by the kernel and without it', () => {
    const one = createOnline(options);
    learnOnes(one, labels);
    const many = createOnline(options);
    expect(kernelCalls(() => many.learnMany(particleOf(rows, labels, weights)))).toBeGreaterThan(1);
    expect(sameBytes(many, one)).toBe(true);
    expect(many.rows).toBe(weights.filter((weight) => weight > 0).length);
    setKernelMode('plain');
    try {
      const plain = createOnline(options);
      expect(kernelCalls(() => plain.learnMany(particleOf(rows, labels, weights)))).toBe(0);
      expect(sameBytes(plain, one)).toBe(true);
    } finally {
      setKernelMode('wasm');
    }
  });

  it('goes from rows to blocks to rows, and on from saved bytes', () => {
    const one = createOnline(options);
    learnOnes(one, labels);
    let other = createOnline(options);
    learnOnes(other, labels, 0, 100);
    other.learnMany(particleOf(rows.slice(100, 400), labels.slice(100, 400), weights.slice(100, 400)));
    learnOnes(other, labels, 400, 410);
    other = resumeOnline(other.save());
    other.learnMany(particleOf(rows.slice(410), labels.slice(410), weights.slice(410)));
    expect(sameBytes(other, one)).toBe(true);
  });

  it('tests and trains with the scores of predicting and learning row by row', () => {
    const particle = particleOf(rows, labels, weights);
    const byKernel = prequential(createOnline(options), [particle], { stretch: 100 });
    setKernelMode('plain');
    try {
      expect(byKernel).toEqual(prequential(createOnline(options), [particle], { stretch: 100 }));
    } finally {
      setKernelMode('wasm');
    }
  });
});

describe('blocks', () => {
  it('leave a row of more entries than a block has room for to the plain path, in its place', () => {
    const long: Pairs = Array.from({ length: ONLINE_ENTRIES + 10 }, (_, i) => [i % 500, Math.fround(0.01)]);
    const some = [...rows.slice(0, 200), long, ...rows.slice(200, 400)];
    const labels = some.map((_, r) => r % 2);
    const one = createOnline(CASES['ftrl, logistic'].options);
    some.forEach((row, r) => {
      one.learnOne({ f: row }, labels[r]);
    });
    const many = createOnline(CASES['ftrl, logistic'].options);
    expect(
      kernelCalls(() =>
        many.learnMany(
          particleOf(
            some,
            labels,
            labels.map(() => 1),
          ),
        ),
      ),
    ).toBe(2);
    expect(sameBytes(many, one)).toBe(true);
  });

  it('stop at a row that cannot be learned from, those before it learned', () => {
    const labels = classes.map((label, r) => (r === 333 ? 7 : label));
    const model = createOnline({ ...CASES['ftrl, logistic'].options, newClasses: 'refuse' });
    const ones = weights.map(() => 1);
    expect(() => model.learnMany(particleOf(rows, labels, ones))).toThrow(
      /Row 333: label 7 is none of the classes/,
    );
    const before = createOnline({ ...CASES['ftrl, logistic'].options, newClasses: 'refuse' });
    before.learnMany(particleOf(rows.slice(0, 333), classes.slice(0, 333), ones.slice(0, 333)));
    expect(sameBytes(model, before)).toBe(true);
  });

  it('leave out rows without a label', () => {
    const labels = classes.map((label, r) => (r % 7 === 0 ? null : label));
    const model = createOnline(CASES.adagrad.options);
    model.learnMany(
      particleOf(
        rows,
        labels,
        rows.map(() => 1),
      ),
    );
    const one = createOnline(CASES.adagrad.options);
    rows.forEach((row, r) => {
      if (r % 7 !== 0) one.learnOne({ f: row }, classes[r]);
    });
    expect(sameBytes(model, one)).toBe(true);
  });
});

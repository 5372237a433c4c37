/**
 * Classes that come while a stream runs, for every learner of classes: many rows equal one at a time and a saved model goes on
 * as if it had not stopped, also across the row with which a class comes, to the byte; the odds between the known classes are
 * not touched by a new one; learners that count equal those that knew every class from the start, to the byte.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prequential } from '../../evaluate/prequential.ts';
import { createParticle } from '../../particle/create.ts';
import type { Particle } from '../../particle/particle.ts';
import { randomUniform } from '../../random.ts';
import { createOnline, type OnlineModel, resumeOnline } from './online.ts';
import { modelParts, type OnlineOptions } from './options.ts';
import { type OnlineRecord, RecordSource } from './source.ts';
import { decodeState } from './state.ts';

const FEATURES = { a: 'number', b: 'number', kind: 'category' } as const;
const COUNT = 600;
/** Classes, and the row from which each may come. */
const BORN = { low: 0, middle: 0, high: 150, top: 330, rare: 335 };
const ALL = Object.keys(BORN);

interface Row {
  readonly record: OnlineRecord;
  readonly label: string;
  readonly weight: number;
}

/** Rows whose class follows from their features; one that has not been born yet is the one below it. */
const ROWS: readonly Row[] = Array.from({ length: COUNT }, (_, i) => {
  const u = (stream: number) => randomUniform(9, stream, i);
  const a = u(1) < 0.08 ? null : Math.round(100 * u(2)) / 10;
  const kind = u(3) < 0.1 ? null : ['red', 'green', 'blue'][Math.floor(3 * u(4))];
  let index = Math.min(ALL.length - 1, Math.floor(((a ?? 5) + (kind === 'red' ? 2 : 0) + u(5)) / 2.6));
  while (BORN[ALL[index] as keyof typeof BORN] > i) index--;
  const record = { a, b: Math.round(u(6) * 1000) / 8, kind };
  return { record, label: ALL[i < 2 ? i : index], weight: 1 + Math.floor(3 * u(7)) };
});

function particleOf(rows: readonly Row[]): Particle {
  return createParticle({
    columns: {
      a: rows.map(({ record }) => record.a as number | null),
      b: rows.map(({ record }) => record.b as number | null),
      kind: rows.map(({ record }) => record.kind as string | null),
      label: rows.map(({ label }) => label),
      weight: rows.map(({ weight }) => weight),
    },
    roles: { label: 'label', weight: 'weight' },
    types: FEATURES,
  });
}

const tree = { grace: 30, delta: 0.1 };
const noisy = { name: 'hddm-a', drift: 0.2, warning: 0.4 } as const;

/** Learners with options that reach their branches. Exact: the same as one that was told every class. */
const CASES: Record<string, Omit<OnlineOptions, 'features'>> = {
  ftrl: { learner: { name: 'ftrl', l1: 0.1, l2: 0.1 } },
  'ftrl, softmax from the start': { learner: { name: 'ftrl', loss: 'softmax' } },
  adagrad: { learner: 'adagrad' },
  'adagrad, penalised': { learner: { name: 'adagrad', l1: 0.01, l2: 0.02 } },
  nag: { learner: 'nag' },
  'passive-aggressive': { learner: { name: 'passive-aggressive', variant: 'pa' } },
  alma: { learner: 'alma' },
  'alma, p = 4': { learner: { name: 'alma', p: 4 } },
  'factorization-machine': { learner: { name: 'factorization-machine', factors: 2 } },
  'field-aware-machine': { learner: { name: 'field-aware-machine', factors: 3 } },
  stack: { learner: { name: 'stack', members: ['alma', 'ftrl', { name: 'hoeffding-tree', ...tree }] } },
  'stack, penalised': { learner: { name: 'stack', members: ['gaussian-bayes', 'adagrad'], l1: 0.01 } },
  'ftrl that raises its step': { learner: 'ftrl', drift: { detector: noisy, policy: 'step' } },
  'a stack that forgets': {
    learner: { name: 'stack', members: ['alma', 'gaussian-bayes'] },
    drift: { detector: noisy, policy: 'window' },
  },
  'a one-vs-rest learner that forgets': { learner: 'alma', drift: { detector: noisy, policy: 'window' } },
  'a learner with a rival': {
    learner: 'passive-aggressive',
    drift: { detector: noisy, policy: 'swap', better: 0.1, least: 8, most: 200 },
  },
};

const EXACT: typeof CASES = {
  'gaussian-bayes': { learner: 'gaussian-bayes' },
  'multinomial-bayes': { learner: 'multinomial-bayes' },
  nearest: { learner: { name: 'nearest', window: 90 } },
  'hoeffding-tree': { learner: { name: 'hoeffding-tree', ...tree } },
  'adaptive-forest': { learner: { name: 'adaptive-forest', trees: 4, grace: 30, warning: 0.5, drift: 0.3 } },
  'leveraging-bagging': { learner: { name: 'leveraging-bagging', trees: 3, drift: 0.3, ...tree } },
};

const options = (some: Omit<OnlineOptions, 'features'>, classes: readonly string[] = ['low', 'middle']) => ({
  features: FEATURES,
  hashBits: 6,
  seed: 5,
  classes,
  ...some,
});

function learn(model: OnlineModel, rows: readonly Row[]): OnlineModel {
  for (const { record, label, weight } of rows) model.learnOne(record, label, weight);
  return model;
}

const same = (a: OnlineModel, b: OnlineModel) => Buffer.compare(a.save(), b.save()) === 0;

describe.each(Object.entries({ ...CASES, ...EXACT }))('%s', (_name, given) => {
  const whole = learn(createOnline(options(given)), ROWS);

  it('knows every class in the order they came in', () => {
    expect(whole.classes).toEqual(['low', 'middle', 'high', 'top', 'rare']);
    expect(whole.outputs).toBe(5);
  });

  it('learns many rows as it learns one at a time', () => {
    const cuts = fc.array(fc.integer({ min: 0, max: COUNT }), { maxLength: 4 });
    fc.assert(
      fc.property(cuts, (some) => {
        const model = createOnline(options(given));
        let start = 0;
        for (const end of [...some, COUNT].sort((a, b) => a - b)) {
          model.learnMany(particleOf(ROWS.slice(start, end)));
          start = end;
        }
        expect(same(model, whole)).toBe(true);
      }),
      { numRuns: 4, seed: 3, examples: [[[]], [[firstOf('high')]], [[firstOf('top') + 1]]] },
    );
  });

  it('goes on from a saved state before and after a class has come', () => {
    for (const cut of [0, firstOf('high'), firstOf('high') + 1, firstOf('rare'), firstOf('rare') + 1, 500]) {
      const first = learn(createOnline(options(given)), ROWS.slice(0, cut));
      const resumed = resumeOnline(first.save());
      expect(same(resumed, first)).toBe(true);
      expect(resumed.classes).toEqual(first.classes);
      expect(same(learn(resumed, ROWS.slice(cut)), whole)).toBe(true);
    }
  });

  it('says shares of the classes known so far, by a particle as by a row', () => {
    const model = createOnline(options(given));
    for (const cut of [100, 300, 500]) {
      learn(model, ROWS.slice(cut - 100 - (cut > 100 ? 100 : 0), cut));
      const before = model.save();
      const next = ROWS.slice(cut, cut + 40);
      const many = model.predictMany(particleOf(next));
      const ones = next.map(({ record }) => model.predictOne(record).shares as Float64Array);
      expect(many).toEqual(Float64Array.from(ones.flatMap((shares) => [...shares])));
      for (const shares of ones) {
        expect(shares).toHaveLength(model.classes.length);
        expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
        expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 10);
      }
      expect(Buffer.compare(model.save(), before)).toBe(0);
    }
    expect(model.classes).toHaveLength(5);
  });

  it('is scored in one go as row by row, and learns the new classes', () => {
    const model = createOnline(options(given));
    let right = 0;
    let weights = 0;
    for (const { record, label, weight } of ROWS) {
      right += model.predictOne(record).value === label ? weight : 0;
      weights += weight;
      model.learnOne(record, label, weight);
    }
    const other = createOnline(options(given));
    const scores = prequential(other, [particleOf(ROWS.slice(0, 250)), particleOf(ROWS.slice(250))]);
    expect(same(other, model)).toBe(true);
    expect(scores.rows).toBe(COUNT);
    expect(scores.accuracy).toBeCloseTo(right / weights, 12);
    expect(Number.isFinite(scores.logLoss)).toBe(true);
    const late = ROWS.filter(({ label }) => BORN[label as keyof typeof BORN] > 0);
    const hits = late.filter(({ record, label }) => model.predictOne(record).value === label).length;
    expect(hits / late.length).toBeGreaterThan(0.15);
  });

  it('says the same of drift however rows come', () => {
    const many = createOnline(options(given));
    many.learnMany(particleOf(ROWS));
    const events = learn(createOnline(options(given)), ROWS).takeEvents();
    expect(many.takeEvents()).toEqual(events);
    expect(events.length > 0).toBe(given.drift !== undefined);
  });
});

describe.each(Object.entries(EXACT))('%s', (_name, given) => {
  it('is the model that was told every class, to the byte', () => {
    const told = learn(createOnline(options(given, ALL)), ROWS);
    expect(same(learn(createOnline(options(given)), ROWS), told)).toBe(true);
    expect(same(learn(createOnline(options(given, ['low'])), ROWS), told)).toBe(true);
  });
});

const ODDS = Object.entries(CASES).filter(([, { drift }]) => drift === undefined);

describe.each([...ODDS, ['gaussian-bayes', EXACT['gaussian-bayes']]] as const)('%s', (_name, given) => {
  it.each([
    ['low', 'middle'],
    ['low', 'middle', 'high'],
  ])('leaves the odds between known classes as they are when one comes: %s, %s', (...classes) => {
    const rows = ROWS.filter(({ label }) => classes.includes(label));
    const { stage, features } = modelParts(options(given, classes));
    stage.restore(decodeState(learn(createOnline(options(given, classes)), rows).save()).arrays);
    const larger = modelParts(options(given, [...classes, 'new'])).stage;
    const source = new RecordSource(features);
    const [before, after] = [new Float64Array(classes.length), new Float64Array(classes.length + 1)];
    const expected = rows.slice(0, 50).map(({ record }) => {
      source.read(record);
      stage.predict(source, before);
      return before.slice();
    });
    larger.restore(stage.grown());
    // The judge of a stack bounds what its members say.
    const tolerance = (given.learner as { name?: string }).name === 'stack' ? 1e-3 : 1e-9;
    expected.forEach((shares, at) => {
      source.read(rows[at].record);
      larger.predict(source, after);
      const known = after.subarray(0, classes.length).reduce((a, b) => a + b);
      shares.forEach((share, k) => {
        expect(Math.abs(after[k] / known - share)).toBeLessThan(tolerance);
      });
    });
  });
});

describe('a model of one class', () => {
  it.each([
    'ftrl',
    'stack',
    'nearest',
    'passive-aggressive',
    'factorization-machine',
  ] as const)('%s: is sure of it, until another comes', (learner) => {
    const model = createOnline(options({ learner }, ['low']));
    const low = ROWS.filter(({ label }) => label === 'low').slice(0, 40);
    expect(model.predictOne(low[0].record)).toEqual({ value: 'low', shares: Float64Array.of(1) });
    const { accuracy, rows } = prequential(model, [particleOf(low)]);
    expect([accuracy, rows]).toEqual([1, 40]);
    expect(same(model, learn(createOnline(options({ learner }, ['low'])), low))).toBe(true);
    const resumed = resumeOnline(model.save());
    for (const one of [model, resumed]) learn(one, ROWS.slice(0, 300));
    expect(model.classes).toEqual(['low', 'middle', 'high']);
    expect(same(model, resumed)).toBe(true);
    expect(model.predictOne(low[0].record).shares).toHaveLength(3);
  });
});

describe('a class does not come', () => {
  const ftrl = (more: Partial<OnlineOptions> = {}) =>
    createOnline({ ...options({ learner: 'ftrl' }), ...more });
  const { record } = ROWS[0];

  it('of a row of weight 0, or one that is asked for', () => {
    const model = ftrl();
    model.learnOne(record, 'high', 0);
    model.predictMany(particleOf(ROWS.slice(0, 400)));
    expect(model.classes).toEqual(['low', 'middle']);
    expect(same(model, ftrl())).toBe(true);
  });

  it('where new ones are refused, and the error says so', () => {
    const model = ftrl({ newClasses: 'refuse' });
    expect(() => model.learnOne(record, 'high')).toThrow(
      'label "high" is none of the classes ["low","middle"], and the model refuses new ones',
    );
    expect(() => model.learnMany(particleOf(ROWS))).toThrow(/"high" is none of the classes/);
    expect(model.rows).toBe(firstOf('high'));
  });

  it('of another type than the others, or of no label', () => {
    expect(() => ftrl().learnOne(record, 3)).toThrow(/label 3 is none .* not a string as they are/);
    expect(() => ftrl().learnOne(record, undefined)).toThrow(/label undefined is no class/);
    expect(() => ftrl({ classes: [1, 2] }).learnOne(record, Number.NaN)).toThrow(/and not finite/);
    const numbers = ftrl({ classes: [1, 2] });
    numbers.learnOne(record, 7.5);
    expect(numbers.classes).toEqual([1, 2, 7.5]);
  });

  it('where the learner cannot have it', () => {
    const logistic = ftrl({ learner: { name: 'ftrl', loss: 'logistic' } });
    expect(() => logistic.learnOne(record, 'high')).toThrow(
      /the learner can have no more: Loss logistic does not suit 3 classes/,
    );
    const large = ftrl({ hashBits: 21, learner: { name: 'factorization-machine', factors: 32 } });
    expect(large.labelProblem('high')).toMatch(/more than 1 GiB; lower hashBits/);
    expect(large.labelProblem('low')).toBeUndefined();
    const wide = createOnline({
      features: { words: 'text' },
      hashBits: 22,
      learner: 'multinomial-bayes',
      classes: Array.from({ length: 15 }, (_, at) => `c${at}`),
    });
    expect(wide.labelProblem('c15')).toMatch(/would be more than 512 MiB; lower hashBits/);
  });

  it('beyond a thousand', () => {
    const labels = Array.from({ length: 1000 }, (_, at) => at);
    const model = createOnline({ features: { a: 'number' }, learner: 'gaussian-bayes', classes: labels });
    expect(model.labelProblem(1000)).toMatch(/as many as a model may have/);
  });
});

function firstOf(label: string): number {
  return ROWS.findIndex((row) => row.label === label);
}

/**
 * The laws of online learners, each for every learner: many rows equal one at a time; saved and resumed anywhere equals not
 * stopped; predictions change nothing; a row of weight 0 is no row. All to the byte. And what is refused, and how.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createParticle } from '../../particle/create.ts';
import type { Particle } from '../../particle/particle.ts';
import { randomUniform } from '../../random.ts';
import type { OnlineLabel } from './classes.ts';
import { createOnline, resumeOnline } from './online.ts';
import type { OnlineOptions } from './options.ts';
import { onlineLearner } from './registry.ts';
import type { OnlineRecord } from './source.ts';

const FEATURES = { a: 'number', b: 'number', kind: 'category', on: 'boolean' } as const;
const KINDS = ['red', 'green', 'blue', 'a longer name', 'ünïcode'];

interface Row {
  readonly record: OnlineRecord;
  readonly class: OnlineLabel;
  readonly number: number;
  readonly count: number;
  readonly weight: number;
}

/** Rows whose classes depend on their features, with values missing, in an order that drifts. */
function makeRows(count: number, seed: number): Row[] {
  return Array.from({ length: count }, (_, i) => {
    const u = (stream: number) => randomUniform(seed, stream, i);
    const a = u(1) < 0.1 ? null : Math.round(100 * u(2)) / 10 + (i > count / 2 ? 3 : 0);
    const kind = u(3) < 0.1 ? null : KINDS[Math.floor(u(4) * KINDS.length)];
    const on = u(5) < 0.05 ? null : u(6) < 0.5;
    const signal = (a ?? 5) + (kind === 'red' ? 3 : 0) + (on === true ? 1 : 0) + 3 * u(7);
    const label = signal > 9 ? 'high' : signal > 6.5 ? 'middle' : 'low';
    const record = { a, b: Math.round(u(8) * 1000) / 8, kind, on };
    return {
      record,
      class: label,
      number: signal,
      count: Math.round(signal),
      weight: 1 + Math.floor(u(9) * 3),
    };
  });
}

type LabelKey = 'class' | 'number' | 'count';

function particleOf(rows: readonly Row[], label: LabelKey): Particle {
  const column = (name: keyof typeof FEATURES) => rows.map((row) => row.record[name] as number | null);
  return createParticle({
    columns: {
      ...Object.fromEntries(
        Object.keys(FEATURES).map((name) => [name, column(name as keyof typeof FEATURES)]),
      ),
      label: rows.map((row) => row[label]),
      weight: rows.map((row) => row.weight),
    },
    roles: { label: 'label', weight: 'weight' },
    types: FEATURES,
  });
}

const three = { classes: ['low', 'middle', 'high'] };
const two = { classes: ['low', 'high'] };
const common = { features: FEATURES, hashBits: 6, seed: 5 } as const;

/** Every learner, with options that reach its branches. */
const CASES: Record<string, { options: OnlineOptions; label: LabelKey }> = {
  'ftrl, logistic': {
    options: {
      ...common,
      ...two,
      learner: { name: 'ftrl', l1: 0.1, l2: 0.1 },
      interactions: [['kind', 'a']],
    },
    label: 'class',
  },
  'ftrl, softmax': { options: { ...common, ...three, learner: 'ftrl' }, label: 'class' },
  'ftrl, huber': {
    options: { ...common, learner: { name: 'ftrl', loss: { name: 'huber', delta: 2 } } },
    label: 'number',
  },
  'ftrl, poisson': { options: { ...common, learner: { name: 'ftrl', loss: 'poisson' } }, label: 'count' },
  'adagrad, softmax, penalised': {
    options: { ...common, ...three, learner: { name: 'adagrad', l1: 0.01, l2: 0.02 } },
    label: 'class',
  },
  'adagrad, squared': { options: { ...common, learner: 'adagrad', standardise: false }, label: 'number' },
  'passive-aggressive': {
    options: { ...common, ...two, learner: { name: 'passive-aggressive', variant: 'pa' } },
    label: 'class',
  },
  'passive-aggressive, numbers': {
    options: { ...common, learner: { name: 'passive-aggressive', variant: 'pa-2' } },
    label: 'number',
  },
  alma: { options: { ...common, ...two, learner: 'alma' }, label: 'class' },
  'alma, p = 5.5': { options: { ...common, ...two, learner: { name: 'alma', p: 5.5 } }, label: 'class' },
  'factorization-machine, logistic': {
    options: { ...common, ...two, learner: 'factorization-machine', interactions: [['kind', 'a']] },
    label: 'class',
  },
  'factorization-machine, softmax': {
    options: { ...common, ...three, learner: { name: 'factorization-machine', factors: 2, rate: 0.3 } },
    label: 'class',
  },
  'factorization-machine, squared': {
    options: { ...common, learner: { name: 'factorization-machine', prior: 1, factorPrior: 0 } },
    label: 'number',
  },
  'factorization-machine, poisson': {
    options: { ...common, learner: { name: 'factorization-machine', loss: 'poisson' } },
    label: 'count',
  },
  'field-aware-machine, softmax': {
    options: { ...common, ...three, learner: { name: 'field-aware-machine', factors: 3 } },
    label: 'class',
  },
  'field-aware-machine, huber': {
    options: {
      ...common,
      learner: { name: 'field-aware-machine', loss: { name: 'huber', delta: 2 }, factorPrior: 1 },
      interactions: [['kind', 'a']],
    },
    label: 'number',
  },
  'gaussian-bayes': { options: { ...common, ...three, learner: 'gaussian-bayes' }, label: 'class' },
  'nag, softmax': { options: { ...common, ...three, learner: 'nag' }, label: 'class' },
  'nag, huber': {
    options: { ...common, learner: { name: 'nag', loss: { name: 'huber', delta: 2 } } },
    label: 'number',
  },
  nearest: { options: { ...common, ...three, learner: { name: 'nearest', window: 90 } }, label: 'class' },
  'nearest, numbers': {
    options: { ...common, learner: { name: 'nearest', neighbours: 8, votes: 'equal' } },
    label: 'number',
  },
  'half-space-trees': {
    options: { ...common, learner: { name: 'half-space-trees', trees: 5, window: 37 } },
    label: 'number',
  },
  'hoeffding-tree': {
    options: { ...common, ...three, learner: { name: 'hoeffding-tree', grace: 30, delta: 0.1 } },
    label: 'class',
  },
  'adaptive-forest': {
    options: {
      ...common,
      ...three,
      learner: { name: 'adaptive-forest', trees: 4, grace: 30, warning: 0.5, drift: 0.3 },
    },
    label: 'class',
  },
  'leveraging-bagging': {
    options: { ...common, ...two, learner: { name: 'leveraging-bagging', trees: 3, grace: 30, drift: 0.3 } },
    label: 'class',
  },
  'stack, two classes': {
    options: {
      ...common,
      ...two,
      learner: { name: 'stack', members: ['alma', { name: 'hoeffding-tree', grace: 30, delta: 0.1 }] },
    },
    label: 'class',
  },
  'stack, three classes': {
    options: {
      ...common,
      ...three,
      learner: { name: 'stack', members: ['ftrl', { name: 'adaptive-forest', trees: 2, grace: 30 }] },
    },
    label: 'class',
  },
  'ftrl that raises its step': {
    options: {
      ...common,
      ...three,
      learner: { name: 'ftrl', l1: 0.05 },
      drift: { detector: { name: 'hddm-a', drift: 0.2, warning: 0.4 }, policy: 'step' },
    },
    label: 'class',
  },
  'adagrad of numbers that forgets': {
    options: {
      ...common,
      learner: { name: 'adagrad', l2: 0.01 },
      drift: { detector: { name: 'page-hinkley', threshold: 2 }, policy: 'window' },
    },
    label: 'number',
  },
  'a tree that starts anew': {
    options: {
      ...common,
      ...three,
      learner: { name: 'hoeffding-tree', grace: 30, delta: 0.1 },
      drift: { detector: { name: 'kswin', alpha: 0.5, window: 40, latest: 10 }, policy: 'window' },
    },
    label: 'class',
  },
  'a stack with a rival': {
    options: {
      ...common,
      ...two,
      learner: { name: 'stack', members: ['alma', { name: 'hoeffding-tree', grace: 30, delta: 0.1 }] },
      drift: {
        detector: { name: 'ddm', warning: 0.3, drift: 0.6 },
        policy: 'swap',
        better: 0.1,
        least: 4,
        most: 40,
      },
    },
    label: 'class',
  },
  'bayes with a warning': {
    options: {
      ...common,
      ...three,
      learner: 'gaussian-bayes',
      drift: { detector: { name: 'adwin', delta: 0.99, warning: 0.999 }, policy: 'warn' },
    },
    label: 'class',
  },
  'multinomial-bayes': { options: { ...common, ...three, learner: 'multinomial-bayes' }, label: 'class' },
};

const COUNT = 400;

describe.each(Object.entries(CASES))('%s', (_name, { options, label }) => {
  const classes = options.classes;
  const rows = makeRows(COUNT, 11).filter((row) => label !== 'class' || classes?.includes(row.class));
  const oneByOne = (from: ReturnType<typeof createOnline>, some: readonly Row[]) => {
    for (const row of some) from.learnOne(row.record, row[label], row.weight);
    return from;
  };
  const whole = oneByOne(createOnline(options), rows).save();

  it('learns many rows as it learns one at a time', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: rows.length }), { maxLength: 3 }), (cuts) => {
        const model = createOnline(options);
        const ends = [...cuts, rows.length].sort((a, b) => a - b);
        let start = 0;
        for (const end of ends) {
          model.learnMany(particleOf(rows.slice(start, end), label));
          start = end;
        }
        expect(same(model.save(), whole)).toBe(true);
      }),
      { numRuns: 5, seed: 1 },
    );
  });

  it('goes on from a saved state as if it had not stopped', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: rows.length }), (cut) => {
        const first = oneByOne(createOnline(options), rows.slice(0, cut));
        const resumed = resumeOnline(first.save());
        expect(same(resumed.save(), first.save())).toBe(true);
        expect(same(oneByOne(resumed, rows.slice(cut)).save(), whole)).toBe(true);
      }),
      { numRuns: 6, seed: 2 },
    );
  });

  it('predicts many rows as it predicts one, and is not changed by it', () => {
    const model = oneByOne(createOnline(options), rows.slice(0, 300));
    const before = model.save();
    const many = model.predictMany(particleOf(rows.slice(300), label));
    const single = rows.slice(300).flatMap(({ record }) => {
      const { value, shares } = model.predictOne(record);
      return shares === undefined ? [value as number] : Array.from(shares);
    });
    expect(Array.from(many)).toEqual(single);
    expect(single.every(Number.isFinite)).toBe(true);
    expect(same(model.save(), before)).toBe(true);
  });

  it('does not see rows of weight 0, and answers before it has seen any', () => {
    const model = createOnline(options);
    model.learnOne(rows[0].record, rows[0][label], 0);
    expect(same(model.save(), createOnline(options).save())).toBe(true);
    const { shares, value } = model.predictOne(rows[0].record);
    if (shares === undefined) expect(Number.isFinite(value)).toBe(true);
    else expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });

  it('says the same of drift however rows come, each decision once', () => {
    const events = oneByOne(createOnline(options), rows).takeEvents();
    const model = createOnline(options);
    const taken = [];
    for (const part of [rows.slice(0, 150), rows.slice(150)]) {
      const particle = particleOf(part, label);
      const open = model.open(particle);
      const out = new Float64Array(model.outputs);
      for (let row = 0; row < open.rows; row++) {
        open.predict(row, out);
        open.learn(row);
      }
      taken.push(...model.takeEvents());
    }
    expect(taken).toEqual(events);
    expect(model.takeEvents()).toEqual([]);
    expect(events.length > 0).toBe(options.drift !== undefined);
    expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => index));
  });

  it('learns: it beats what it said before, where it is told labels', () => {
    const model = createOnline(options);
    if (model.unlabelled) {
      oneByOne(model, rows);
      const score = (record: OnlineRecord) => model.predictOne(record).value as number;
      const usual = rows.reduce((sum, { record }) => sum + score(record), 0) / rows.length;
      expect(score({ a: -40, b: 900, kind: 'black', on: null })).toBeGreaterThan(1.3 * usual);
      return;
    }
    const error = (some: readonly Row[]) =>
      some.reduce((sum, row) => {
        const { value } = model.predictOne(row.record);
        return (
          sum + (label === 'class' ? Number(value !== row[label]) : Math.abs((value as number) - row.number))
        );
      }, 0);
    const start = error(rows);
    oneByOne(oneByOne(model, rows), rows);
    expect(error(rows)).toBeLessThan(0.8 * start);
  });
});

describe('online models', () => {
  it('has a case for every learner', () => {
    const named = Object.values(CASES).map(({ options: { learner } }) =>
      typeof learner === 'string' ? learner : learner.name,
    );
    const message = /choose one of (.*) or stack\.$/.exec(
      String(caught(() => onlineLearner('none'))),
    ) as RegExpExecArray;
    expect([...new Set<string>(named)].sort()).toEqual([...message[1].split(', '), 'stack'].sort());
  });

  it('does not depend on the order that features are named in', () => {
    const { kind, ...rest } = FEATURES;
    const [here, there] = [common, { ...common, features: { kind, ...rest } }].map((options) => {
      const model = createOnline({ ...options, ...three, learner: 'ftrl' });
      for (const row of makeRows(50, 3)) model.learnOne(row.record, row.class);
      return model.save();
    });
    expect(there).toEqual(here);
  });

  it('refuses what it cannot learn from, and says why', () => {
    const closed = { ...common, ...two, learner: 'ftrl', newClasses: 'refuse' } as const;
    const model = createOnline(closed);
    const { record } = makeRows(1, 1)[0];
    expect(caught(() => model.learnOne(record, 'medium'))).toMatch(
      /bad-data.*"medium" is none of the classes/,
    );
    expect(caught(() => model.learnOne(record, 'low', -1))).toMatch(/bad-data.*weight -1/);
    expect(caught(() => model.learnOne({ ...record, a: 'x' }, 'low'))).toMatch(
      /bad-input.*"a".*not a number/,
    );
    expect(model.save()).toEqual(createOnline(closed).save());
    expect(caught(() => createOnline({ ...common, classes: ['a', 'a'], learner: 'ftrl' }))).toMatch(
      /one twice/,
    );
    const counts = createOnline({ ...common, learner: { name: 'ftrl', loss: 'poisson' } });
    expect(caught(() => counts.learnOne(record, -1))).toMatch(/bad-data.*label -1/);
    expect(caught(() => createOnline({ ...common, learner: 'alma' }))).toMatch(/bad-option.*learns classes/);
    expect(caught(() => createOnline({ ...common, ...two, learner: { name: 'ftrl', alpha: -1 } }))).toMatch(
      /bad-option.*alpha/s,
    );
    const other = createParticle({ columns: { a: ['text'] } });
    expect(caught(() => model.predictMany(other))).toMatch(/schema-mismatch.*"a" is a number/);
  });

  it('refuses bytes that are not a state', () => {
    const bytes = createOnline({ ...common, ...two, learner: 'ftrl' }).save();
    expect(caught(() => resumeOnline(bytes.subarray(0, 100)))).toMatch(/corrupt/);
    const other = createOnline({ ...common, ...two, learner: 'ftrl', hashBits: 5 }).save();
    const text = new TextDecoder('latin1').decode(other).replace('"hashBits":5', '"hashBits":6');
    expect(caught(() => resumeOnline(Uint8Array.from(text, (c) => c.charCodeAt(0))))).toMatch(
      /corrupt.*entries/,
    );
  });
});

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

function caught(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return `${(error as { code?: string }).code}: ${(error as Error).message}`;
  }
  return 'nothing was thrown';
}

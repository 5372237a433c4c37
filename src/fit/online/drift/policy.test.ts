/** What policies do: each acts when errors become larger, says why, and helps on a stream whose concept turns round. */
import { describe, expect, it } from 'vitest';
import { randomUniform } from '../../../random.ts';
import { createOnline, resumeOnline } from '../online.ts';
import type { OnlineOptions } from '../options.ts';
import { Rivals } from './rivals.ts';
import { driftSettings } from './settings.ts';

const features = { a: 'number', b: 'number' } as const;
const TURN = 3000;

/** Rows whose class is whether a < b until `TURN`, and whether not afterwards. */
function* rows(count = 2 * TURN) {
  for (let i = 0; i < count; i++) {
    const record = { a: randomUniform(3, 1, i), b: randomUniform(3, 2, i) };
    yield { record, label: record.a < record.b === i < TURN };
  }
}

function play(options: Omit<OnlineOptions, 'features'>, count?: number) {
  const model = createOnline({ features, ...options });
  let wrong = 0;
  for (const { record, label } of rows(count)) {
    if (model.predictOne(record).value !== label) wrong++;
    model.learnOne(record, label);
  }
  return { model, wrong, events: model.takeEvents() };
}

const classes = [false, true];
const ftrl = { name: 'ftrl', alpha: 0.1 } as const;

describe('policies', () => {
  const without = play({ learner: ftrl, classes });

  it('warn: says what it found, and leaves the model as it is', () => {
    const { model, wrong, events } = play({ learner: ftrl, classes, drift: 'warn' });
    expect(wrong).toBe(without.wrong);
    for (const { record } of rows(20)) {
      expect(model.predictOne(record)).toEqual(without.model.predictOne(record));
    }
    const found = events.find(({ kind }) => kind === 'drift');
    expect(found).toMatchObject({ detector: 'adwin', policy: 'warn', action: 'none' });
    expect(found?.row).toBeGreaterThanOrEqual(TURN);
    expect(found?.row).toBeLessThan(TURN + 100);
    expect(found?.statistic).toBeGreaterThan(found?.threshold ?? 1);
    expect(found?.before).toBeLessThan(0.1);
    expect(found?.after).toBeGreaterThan(0.5);
    expect(JSON.parse(JSON.stringify(events))).toEqual(events);
  });

  it.each([
    ['step', ftrl, 'raised the step size'],
    ['window', ftrl, 'forgot evidence'],
    ['window', { name: 'hoeffding-tree' }, 'started anew'],
    ['window', { name: 'stack', members: ['ftrl', 'hoeffding-tree'] }, 'forgot evidence'],
    ['window', { name: 'gaussian-bayes' }, 'forgot evidence'],
  ] as const)('%s: with %j, errors are fewer by a fifth', (policy, learner, action) => {
    const before = play({ learner, classes }).wrong;
    const { wrong, events } = play({ learner, classes, drift: { policy } });
    expect(events.find(({ kind }) => kind === 'drift')?.action).toBe(action);
    expect(wrong).toBeLessThan(0.8 * before);
  });

  it('step: of a stack, those of its judge and of the members that have one', () => {
    const learner = { name: 'stack', members: [ftrl, 'hoeffding-tree'] } as const;
    const { wrong, events } = play({ learner, classes, drift: 'step' });
    expect(events.find(({ kind }) => kind === 'drift')?.action).toBe('raised the step size');
    expect(wrong).toBeLessThan(0.95 * play({ learner, classes }).wrong);
  });

  it('swap: a rival grows from a warning on, takes over when its errors are fewer, and is dropped otherwise', () => {
    const learner = { name: 'hoeffding-tree' } as const;
    const before = play({ learner, classes }).wrong;
    const { wrong, events } = play({
      learner,
      classes,
      drift: { policy: 'swap', detector: 'hddm-a', most: 500 },
    });
    expect(wrong).toBeLessThan(0.5 * before);
    const swap = events.find(({ kind, row }) => kind === 'swap' && row > TURN);
    expect(swap?.after).toBeLessThan(swap?.before ?? 0);
    expect(swap?.statistic).toBeGreaterThan(2);
    const start = events.findLast(
      ({ action, row }) => action === 'started a rival' && row < (swap?.row ?? 0),
    );
    expect((swap?.row ?? 0) - (start?.row ?? 0)).toBe(swap?.delay);
    const rivals = new Rivals(driftSettings({ policy: 'swap', most: 100 }));
    const decisions = Array.from({ length: 100 }, () => rivals.add(0, 1));
    expect(decisions.at(-1)).toBe('loses');
    expect(decisions.slice(0, -1).every((one) => one === 'undecided')).toBe(true);
  });

  it('step: predictions do not change in the moment that steps grow', () => {
    for (const learner of [
      { ...ftrl, l1: 0.3 },
      { name: 'adagrad', l2: 0.001 },
    ] as const) {
      const model = createOnline({
        features,
        classes,
        learner,
        standardise: false,
        drift: { policy: 'step' },
      });
      const plain = createOnline({ features, classes, learner, standardise: false });
      let at = 0;
      for (const { record, label } of rows()) {
        at++;
        model.learnOne(record, label);
        plain.learnOne(record, label);
        if (at > TURN && model.takeEvents().some(({ action }) => action === 'raised the step size')) break;
      }
      expect(at).toBeLessThan(TURN + 200);
      for (const { record } of rows(30)) {
        const [now, before] = [model, plain].map((one) => one.predictOne(record).shares?.[1] ?? 0);
        expect(now).toBeCloseTo(before, 10);
      }
    }
  });

  it('keeps the latest 100 events, through saving, and gives each out once', () => {
    const drift = { policy: 'warn', detector: { name: 'kswin', alpha: 0.9, window: 20, latest: 5 } } as const;
    const model = createOnline({ features, learner: 'gaussian-bayes', classes, drift });
    let row = 0;
    for (const { record } of rows()) model.learnOne(record, randomUniform(5, 9, row++) < 0.5);
    const events = resumeOnline(model.save()).takeEvents();
    expect(model.takeEvents()).toEqual(events);
    expect(events.length).toBe(100);
    expect(events[0].number).toBeGreaterThan(0);
    const resumed = resumeOnline(model.save());
    expect(resumed.takeEvents()).toEqual([]);
    expect(resumed.save()).toEqual(model.save());
  });

  it('watches numbers by their errors in units of the usual one', () => {
    const model = createOnline({ features, learner: { ...ftrl, alpha: 1e6 }, drift: 'window' });
    for (const { record, label } of rows()) {
      model.learnOne(record, 1e6 * ((label ? 1 : -1) * Math.abs(record.a - record.b)));
    }
    expect(
      model.takeEvents().some(({ kind, row }) => kind === 'drift' && row > TURN && row < TURN + 300),
    ).toBe(true);
  });

  it('refuses a step of learners without one, and options that do not fit', () => {
    const make =
      (drift: OnlineOptions['drift'], learner: OnlineOptions['learner'] = 'hoeffding-tree') =>
      () =>
        createOnline({ features, classes, learner, drift });
    expect(make('step')).toThrow(/no step size to raise; take the policy window or swap/);
    expect(make('step', 'passive-aggressive')).toThrow(/no step size/);
    expect(make({ policy: 'panic' as 'warn' })).toThrow(/policy/);
    expect(make({ detector: 'none' as 'ddm' })).toThrow(/There are adwin/);
  });
});

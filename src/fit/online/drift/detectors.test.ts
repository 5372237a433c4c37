/** Every detector against River (scripts/goldens/drift.py), to the value; saved and resumed anywhere; what is refused. */
import { describe, expect, it } from 'vitest';
import { steppedStream } from '../../../../test/streams.ts';
import { randomUniform } from '../../../random.ts';
import golden from '../fixtures/detectors.json' with { type: 'json' };
import { createDriftDetector, type DriftDetectorSpec } from './detectors.ts';

interface Case {
  readonly detector: DriftDetectorSpec;
  readonly levels: readonly number[];
  readonly binary: boolean;
  readonly found: readonly number[];
  readonly warnings?: number;
  readonly sumOfWarned?: number;
}

const cases = golden.cases as unknown as readonly Case[];
const names = [...new Set(cases.map(({ detector }) => detector.name))];

it.each(cases)('finds what River finds: $detector, levels $levels, binary $binary', (one) => {
  const detector = createDriftDetector(one.detector, 1);
  const found: number[] = [];
  const warned: number[] = [];
  let index = 0;
  for (const value of steppedStream(one.levels, one.binary)) {
    const level = detector.add(value);
    if (level === 'drift') found.push(index);
    else if (level === 'warning') warned.push(index);
    index++;
  }
  expect(found).toEqual(one.found);
  if (one.warnings === undefined) return;
  expect(warned.length).toBe(one.warnings);
  expect(warned.reduce((a, b) => a + b, 0)).toBe(one.sumOfWarned);
});

describe.each(names)('%s', (name) => {
  it('goes on from a saved state as if it had not stopped, and is as new after a reset', () => {
    const whole = createDriftDetector(name, 3);
    const untouched = createDriftDetector(name, 3).save();
    let part = createDriftDetector(name, 3);
    for (let i = 0; i < 3000; i++) {
      const value = Number(randomUniform(9, 0, i) < (i > 1800 ? 0.7 : 0.2));
      expect(part.add(value)).toBe(whole.add(value));
      if (i % 377 === 5) {
        const next = createDriftDetector(name, 3);
        next.restore(structuredClone(part.save()));
        part = next;
      }
    }
    expect(part.save()).toEqual(whole.save());
    whole.reset();
    expect(whole.save()).toEqual(untouched);
    expect(() => whole.restore({})).toThrow(/corrupt|expected|entries/);
  });

  it('says of a rise of the rate of errors what it was, what it is, and about when it came', () => {
    // Page-Hinkley dates a change well where δ is not small beside it.
    const detector = createDriftDetector(name === 'page-hinkley' ? { name, delta: 0.2 } : name, 3);
    for (let i = 0; ; i++) {
      const level = detector.add(Number(randomUniform(4, 1, i) < (i < 1000 ? 0.1 : 0.8)));
      if (level !== 'drift' || i < 1000) continue;
      const { statistic, threshold, before, after, delay } = detector.evidence();
      expect(statistic).toBeGreaterThanOrEqual(threshold);
      expect(before).toBeLessThan(0.25);
      expect(after).toBeGreaterThan(0.4);
      expect(delay).toBeGreaterThan(0);
      expect(Math.abs(i - delay - 1000)).toBeLessThan(60);
      break;
    }
  });
});

it('refuses what is no detector, and windows that cannot be', () => {
  expect(() => createDriftDetector('eddm' as 'ddm')).toThrow(/adwin, page-hinkley, kswin, ddm and hddm-a/);
  expect(() => createDriftDetector({ name: 'adwin', delta: 2 })).toThrow(/delta/);
  expect(() => createDriftDetector({ name: 'kswin', window: 50, latest: 30 })).toThrow(/make it 60 or more/);
});

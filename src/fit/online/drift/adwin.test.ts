/** ADWIN against River (scripts/goldens/online.py), its window against plain sums, its false alarms and its delay. */
import { describe, expect, it } from 'vitest';
import { steppedStream } from '../../../../test/streams.ts';
import { randomUniform } from '../../../random.ts';
import golden from '../fixtures/adwin.json' with { type: 'json' };
import { Adwin } from './adwin.ts';

describe('ADWIN', () => {
  it.each(golden.cases)('finds what River finds: δ $delta, levels $levels, binary $binary', (one) => {
    let detector = new Adwin(one.delta);
    const found: number[] = [];
    const widths: number[][] = [];
    let index = 0;
    let reset = false;
    for (const value of steppedStream(one.levels, one.binary)) {
      if (reset) detector = new Adwin(one.delta);
      reset = detector.update(value);
      if (reset) found.push(index);
      if (index % 500 === 499) widths.push([detector.width, detector.mean, detector.spread]);
      index++;
    }
    expect(found).toEqual(one.found);
    widths.forEach(([width, mean, spread], i) => {
      expect(width).toBe(one.widths[i][0]);
      expect(mean).toBeCloseTo(one.widths[i][1], 9);
      expect(spread).toBeCloseTo(one.widths[i][2], 6);
    });
  });

  it('keeps sums of exactly the latest values', () => {
    const detector = new Adwin();
    const values: number[] = [];
    for (let i = 0; i < 3000; i++) {
      values.push((i < 1500 ? 0 : 1) + randomUniform(7, 0, i));
      detector.update(values[i]);
    }
    const latest = values.slice(-detector.width);
    const mean = latest.reduce((a, b) => a + b) / latest.length;
    expect(detector.width).toBeLessThan(1600);
    expect(detector.mean).toBeCloseTo(mean, 10);
    expect(detector.spread).toBeCloseTo(
      latest.reduce((sum, x) => sum + (x - mean) ** 2, 0),
      6,
    );
  });

  it('raises few false alarms, and finds a change of 0.2 in errors within 400 values, over 100 seeds', () => {
    let alarms = 0;
    let longest = 0;
    for (let seed = 0; seed < 100; seed++) {
      const detector = new Adwin(0.002);
      let found = -1;
      for (let i = 0; i < 4000 && found < 0; i++) {
        const changed = detector.update(Number(randomUniform(seed, 1, i) < (i < 2000 ? 0.2 : 0.4)));
        if (changed && i < 2000) alarms++;
        else if (changed) found = i;
      }
      expect(found).toBeGreaterThan(0);
      longest = Math.max(longest, found - 2000);
    }
    expect(alarms).toBeLessThanOrEqual(5);
    expect(longest).toBeLessThan(400);
  });

  it('goes on from a saved state as if it had not stopped', () => {
    const whole = new Adwin();
    let part = new Adwin();
    for (let i = 0; i < 2500; i++) {
      const value = randomUniform(9, 0, i) + (i > 1800 ? 1 : 0);
      whole.update(value);
      part.update(value);
      if (i % 777 === 5) {
        const next = new Adwin();
        next.restore(part.save());
        part = next;
      }
    }
    expect(part.save()).toEqual(whole.save());
    whole.reset();
    expect(whole.save()).toEqual(new Adwin().save());
  });
});

import { describe, expect, it } from 'vitest';
import { runKernels } from '../../kernel/mode.ts';
import { FEATURE_WORDS } from '../../kernel/tree.ts';
import { randomUniform } from '../../random.ts';
import type { FeatureBins } from './bins.ts';
import { bestSplit, nodeSums, type SplitRules, searchPlan } from './split.ts';

const best = (words: Int32Array, bins: readonly FeatureBins[], ...rest: Rest) =>
  runKernels((run) => bestSplit(run, run.place(words), searchPlan(bins), ...rest));
type Rest = Parameters<typeof bestSplit> extends [unknown, unknown, unknown, ...infer R] ? R : never;

const UNITS = { gradient: 0.01, hessian: 0.002 };
const RULES: SplitRules = { l2: 1, minRows: 1, minHessian: 0, minGain: 0 };

interface Bin {
  readonly g: number;
  readonly h: number;
}

/** The histogram of features; the last bin of each is that of missing values. */
function histogramOf(features: readonly (readonly Bin[])[]): Int32Array {
  const words = new Int32Array(features.length * FEATURE_WORDS);
  features.forEach((bins, f) => {
    bins.forEach(({ g, h }, bin) => {
      words[f * FEATURE_WORDS + 2 * bin] = h;
      words[f * FEATURE_WORDS + 2 * bin + 1] = g;
    });
  });
  return words;
}

const numbers = (count: number): FeatureBins => ({
  edges: new Float32Array(count - 1),
  count,
  categorical: false,
});
const categories = (count: number): FeatureBins => ({ edges: new Float32Array(0), count, categorical: true });

const gain = (sides: readonly Bin[], l2: number): number => {
  const part = (g: number, h: number) => (g * UNITS.gradient) ** 2 / (h * UNITS.hessian + l2);
  const [g, h] = [sides.reduce((sum, side) => sum + side.g, 0), sides.reduce((sum, side) => sum + side.h, 0)];
  return sides.reduce((sum, side) => sum + part(side.g, side.h), 0) - part(g, h);
};
const total = (bins: readonly Bin[]): Bin => ({
  g: bins.reduce((sum, { g }) => sum + g, 0),
  h: bins.reduce((sum, { h }) => sum + h, 0),
});

/** `count` bins and one of missing values, with the same sums for every seed. */
function randomBins(seed: number, count: number, missing: boolean): Bin[] {
  const bins = Array.from({ length: count }, (_, bin) => ({
    g: Math.floor(2000 * randomUniform(seed, 1, bin) - 1000),
    h: 100 + Math.floor(1000 * randomUniform(seed, 2, bin)),
  }));
  return [...bins, missing ? { g: 700, h: 900 } : { g: 0, h: 0 }];
}

describe('the best threshold', () => {
  it.each([
    1, 2, 3, 4, 5, 6,
  ])('is the one that trying each finds, missing values on either side (%i)', (seed) => {
    const bins = randomBins(seed, 20, seed % 2 === 0);
    const values = bins.slice(0, 20);
    const missing = bins[20];
    const tried = values.slice(0, 19).flatMap((_, bin) =>
      [true, false].map((missingLeft) => {
        const left = total([...values.slice(0, bin + 1), ...(missingLeft ? [missing] : [])]);
        const right = total([...values.slice(bin + 1), ...(missingLeft ? [] : [missing])]);
        return { bin, gain: gain([left, right], RULES.l2) };
      }),
    );
    const most = tried.reduce((a, b) => (b.gain > a.gain ? b : a));
    const words = histogramOf([bins]);
    const found = best(words, [numbers(20)], nodeSums(words, UNITS, 500), UNITS, RULES);
    expect(found?.split.bin).toBe(most.bin);
    expect(found?.gain).toBeCloseTo(most.gain, 9);
    expect(found!.left.gradient + found!.right.gradient).toBeCloseTo(total(bins).g * UNITS.gradient, 9);
  });

  it('keeps the least rows and the least Hessian of a side', () => {
    const bins = [...Array.from({ length: 10 }, () => ({ g: 1, h: 100 })), { g: 0, h: 0 }];
    bins[0] = { g: -5000, h: 100 };
    const words = histogramOf([bins]);
    const node = nodeSums(words, UNITS, 100);
    const at = (rules: Partial<SplitRules>) =>
      best(words, [numbers(10)], node, UNITS, { ...RULES, ...rules })?.split.bin;
    expect(at({})).toBe(0);
    expect(at({ minRows: 20 })).toBe(1);
    expect(at({ minHessian: 0.5 })).toBe(2);
    expect(at({ minRows: 51 })).toBeUndefined();
    expect(at({ minGain: 1e9 })).toBeUndefined();
  });

  it('is none where nothing differs, in one bin, or in features that may not be asked', () => {
    const same = [...Array.from({ length: 4 }, () => ({ g: 10, h: 50 })), { g: 0, h: 0 }];
    const words = histogramOf([same, [{ g: 40, h: 200 }], randomBins(3, 4, false)]);
    const node = nodeSums(words, UNITS, 100);
    const features = [numbers(4), numbers(1), numbers(4)];
    expect(best(words, features.slice(0, 2), node, UNITS, RULES)).toBeUndefined();
    expect(best(words, features, node, UNITS, RULES, Uint8Array.of(1, 1, 0))).toBeUndefined();
  });
});

describe('the best set of categories', () => {
  it('is one category of few against the rest', () => {
    const bins = [
      { g: 10, h: 1000 },
      { g: -900, h: 1000 },
      { g: 20, h: 1000 },
      { g: 0, h: 0 },
    ];
    const words = histogramOf([bins]);
    const found = best(words, [categories(3)], nodeSums(words, UNITS, 300), UNITS, RULES);
    expect(found?.split).toMatchObject({ set: [1], missingLeft: false });
  });

  it('of many is a run of the order by gradient, as good as the best of all sets', () => {
    const bins = randomBins(9, 12, false).map(({ g, h }) => ({ g, h: h > 0 ? 20_000 : 0 }));
    const words = histogramOf([bins]);
    const found = best(words, [categories(12)], nodeSums(words, UNITS, 5000), UNITS, RULES);
    let most = 0;
    for (let mask = 1; mask < 2 ** 12 - 1; mask++) {
      const inside = bins.slice(0, 12).filter((_, bin) => (mask >> bin) & 1);
      const outside = bins.slice(0, 12).filter((_, bin) => !((mask >> bin) & 1));
      most = Math.max(most, gain([total(inside), total(outside)], RULES.l2 + 10));
    }
    expect(found?.gain).toBeCloseTo(most, 9);
  });
});

import { afterEach, describe, expect, it } from 'vitest';
import { randomUniform, randomWord } from '../random.ts';
import { kernelRuns, runKernels, setKernelMode } from './mode.ts';
import { FEATURE_WORDS } from './tree.ts';
import { PLACE_WORDS, searchThresholds, type ThresholdRules } from './tree-search.ts';

afterEach(() => setKernelMode('wasm'));

/**
 * Bytes of the record. Of the last the lower digit is shared by three features of 2, 3 and 60 bins, and the upper one, 0 or
 * 1, is nothing that is asked.
 */
const OWN = 5;
const BINS = 200;
const DIGIT = 67;
const SHARED = [
  { bins: 2, first: 1, usual: 0 },
  { bins: 3, first: 3, usual: 2 },
  { bins: 60, first: 6, usual: 17 },
];
const FEATURES = OWN + SHARED.length;

function placesOf(): Int32Array {
  const places = new Int32Array(PLACE_WORDS * FEATURES);
  for (let f = 0; f < OWN; f++) places.set([f, f === 1 ? 1 : BINS, -1, -1], PLACE_WORDS * f);
  SHARED.forEach(({ bins, first, usual }, i) => {
    places.set([OWN, bins, first, usual, 1, DIGIT], PLACE_WORDS * (OWN + i));
  });
  return places;
}

interface Row {
  readonly bins: readonly number[];
  readonly gradient: number;
  readonly hessian: number;
}

/** Rows whose features of the shared byte never leave their usual bins together. */
function rowsOf(seed: number, missing: boolean): Row[] {
  return Array.from({ length: 400 }, (_, r) => {
    const bins = Array.from({ length: OWN }, (_, f) => {
      if (missing && randomUniform(seed, f, r) < 0.1) return f === 1 ? 1 : BINS;
      return f === 1 ? 0 : randomWord(seed, 10 + f, r) % BINS;
    });
    const leaves = randomWord(seed, 30, r) % 5;
    SHARED.forEach((shared, i) => {
      const other = randomWord(seed, 31, r) % (shared.bins + (missing ? 1 : 0));
      bins.push(leaves === i ? other : shared.usual);
    });
    const gradient =
      (randomWord(seed, 40, r) % 4001) - 2000 + (bins[3] > 90 ? 900 : 0) + (bins[7] < 9 ? 2000 : 0);
    return { bins, gradient, hessian: 1 + (randomWord(seed, 41, r) % 4000) };
  });
}

function histogramOf(rows: readonly Row[]): Int32Array {
  const words = new Int32Array((OWN + 1) * FEATURE_WORDS);
  for (const { bins, gradient, hessian } of rows) {
    const codes = bins.slice(0, OWN);
    const left = SHARED.findIndex(({ usual }, i) => bins[OWN + i] !== usual);
    const bin = bins[OWN + left];
    const digit = left < 0 ? 0 : SHARED[left].first + bin - (bin > SHARED[left].usual ? 1 : 0);
    codes.push(digit + (hessian % 3 === 0 ? DIGIT : 0));
    codes.forEach((code, byte) => {
      words[byte * FEATURE_WORDS + 2 * code] += hessian;
      words[byte * FEATURE_WORDS + 2 * code + 1] += gradient;
    });
  }
  return words;
}

function rulesOf(rows: readonly Row[]): ThresholdRules {
  const [gradientUnit, hessianUnit] = [0.01, 0.003];
  const nodeGradient = rows.reduce((sum, { gradient }) => sum + gradient, 0) * gradientUnit;
  const nodeHessian = rows.reduce((sum, { hessian }) => sum + hessian, 0) * hessianUnit;
  const whole = nodeGradient ** 2 / (nodeHessian + 1);
  return { nodeGradient, nodeHessian, gradientUnit, hessianUnit, l2: 1, least: 5, whole };
}

/** Gain of a threshold, from the rows themselves. */
function gainOf(rows: readonly Row[], rules: ThresholdRules, goesLeft: (row: Row) => boolean): number {
  const score = (side: readonly Row[]) => {
    const g = side.reduce((sum, row) => sum + row.gradient, 0) * rules.gradientUnit;
    const h = side.reduce((sum, row) => sum + row.hessian, 0) * rules.hessianUnit;
    return h < rules.least ? Number.NEGATIVE_INFINITY : g ** 2 / (h + rules.l2);
  };
  return score(rows.filter(goesLeft)) + score(rows.filter((row) => !goesLeft(row))) - rules.whole;
}

function search(rows: readonly Row[], asked: Uint8Array, floor: number) {
  const find = () =>
    runKernels((run) =>
      searchThresholds(run, run.place(histogramOf(rows)), placesOf(), asked, rulesOf(rows), floor),
    );
  setKernelMode('wasm');
  const before = kernelRuns().wasm;
  const found = find();
  expect(kernelRuns().wasm).toBe(before + 1);
  setKernelMode('plain');
  expect(find()).toEqual(found);
  return found;
}

describe('the search for thresholds', () => {
  it.each([1, 2, 3, 4, 5, 6])('finds the best that trying each finds, on both paths (%i)', (seed) => {
    const missing = seed % 2 === 0;
    const rows = rowsOf(seed, missing);
    const rules = rulesOf(rows);
    for (const only of [undefined, 3, 5, 7]) {
      const asked = Uint8Array.from({ length: FEATURES }, (_, f) =>
        only === undefined || f === only ? 1 : 0,
      );
      const places = placesOf();
      let best = Number.NEGATIVE_INFINITY;
      for (let f = 0; f < FEATURES; f++) {
        const bins = places[PLACE_WORDS * f + 1];
        for (let bin = 0; asked[f] === 1 && bin < bins - 1; bin++) {
          for (const missingLeft of [false, true]) {
            const side = ({ bins: own }: Row) => (own[f] === bins ? missingLeft : own[f] <= bin);
            best = Math.max(best, gainOf(rows, rules, side));
          }
        }
      }
      const found = search(rows, asked, -1000)!;
      expect(found.gain).toBeCloseTo(best, 8);
      const { feature, bin, missingLeft = false } = found;
      const bins = places[PLACE_WORDS * feature + 1];
      const side = ({ bins: own }: Row) => (own[feature] === bins ? missingLeft : own[feature] <= bin);
      expect(gainOf(rows, rules, side)).toBeCloseTo(best, 8);
      const left = rows.filter(side);
      expect(found.gradient).toBe(left.reduce((sum, { gradient }) => sum + gradient, 0));
      expect(found.hessian).toBe(left.reduce((sum, { hessian }) => sum + hessian, 0));
      expect('missingLeft' in found).toBe(rows.some((row) => row.bins[feature] === bins));
    }
  });

  it('is nothing where nothing is asked, nothing can be split, or nothing gains enough', () => {
    const rows = rowsOf(7, false);
    expect(search(rows, new Uint8Array(FEATURES), 0)).toBeUndefined();
    expect(
      search(
        rows,
        Uint8Array.from({ length: FEATURES }, (_, f) => (f === 1 ? 1 : 0)),
        0,
      ),
    ).toBeUndefined();
    const all = new Uint8Array(FEATURES).fill(1);
    const { gain } = search(rows, all, 0)!;
    expect(search(rows, all, gain)).toBeUndefined();
  });

  it('prefers the first of equal features', () => {
    const rows = rowsOf(8, false).map((row) => ({
      ...row,
      bins: row.bins.map((bin, f) => (f === 4 ? row.bins[3] : bin)),
    }));
    const asked = Uint8Array.from({ length: FEATURES }, (_, f) => (f === 3 || f === 4 ? 1 : 0));
    expect(search(rows, asked, 0)!.feature).toBe(3);
  });
});

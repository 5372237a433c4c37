import { afterEach, expect, it } from 'vitest';
import { randomWord } from '../random.ts';
import { HistogramMemory } from './histogram-memory.ts';
import { kernelRuns, setKernelMode } from './mode.ts';
import { FEATURE_WORDS, subtractWords } from './tree.ts';

afterEach(() => setKernelMode('wasm'));

const histogramOf = (seed: number) =>
  Int32Array.from({ length: FEATURE_WORDS }, (_, i) => randomWord(seed, 0, i));

it('keeps copies in the memory that kernels run over, and beyond it where there is no more room', () => {
  const memory = new HistogramMemory(FEATURE_WORDS, 2, 0);
  const kept = [1, 2, 3].map((seed) => memory.keep(histogramOf(seed)));
  memory.run((run) => expect(kept.map((one) => run.inPlace(one))).toEqual([true, true, false]));
  const before = kernelRuns();
  memory.run((run) => subtractWords(run, kept[0], run.place(kept[2])));
  expect(kernelRuns()).toEqual({ ...before, wasm: before.wasm + 1 });
  const [first, third] = [histogramOf(1), histogramOf(3)];
  expect(kept[0]).toEqual(first.map((word, i) => word - third[i]));
  expect(kept[1]).toEqual(histogramOf(2));
  expect(kept[2]).toEqual(third);
});

it('gives room back', () => {
  const memory = new HistogramMemory(FEATURE_WORDS, 1, 0);
  const kept = memory.keep(histogramOf(1));
  memory.release(kept);
  expect(memory.keep(histogramOf(2))).toBe(kept);
  expect(kept).toEqual(histogramOf(2));
});

it('runs on the plain path what scratch has no room for, and touches no histogram', () => {
  const memory = new HistogramMemory(FEATURE_WORDS, 1, 0);
  const kept = memory.keep(histogramOf(1));
  const before = kernelRuns();
  const sum = memory.run((run) => {
    const large = run.zeros(Uint8Array, 1 << 20).fill(1);
    return large.reduce((total, byte) => total + byte, 0);
  });
  expect(sum).toBe(1 << 20);
  expect(kernelRuns()).toEqual({ ...before, plain: before.plain + 1 });
  expect(kept).toEqual(histogramOf(1));
});

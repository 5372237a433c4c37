/** A forest without its first trees: what is left is as it was, and the level of margins stays. */
import { expect, it } from 'vitest';
import type { Forest } from './forest.ts';
import { iterationCount, withoutFirst } from './forest-slice.ts';

/** Two trees of one split each; covers 3 and 1, then 2 and 2. */
const forest = {
  outputs: 1,
  base: Float64Array.of(0.5),
  starts: Int32Array.of(0, 3, 6),
  treeOutputs: Int32Array.of(0, 0),
  nodeFeatures: Int32Array.of(0, -1, -1, 1, -1, -1),
  lefts: Int32Array.of(1, 0, 0, 1, 0, 0),
  thresholds: Float64Array.of(0.3, 0, 0, 0.7, 0, 0),
  flags: new Uint8Array(6),
  leafValues: Float64Array.of(0, 2, -2, 0, 1, 3),
  gains: new Float64Array(6),
  covers: Float64Array.of(4, 3, 1, 4, 2, 2),
  sets: new Uint32Array(0),
} as unknown as Forest;

it('keeps the later trees and the mean of the ones that go, weighted by rows', () => {
  const rest = withoutFirst(forest, 1);
  expect(iterationCount(forest)).toBe(2);
  expect(iterationCount(rest)).toBe(1);
  expect([...rest.base]).toEqual([0.5 + (3 * 2 - 1 * 2) / 4]);
  expect([...rest.starts]).toEqual([0, 3]);
  expect([...rest.thresholds]).toEqual([0.7, 0, 0]);
  expect([...rest.leafValues]).toEqual([0, 1, 3]);
});

it('is the same forest where none goes', () => {
  expect(withoutFirst(forest, 0)).toEqual(forest);
});

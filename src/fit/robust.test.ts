/** Quantiles and spreads of labels: by definition, weighted, less offsets, and however rows are cut. */
import { describe, expect, it } from 'vitest';
import type { DenseView } from '../particle/view.ts';
import { randomUniform } from '../random.ts';
import { checkLaws } from '../summary/laws.ts';
import { partial } from '../summary/summary.ts';
import { huberDelta, labelSpread } from './robust.ts';

/** Labels that f32 holds exactly. */
const LABELS = Array.from({ length: 101 }, (_, row) => Math.round(1000 * randomUniform(9, row, 0) ** 3) / 8);

function viewOf(labels: readonly number[], more: Partial<DenseView> = {}): DenseView {
  const rows = labels.length;
  return {
    ...{ kind: 'dense', rows, features: 0, stride: (rows + 3) & ~3, values: new Float32Array(0) },
    labels: Float64Array.from(labels),
    ...more,
  };
}

const spreadOf = (share: number, view: DenseView) => {
  const summary = labelSpread({ quantile: share });
  return summary.read(partial(summary, view));
};
const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);

describe('label spread', () => {
  it('is a lower quantile, and δ of the median distance from it', () => {
    for (const share of [0.1, 0.5, 0.9]) {
      const quantile = sorted(LABELS)[Math.ceil(share * 101) - 1];
      const distances = sorted(LABELS.map((label) => Math.abs(label - quantile)));
      expect(spreadOf(share, viewOf(LABELS))).toEqual({ quantile, delta: huberDelta(distances[50]) });
    }
    expect(huberDelta(1)).toBeCloseTo(1.345 * 1.4826, 12);
  });

  it('counts weights as rows, and takes offsets away', () => {
    const weights = LABELS.map((_, row) => 1 + (row % 3));
    const repeated = LABELS.flatMap((label, row) => new Array<number>(weights[row]).fill(label));
    const weighted = viewOf(LABELS, { weights: Float64Array.from(weights) });
    expect(spreadOf(0.3, weighted)).toEqual(spreadOf(0.3, viewOf(repeated)));
    const offsets = Float64Array.from(LABELS, (_, row) => row % 4);
    const moved = LABELS.map((label, row) => label - offsets[row]);
    expect(spreadOf(0.7, viewOf(LABELS, { offsets }))).toEqual(spreadOf(0.7, viewOf(moved)));
  });

  it('is 0 wide where most labels are one', () => {
    expect(spreadOf(0.5, viewOf([4, 4, 4, 4, 9]))).toEqual({ quantile: 4, delta: 0 });
  });

  it('follows the laws', () => {
    const slice = (view: DenseView, from: number, to: number) => viewOf([...view.labels.slice(from, to)]);
    const inputs = [viewOf(LABELS.slice(0, 40)), viewOf([]), viewOf(LABELS.slice(40))];
    checkLaws(labelSpread({ quantile: 0.5 }) as never, { inputs, slice } as never);
    expect(spreadOf(0.5, viewOf([]))).toEqual({ quantile: 0, delta: 0 });
  });
});

/** Learner views for tests: seeded, dense or CSR, with or without weights and offsets. */
import { arena } from '../src/kernel/memory.ts';
import type { CsrView, DenseView, TypedArray } from '../src/particle/view.ts';
import { randomUniform } from '../src/random.ts';

export type LearnerView = DenseView | CsrView;

export interface ViewSpec {
  readonly rows: number;
  readonly features: number;
  /** What labels are: any numbers, or the indices of that many classes, or counts. */
  readonly labels: 'numbers' | 'counts' | number;
  readonly seed?: number;
  readonly weights?: boolean;
  readonly offsets?: boolean;
  /** Multiplies the features. */
  readonly scale?: number;
}

/** Uniform number in [-1, 1). */
function signed(seed: number, stream: number, index: number): number {
  return 2 * randomUniform(seed, stream, index) - 1;
}

function rowArrays({ rows, labels, seed = 1, weights, offsets }: ViewSpec) {
  const label = (r: number) => {
    if (labels === 'numbers') return 3 * signed(seed, 1, r);
    return Math.floor(randomUniform(seed, 1, r) * (labels === 'counts' ? 5 : labels));
  };
  return {
    rows,
    labels: Float64Array.from({ length: rows }, (_, r) => label(r)),
    weights: weights
      ? Float64Array.from({ length: rows }, (_, r) => 0.1 + 2 * randomUniform(seed, 2, r))
      : undefined,
    offsets: offsets ? Float64Array.from({ length: rows }, (_, r) => signed(seed, 3, r)) : undefined,
  };
}

/** A dense view of uniform features. */
export function denseView(spec: ViewSpec): DenseView {
  const { rows, features, seed = 1, scale = 1 } = spec;
  const stride = (rows + 3) & ~3;
  const values = new Float32Array(stride * features);
  for (let f = 0; f < features; f++) {
    for (let r = 0; r < rows; r++) values[f * stride + r] = scale * signed(seed, 10 + f, r);
  }
  return { kind: 'dense', features, stride, values, ...rowArrays(spec) };
}

/** A CSR view in which about `density` of the entries stand. */
export function csrView(spec: ViewSpec, density = 0.3): CsrView {
  const { rows, features, seed = 1, scale = 1 } = spec;
  const starts = new Uint32Array(rows + 1);
  const indices: number[] = [];
  const values: number[] = [];
  for (let r = 0; r < rows; r++) {
    for (let f = 0; f < features; f++) {
      if (randomUniform(seed, 20 + f, r) >= density) continue;
      indices.push(f);
      values.push(scale * signed(seed, 10 + f, r));
    }
    starts[r + 1] = indices.length;
  }
  return {
    kind: 'csr',
    features,
    starts,
    indices: Uint32Array.from(indices),
    values: Float32Array.from(values),
    ...rowArrays(spec),
  };
}

/** The rows of a view at the given places, in that order. */
export function pickRows<V extends LearnerView>(view: V, places: readonly number[]): V {
  const rows = places.length;
  const pick = (array: Float64Array | undefined) => array && Float64Array.from(places, (r) => array[r]);
  const common = {
    rows,
    labels: pick(view.labels)!,
    weights: pick(view.weights),
    offsets: pick(view.offsets),
  };
  if (view.kind === 'dense') {
    const stride = (rows + 3) & ~3;
    const values = new Float32Array(stride * view.features);
    for (let f = 0; f < view.features; f++) {
      for (const [to, from] of places.entries())
        values[f * stride + to] = view.values[f * view.stride + from];
    }
    return { ...view, ...common, stride, values };
  }
  const starts = new Uint32Array(rows + 1);
  const entries = places.flatMap((r, to) => {
    const { starts: from } = view as CsrView;
    starts[to + 1] = starts[to] + from[r + 1] - from[r];
    return Array.from({ length: from[r + 1] - from[r] }, (_, i) => from[r] + i);
  });
  return {
    ...view,
    ...common,
    starts,
    indices: Uint32Array.from(entries, (j) => (view as CsrView).indices[j]),
    values: Float32Array.from(entries, (j) => (view as CsrView).values[j]),
  };
}

/** Rows [from, to) of a view. */
export function sliceView<V extends LearnerView>(view: V, from: number, to: number): V {
  return pickRows(
    view,
    Array.from({ length: to - from }, (_, i) => from + i),
  );
}

/** The view with its arrays in kernel memory. */
export function resident<V extends LearnerView>(view: V): V {
  const placed = Object.entries(view).map(([key, value]) => {
    if (!ArrayBuffer.isView(value)) return [key, value];
    const array = value as unknown as Float64Array;
    const copy = arena.alloc(array.constructor as Float64ArrayConstructor, array.length)!;
    copy.set(array);
    return [key, copy as TypedArray];
  });
  return Object.fromEntries(placed) as V;
}

/** Numbers in about [-1, 1], seeded. */
export function someNumbers(count: number, seed: number, scale = 1): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => scale * signed(seed, 99, i));
}

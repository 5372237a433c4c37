/**
 * A view of what a frozen model leaves to learn: its first features are summed by its coefficients into the offset of
 * the row, and only the features after them remain. For one output.
 */
import type { Json } from '../json.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import { compiledModule, type Reference, resolveReference } from '../run/reference.ts';
import type { ViewKind } from '../run/session.ts';

interface Options {
  readonly view: Reference;
  /** Coefficients of the first features, then the intercept. */
  readonly frozen: readonly number[];
}

/** Names the view. */
export function frozenReference(view: Reference, frozen: readonly number[]): Reference {
  return { module: import.meta.url, name: 'frozenView', options: { view, frozen } as unknown as Json };
}

/** View kind, named by {@link frozenReference}: offsets hold the frozen margin. O(entries). */
export async function frozenView(options: Json): Promise<ViewKind<DenseView | CsrView>> {
  const { view, frozen } = options as unknown as Options;
  // Inside a worker this module is compiled, and so must be the one it names.
  const module = import.meta.url.endsWith('.ts') ? view.module : compiledModule(view.module);
  const inner = await resolveReference<ViewKind<DenseView | CsrView>>({ ...view, module });
  return {
    id: `frozen/1 ${frozen.join(' ')} ${inner.id}`,
    kept: true,
    derive(particle, memory) {
      const whole = inner.derive(particle, memory);
      const offsets = whole.offsets?.slice() ?? new Float64Array(whole.labels.length);
      const count = frozen.length - 1;
      for (let row = 0; row < whole.rows; row++) offsets[row] += frozen[count];
      return whole.kind === 'dense'
        ? denseRest(whole, frozen, count, offsets)
        : sparseRest(whole, frozen, count, offsets);
    },
  };
}

function denseRest(
  view: DenseView,
  frozen: readonly number[],
  count: number,
  offsets: Float64Array,
): DenseView {
  const { values, stride, rows, features } = view;
  for (let f = 0; f < count; f++) {
    for (let row = 0; row < rows; row++) offsets[row] += frozen[f] * values[f * stride + row];
  }
  return { ...view, features: features - count, values: values.slice(count * stride), offsets };
}

function sparseRest(view: CsrView, frozen: readonly number[], count: number, offsets: Float64Array): CsrView {
  const starts = view.starts.slice();
  const indices: number[] = [];
  const values: number[] = [];
  for (let row = 0; row < view.rows; row++) {
    starts[row] = indices.length;
    for (let j = view.starts[row]; j < view.starts[row + 1]; j++) {
      const f = view.indices[j];
      if (f < count) offsets[row] += frozen[f] * view.values[j];
      else {
        indices.push(f - count);
        values.push(view.values[j]);
      }
    }
  }
  starts[view.rows] = indices.length;
  return {
    ...view,
    features: view.features - count,
    starts,
    indices: Uint32Array.from(indices),
    values: Float32Array.from(values),
    offsets,
  };
}

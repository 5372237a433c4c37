/**
 * The view that trees grow on: features as bins, row by row, and room for what a fit needs to know of each row (its
 * margin, quantized gradient and leaf), which is a cache: desk.ts fills it, and can always fill it again.
 * Rows that are held out to stop early are chosen by what stands in them, so never by how the data is cut.
 */
import type { Json } from '../../json.ts';
import { hashBins, type RecordShape, recordsOf } from '../../kernel/tree.ts';
import { forestScorer } from '../../model/forest-predict.ts';
import { decodeForest, type ForestShape } from '../../model/forest-tensors.ts';
import type { DenseView, View } from '../../particle/view.ts';
import { combine32, hashText, mix32 } from '../../random.ts';
import { compiledModule, type Reference, resolveReference } from '../../run/reference.ts';
import type { ViewKind } from '../../run/session.ts';
import { loadLoss } from '../own-loss.ts';
import { binColumn, type FeatureBins } from './bins.ts';
import { type RecordLayout, sharedColumns } from './layout.ts';

/** Binned rows with a desk. Plane k of margins starts at k · rows, that of slopes at 2 · k · rows. */
export interface BinnedView extends View, RecordShape {
  readonly kind: 'binned';
  readonly features: number;
  /** Hash of the bins: tells particles apart where random numbers are wanted. */
  readonly salt: number;
  /** Bins by row, a byte a feature unless some share one, quants behind: see kernel/tree.ts. Quants belong to the desk. */
  readonly records: Uint8Array;
  /** Bins by column, rows apart by 1: what a split looks at, from few cache lines. */
  readonly columns: Uint8Array;
  readonly labels: Float64Array;
  readonly weights?: Float64Array;
  readonly offsets?: Float64Array;
  /** 1 where a row is learned from, 0 where it is held out; absent: all are learned from. */
  readonly kept?: Uint8Array;
  /** As in the dense view: where groups begin. */
  readonly groups?: Uint32Array;
  /** Margins of a model that is continued, offsets included: planes as those of `margins`. */
  readonly start?: Float64Array;
  /** The desk: undefined until desk.ts has written it. */
  readonly margins: Float64Array;
  /** Gradient and Hessian, a pair a row. */
  readonly slopes: Float32Array;
  /** A plane of `rows` for each of the trees that grow at the same time, as many as there are quants. */
  readonly order: Uint32Array;
}

/** What a loss is evaluated from. */
export type EvaluatedRows = Pick<BinnedView, 'rows' | 'margins' | 'labels' | 'weights' | 'kept' | 'groups'>;

export interface BinnedOptions {
  /** Dense learner view: NaN where a value is missing. */
  readonly view: Reference;
  readonly bins: readonly {
    readonly edges: readonly number[];
    readonly count: number;
    readonly categorical: boolean;
  }[];
  readonly outputs: number;
  /** Trees that grow at the same time. */
  readonly together: number;
  /** Share of rows that are held out. */
  readonly holdOut: number;
  readonly seed: number;
  /** A loss of the user's own, for the worker to load. */
  readonly loss?: Reference;
  /** Where features share bytes of records. */
  readonly layout?: RecordLayout;
  /** A forest to go on from, base64: margins begin with its own. */
  readonly from?: string;
}

/** Names {@link binnedView}. */
export function binnedReference(
  view: Reference,
  bins: readonly FeatureBins[],
  options: Omit<BinnedOptions, 'view' | 'bins'>,
): Reference {
  const plain = bins.map(({ edges, count, categorical }) => ({ edges: [...edges], count, categorical }));
  const json: BinnedOptions = { view, bins: plain, ...options };
  return { module: import.meta.url, name: 'binnedView', options: json as unknown as Json };
}

/**
 * View kind of binned rows over a dense one.
 * @byReference
 */
export async function binnedView(options: Json): Promise<ViewKind<BinnedView>> {
  const { view, bins, loss, from, ...rest } = options as unknown as BinnedOptions;
  const { outputs, together, holdOut, seed, layout } = rest;
  if (loss !== undefined) await loadLoss(loss);
  // Inside a worker this module is compiled, and so must be the one it names.
  const module = import.meta.url.endsWith('.ts') ? view.module : compiledModule(view.module);
  const inner = await resolveReference<ViewKind<DenseView>>({ ...view, module });
  const features = bins.map(
    ({ edges, count, categorical }): FeatureBins => ({ edges: Float32Array.from(edges), count, categorical }),
  );
  const start = from === undefined ? undefined : startingAt(from, { outputs, features: bins.length });
  const shared = layout === undefined ? '' : ` shared ${hashText(JSON.stringify(layout))}`;
  const continued = from === undefined ? '' : ` ${hashText(from)} ${from.length}`;
  return {
    id: `binned/3 ${outputs} ${together} ${holdOut} ${seed} ${binsHash(features)}${shared}${continued} ${inner.id}`,
    kept: true,
    derive: (particle, memory) => {
      const dense = inner.derive(particle, memory);
      const binned = binRows(dense, features, rest);
      return start === undefined ? binned : { ...binned, start: start(dense) };
    },
  };
}

/** Margins of an encoded forest, as planes. */
function startingAt(from: string, shape: ForestShape): (view: DenseView) => Float64Array {
  const score = forestScorer(decodeForest(Buffer.from(from, 'base64'), shape));
  const { outputs } = shape;
  return (view) => {
    const margins = score(view);
    if (outputs === 1) return margins;
    const planes = new Float64Array(margins.length);
    for (let row = 0, at = 0; row < view.rows; row++) {
      for (let k = 0; k < outputs; k++) planes[k * view.rows + row] = margins[at++];
    }
    return planes;
  };
}

function binsHash(bins: readonly FeatureBins[]): number {
  let hash = bins.length;
  const number = new Float32Array(1);
  const word = new Uint32Array(number.buffer);
  for (const { edges, count, categorical } of bins) {
    hash = combine32(combine32(hash, count), categorical ? 1 : 0);
    for (const edge of edges) {
      number[0] = edge;
      hash = combine32(hash, word[0]);
    }
  }
  return hash;
}

/** Bins a dense view. O(rows × features × log bins). */
export function binRows(
  view: DenseView,
  bins: readonly FeatureBins[],
  { outputs, together, holdOut, seed, layout }: Omit<BinnedOptions, 'view' | 'bins' | 'loss' | 'from'>,
): BinnedView {
  const { rows, features, stride, values, labels, weights, offsets, groups } = view;
  const columns = new Uint8Array(rows * features);
  for (let f = 0; f < features; f++) {
    const column = columns.subarray(f * rows, (f + 1) * rows);
    binColumn(bins[f], values.subarray(f * stride, f * stride + rows), column);
  }
  const shape = { codes: layout?.columns ?? features, quants: together };
  const codes = layout === undefined ? columns : sharedColumns(columns, rows, layout, bins);
  const records = recordsOf(codes, rows, shape);
  // Of every bin, so that what is chosen at random does not depend on the layout.
  const hashes = rowHashes(columns, labels, seed);
  let salt = rows;
  for (const hash of hashes) salt = (Math.imul(salt, 31) + hash) | 0;
  const kept = holdOut > 0 ? keptRows(groups ? firstOfGroup(hashes, groups) : hashes, holdOut) : undefined;
  return {
    kind: 'binned',
    rows,
    features,
    ...shape,
    salt: mix32(salt),
    records,
    columns,
    labels,
    ...(weights ? { weights } : {}),
    ...(offsets ? { offsets } : {}),
    ...(kept ? { kept } : {}),
    ...(groups ? { groups } : {}),
    margins: new Float64Array(outputs * rows),
    slopes: new Float32Array(2 * outputs * rows),
    order: new Uint32Array(together * rows),
  };
}

/** A hash of what stands in each row. */
function rowHashes(columns: Uint8Array, labels: Float64Array, seed: number): Uint32Array {
  const bins = hashBins(columns, labels.length, seed);
  const halves = new Int32Array(labels.buffer, labels.byteOffset, 2 * labels.length);
  const hashes = new Uint32Array(labels.length);
  for (let row = 0; row < hashes.length; row++) {
    hashes[row] = mix32(bins[row] ^ Math.imul(halves[2 * row], 0x85ebca6b) ^ halves[2 * row + 1]);
  }
  return hashes;
}

/** The hash of its first row for every row of a group: groups are held out whole. */
function firstOfGroup(hashes: Uint32Array, groups: Uint32Array): Uint32Array {
  const out = hashes.slice();
  for (let g = 0; g + 1 < groups.length; g++) out.fill(hashes[groups[g]], groups[g], groups[g + 1]);
  return out;
}

function keptRows(hashes: Uint32Array, holdOut: number): Uint8Array {
  const limit = holdOut * 0x1_0000_0000;
  return Uint8Array.from(hashes, (hash) => (mix32(hash + 0x2545f491) < limit ? 0 : 1));
}

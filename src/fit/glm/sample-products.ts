/**
 * Products of some rows with a few directions: for every row of a sample its label, its weight, its margin at the
 * parameters of the round, and how fast that margin moves along each direction. Margins are affine in parameters, so
 * these few numbers a row tell the loss of the sample anywhere in the space that the directions span.
 * Merging appends rows in particle order. Which rows: see sample.ts. O(entries of the sample), f64, in row order.
 *
 *     row    | label | weight | margin | along direction | along band 0 | along band 1 | …
 *     table  | parameter | direction | banded step | band | for every feature, then for the intercept
 */
import type { Json } from '../../json.ts';
import type { Reference } from '../../run/reference.ts';
import { corrupt } from '../../summary/codec.ts';
import type { Summary } from '../../summary/summary.ts';
import { decodeParameters } from './parameters.ts';
import type { LearnerView } from './pass.ts';
import { spacedRows } from './sample.ts';

/** Options of the summary; JSON. */
export interface ProductOptions {
  readonly features: number;
  /** Bands that the last direction is split into: one product each. */
  readonly bands: number;
  /** Share of the rows of each view. */
  readonly share: number;
}

/** Numbers of a row before its products with directions. */
export const ROW_HEAD = 3;
/** Numbers a parameter in the table of a round. */
export const TABLE_WIDTH = 4;

/** Rows so far, row-major, in pieces. */
export interface ProductRows {
  pieces: Float64Array[];
}

/** Names the summary; a round's parameters are the table's f64 numbers. */
export function sampleProductsReference(options: ProductOptions): Reference {
  return { module: import.meta.url, name: 'sampleProducts', options: options as unknown as Json };
}

/** Summary that reads as the rows of the sample, row-major. */
export function sampleProducts(
  options: Json,
  parameters: Uint8Array,
): Summary<ProductRows, Float64Array, LearnerView> {
  const { features, bands, share } = options as unknown as ProductOptions;
  const table = decodeParameters(parameters);
  const width = ROW_HEAD + 1 + bands;
  return {
    id: `sample-products/1 ${share} ${bands}×${features}`,
    empty: () => ({ pieces: [] }),
    observe(state, view) {
      state.pieces.push(productsOf(view, spacedRows(view.rows, share), table, width));
    },
    merge(into, from) {
      for (const piece of from.pieces) into.pieces.push(piece);
    },
    read: joined,
    codec: {
      encode: (state) => new Uint8Array(joined(state).buffer),
      decode(bytes) {
        if (bytes.length % (8 * width) !== 0) throw corrupt(`${bytes.length} bytes are no rows of ${width}`);
        return { pieces: [decodeParameters(bytes)] };
      },
    },
  };
}

function joined({ pieces }: ProductRows): Float64Array {
  const rows = new Float64Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    rows.set(piece, at);
    at += piece.length;
  }
  return rows;
}

function productsOf(view: LearnerView, taken: Uint32Array, table: Float64Array, width: number): Float64Array {
  const out = new Float64Array(taken.length * width);
  const { features } = view;
  taken.forEach((row, r) => {
    const at = r * width;
    out[at] = view.labels[row];
    out[at + 1] = view.weights ? view.weights[row] : 1;
    out[at + 2] = view.offsets ? view.offsets[row] : 0;
    addProduct(out, at, table, features, 1);
  });
  if (view.kind === 'dense') {
    const { values, stride } = view;
    for (let f = 0; f < features; f++)
      for (let r = 0; r < taken.length; r++)
        addProduct(out, r * width, table, f, values[f * stride + taken[r]]);
    return out;
  }
  const { starts, indices, values } = view;
  for (let r = 0; r < taken.length; r++) {
    const end = starts[taken[r] + 1];
    for (let j = starts[taken[r]]; j < end; j++) addProduct(out, r * width, table, indices[j], values[j]);
  }
  return out;
}

/** Adds what feature f of value x contributes to a row's products. */
function addProduct(out: Float64Array, at: number, table: Float64Array, f: number, x: number): void {
  const from = f * TABLE_WIDTH;
  out[at + 2] += x * table[from];
  out[at + 3] += x * table[from + 1];
  out[at + 4 + table[from + 3]] += x * table[from + 2];
}

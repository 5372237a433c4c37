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
import type { CsrView, DenseView } from '../../particle/view.ts';
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
  /** Share of the rows of each view; of a dense one a quarter of that. */
  readonly share: number;
}

/** Numbers of a row before its products with directions. */
export const ROW_HEAD = 3;
/** Numbers a parameter in the table of a round. */
export const TABLE_WIDTH = 4;

/** A dense view gives so many times fewer rows: each has all features, and few bands to choose between. */
const DENSE_COST = 4;

/** Rows so far, row-major, in pieces. */
export interface ProductRows {
  pieces: Float64Array[];
}

/** Names the summary; a round's parameters are the table's f32 numbers: enough for a model of the objective. */
export function sampleProductsReference(options: ProductOptions): Reference {
  return { module: import.meta.url, name: 'sampleProducts', options: options as unknown as Json };
}

/** Summary that reads as the rows of the sample, row-major. */
export function sampleProducts(
  options: Json,
  parameters: Uint8Array,
): Summary<ProductRows, Float64Array, LearnerView> {
  const { features, bands, share } = options as unknown as ProductOptions;
  const table = new Float32Array(parameters.slice().buffer);
  const width = ROW_HEAD + 1 + bands;
  return {
    id: `sample-products/1 ${share} ${bands}×${features}`,
    empty: () => ({ pieces: [] }),
    observe(state, view) {
      state.pieces.push(productsOf(view, share, table, width));
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

function productsOf(view: LearnerView, share: number, table: Float32Array, width: number): Float64Array {
  const taken = spacedRows(view.rows, view.kind === 'dense' ? share / DENSE_COST : share);
  const out = new Float64Array(taken.length * width);
  const intercept = view.features * TABLE_WIDTH;
  for (let r = 0, at = 0; r < taken.length; r++, at += width) {
    const row = taken[r];
    out[at] = view.labels[row];
    out[at + 1] = view.weights ? view.weights[row] : 1;
    out[at + 2] = (view.offsets ? view.offsets[row] : 0) + table[intercept];
    out[at + 3] = table[intercept + 1];
    out[at + 4 + table[intercept + 3]] = table[intercept + 2];
  }
  if (view.kind === 'dense') addDense(view, taken, table, width, out);
  else addSparse(view, taken, table, width, out);
  return out;
}

/** Column by column, each product in a column of its own until the end. */
function addDense(
  { values, stride, features }: DenseView,
  taken: Uint32Array,
  table: Float32Array,
  width: number,
  out: Float64Array,
): void {
  const count = taken.length;
  const products = Array.from({ length: width - 2 }, () => new Float64Array(count));
  const [margins, alongs] = products;
  for (let f = 0; f < features; f++) {
    const [parameter, along, step, band] = table.subarray(f * TABLE_WIDTH, (f + 1) * TABLE_WIDTH);
    const steps = products[2 + band];
    for (let r = 0; r < count; r++) {
      const x = values[f * stride + taken[r]];
      margins[r] += x * parameter;
      alongs[r] += x * along;
      steps[r] += x * step;
    }
  }
  products.forEach((column, i) => {
    for (let r = 0; r < count; r++) out[r * width + 2 + i] += column[r];
  });
}

function addSparse(
  { starts, indices, values }: CsrView,
  taken: Uint32Array,
  table: Float32Array,
  width: number,
  out: Float64Array,
): void {
  for (let r = 0, at = 2; r < taken.length; r++, at += width) {
    const end = starts[taken[r] + 1];
    let margin = out[at];
    let along = out[at + 1];
    for (let j = starts[taken[r]]; j < end; j++) {
      const from = indices[j] * TABLE_WIDTH;
      const x = values[j];
      margin += x * table[from];
      along += x * table[from + 1];
      // A whole number: `| 0` spares the check that it is.
      out[at + 2 + (table[from + 3] | 0)] += x * table[from + 2];
    }
    out[at] = margin;
    out[at + 1] = along;
  }
}

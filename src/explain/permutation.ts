/**
 * Permutation importance (Breiman 2001): how much the loss of a model grows when a column says nothing, because each
 * row has the column's values of another row. Trees and linear models on dense features.
 *
 * Which row is a pure function of what stands in a row: the other rows are a fixed sample of all rows, and a hash of the row's
 * content, the repeat and the column draws one of them. So nothing depends on how rows are cut into particles, which a
 * permutation inside of particles would, and means and spread are those of a permutation up to chance. All features of
 * a column move together. As a summary: Σ w · loss as it is, and for each column and repeat.
 */
import { SoraError } from '../errors.ts';
import { sampleBlocks } from '../fit/glm/sample.ts';
import type { Json } from '../json.ts';
import { type Loss, type LossBlock, lossBlock } from '../loss/loss.ts';
import { lossOf } from '../loss/registry.ts';
import {
  encodeParameters,
  type Parameters,
  type Scorer,
  type ScorerOptions,
  scorer,
} from '../model/scorer.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import { combine32, mix32 } from '../random.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import { taggedCodec } from '../summary/codec.ts';
import type { Summary } from '../summary/summary.ts';
import {
  type Background,
  decodeBackground,
  drawRow,
  encodeBackground,
  gatherBackground,
  rowHashes,
} from './background.ts';
import { sampleShare } from './contribution.ts';

interface Options extends ScorerOptions {
  readonly columns: number;
  readonly columnOf: readonly number[];
  readonly repeats: number;
  readonly seed: number;
  readonly share: number;
}

interface State {
  rows: number;
  weight: number;
  loss: number;
  /** Column c and repeat r at c · repeats + r. */
  readonly losses: Float64Array;
}

/** What became of the loss without a column. */
export interface LossIncrease {
  /** Mean over repeats of the mean loss with the column's values exchanged, less the mean loss as it is. */
  readonly mean: number;
  /** Standard deviation over the repeats; 0 for one. */
  readonly spread: number;
}

/** Importance by column, in their order. */
export interface Permutation {
  readonly rows: number;
  /** Mean loss of the model on these rows. */
  readonly loss: number;
  readonly columns: readonly LossIncrease[];
}

/**
 * Summary of losses with columns exchanged; a factory for references. `parameters` is made by `joinParameters`.
 */
export function permutation(
  options: Json,
  parameters: Uint8Array = joinParameters(new Uint8Array(), new Uint8Array(8)),
): Summary<State, Permutation, DenseView | CsrView> {
  const checked = options as unknown as Options;
  const { columns, repeats, share } = checked;
  const [model, sample] = splitParameters(parameters);
  const background = decodeBackground(sample);
  const score = scorer(checked, model);
  const loss = lossOf(checked.loss);
  return {
    id: `permutation/1 ${JSON.stringify(options)}`,
    empty: () => ({ rows: 0, weight: 0, loss: 0, losses: new Float64Array(columns * repeats) }),
    observe(state, view) {
      if (view.rows === 0) return;
      for (const block of sampleBlocks(requireDense(view), share)) {
        addBlock(state, block, checked, background, (one) => sumOfLosses(one, score, loss, checked.outputs));
      }
    },
    merge(into, from) {
      into.rows += from.rows;
      into.weight += from.weight;
      into.loss += from.loss;
      for (let i = 0; i < into.losses.length; i++) into.losses[i] += from.losses[i];
    },
    read: (state) => read(state, columns, repeats),
    codec: taggedCodec(
      'permutation/1',
      (writer, { rows, weight, loss, losses }) => {
        writer.f64(rows);
        writer.f64(weight);
        writer.f64(loss);
        writer.f64s(losses);
      },
      (reader) => ({
        rows: reader.count(),
        weight: reader.f64(),
        loss: reader.f64(),
        losses: reader.f64s(),
      }),
    ),
  };
}

function requireDense(view: DenseView | CsrView): DenseView {
  if (view.kind === 'dense') return view;
  throw new SoraError(
    'bad-option',
    'Permutation importance needs dense features, and the recipe of this model gives sparse rows: leave --permutations out.',
  );
}

function read({ rows, weight, loss, losses }: State, columns: number, repeats: number): Permutation {
  const base = weight > 0 ? loss / weight : 0;
  return {
    rows,
    loss: base,
    columns: Array.from({ length: columns }, (_, c) => {
      const own = losses.subarray(c * repeats, (c + 1) * repeats);
      const increases = Array.from(own, (sum) => (weight > 0 ? sum / weight - base : 0));
      const mean = increases.reduce((sum, one) => sum + one, 0) / repeats;
      const squares = increases.reduce((sum, one) => sum + (one - mean) * (one - mean), 0);
      return { mean, spread: repeats > 1 ? Math.sqrt(squares / (repeats - 1)) : 0 };
    }),
  };
}

/** Scores the block once as it is and once a column and repeat. O(columns × repeats × a prediction). */
function addBlock(
  state: State,
  view: DenseView,
  { columns, columnOf, repeats, seed }: Options,
  background: Background,
  lossOfRows: (view: DenseView) => number,
): void {
  const { rows, weights } = view;
  const hashes = rowHashes(view, seed);
  state.rows += rows;
  for (let row = 0; row < rows; row++) state.weight += weights === undefined ? 1 : weights[row];
  state.loss += lossOfRows(view);
  const changed = { ...view, stride: Math.ceil(rows / 4) * 4, values: packed(view) };
  for (let c = 0; c < columns; c++) {
    const features = columnOf.flatMap((column, f) => (column === c ? [f] : []));
    for (let repeat = 0; repeat < repeats; repeat++) {
      const key = combine32(combine32(mix32(seed), c), repeat);
      for (let row = 0; row < rows; row++) {
        const other = drawRow(background, mix32(hashes[row] ^ key) / 0x1_0000_0000) * background.features;
        for (const f of features) changed.values[f * changed.stride + row] = background.values[other + f];
      }
      state.losses[c * repeats + repeat] += lossOfRows(changed);
    }
    for (const f of features) {
      const from = view.values.subarray(f * view.stride, f * view.stride + rows);
      changed.values.set(from, f * changed.stride);
    }
  }
}

/** A copy of the rows of a view, which may be a window of a longer one. */
function packed({ rows, features, stride, values }: DenseView): Float32Array {
  const width = Math.ceil(rows / 4) * 4;
  const copy = new Float32Array(width * features);
  for (let f = 0; f < features; f++) copy.set(values.subarray(f * stride, f * stride + rows), f * width);
  return copy;
}

/** Σ weight · loss of the rows. */
function sumOfLosses(view: DenseView, score: Scorer, loss: Loss, outputs: number): number {
  const { rows, labels, weights } = view;
  const even = rows + (rows % 2);
  const scored = score(view);
  const margins = new Float64Array(even * outputs);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < outputs; k++) margins[k * even + row] = scored[row * outputs + k];
  }
  const padded = (values: Float64Array): Float64Array => {
    const out = new Float64Array(even);
    out.set(values.subarray(0, rows));
    return out;
  };
  const block: LossBlock = {
    rows: even,
    outputs,
    stride: even,
    margins,
    labels: padded(labels),
    weights: padded(weights ?? new Float64Array(rows).fill(1)),
    residuals: new Float64Array(even * outputs),
  };
  return lossBlock(loss, undefined, block);
}

/** Length of the first part (f64, so that what follows stays aligned), then both parts. */
export function joinParameters(model: Uint8Array, sample: Uint8Array): Uint8Array {
  const joined = new Uint8Array(8 + model.length + sample.length);
  new DataView(joined.buffer).setFloat64(0, model.length, true);
  joined.set(model, 8);
  joined.set(sample, 8 + model.length);
  return joined;
}

function splitParameters(bytes: Uint8Array): [Uint8Array, Uint8Array] {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  return [bytes.slice(8, 8 + length), bytes.slice(8 + length)];
}

/** What is asked. */
export interface PermutationOptions extends ScorerOptions {
  readonly parameters: Parameters;
  readonly columns: number;
  readonly columnOf: readonly number[];
  /** Learner view with labels. */
  readonly view: Reference;
  readonly repeats: number;
  readonly seed: number;
  /** Looks at about so many rows. */
  readonly rows: number;
}

/** Permutation importance over the rows of a view: a round for the other rows, and one for the losses. */
export async function permutationImportance(
  session: Session,
  options: PermutationOptions,
): Promise<Permutation> {
  const { parameters, view, rows, ...rest } = options;
  const share = sampleShare(session, rows);
  const background = await gatherBackground(session, view, rest.features, rest.seed);
  const { value } = await session.reduce<State, Permutation>({
    summary: {
      module: import.meta.url,
      name: 'permutation',
      options: { ...rest, share } satisfies Options as unknown as Json,
    },
    parameters: joinParameters(encodeParameters(parameters), encodeBackground(background)),
    view,
    keep: 'root',
    label: 'permuting',
  });
  return value;
}

/**
 * What the columns of a model give to its margins, over the rows of a view: Σ w |a| and Σ w a of the attributions a, by
 * output and column, as a summary. All rows of each particle, or blocks of them where a share is asked for.
 * Law: merge adds; associative up to rounding, and the merge tree fixes the order.
 */
import { sampleBlocks } from '../fit/glm/sample.ts';
import type { Json } from '../json.ts';
import { encodeParameters, type Parameters } from '../model/scorer.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import { taggedCodec } from '../summary/codec.ts';
import type { Summary } from '../summary/summary.ts';
import { type AttributorOptions, attributor, slotCount } from './attributor.ts';
import { sampleShare } from './contribution.ts';

interface Options extends AttributorOptions {
  /** Share of each particle's rows to explain; 1 takes all. */
  readonly share: number;
}

/** Sums of one particle or subtree; output k and slot s at k · slots + s (see attributor.ts). */
export interface AttributionSums {
  rows: number;
  weight: number;
  readonly absolute: Float64Array;
  readonly signed: Float64Array;
}

/** Means over rows, weighted; output k and slot s at k · slots + s (see attributor.ts). */
export interface Attributions {
  /** Rows that were explained. */
  readonly rows: number;
  /** Mean |a|: how far a column moves the margin. */
  readonly absolute: readonly number[];
  /** Mean a: which way it moves the margin of these rows, against those of training. */
  readonly signed: readonly number[];
}

/**
 * Summary of attributions of a model; a factory for references.
 */
export function attributions(
  options: Json,
  parameters: Uint8Array = new Uint8Array(),
): Summary<AttributionSums, Attributions, DenseView | CsrView> {
  const checked = options as unknown as Options;
  const explain = attributor(checked, parameters);
  const size = checked.outputs * slotCount(checked);
  return {
    id: `attributions/1 ${JSON.stringify(options)}`,
    empty: () => emptySums(size),
    observe(state, view) {
      if (view.rows === 0) return;
      for (const block of joined(sampleBlocks(view, checked.share))) {
        addSums(state, block, explain.attribute(block));
      }
    },
    merge(into, from) {
      into.rows += from.rows;
      into.weight += from.weight;
      for (let i = 0; i < size; i++) {
        into.absolute[i] += from.absolute[i];
        into.signed[i] += from.signed[i];
      }
    },
    read: readSums,
    codec: taggedCodec(
      'attributions/1',
      (writer, { rows, weight, absolute, signed }) => {
        writer.f64(rows);
        writer.f64(weight);
        writer.f64s(absolute);
        writer.f64s(signed);
      },
      (reader) => ({
        rows: reader.count(),
        weight: reader.f64(),
        absolute: reader.f64s(),
        signed: reader.f64s(),
      }),
    ),
  };
}

/** Windows of dense rows as one view, since many rows are explained faster together; sparse ones as they are. */
function joined(blocks: (DenseView | CsrView)[]): (DenseView | CsrView)[] {
  const dense = blocks.filter((block) => block.kind === 'dense');
  if (dense.length !== blocks.length || dense.length < 2) return blocks;
  const rows = dense.reduce((sum, block) => sum + block.rows, 0);
  const stride = Math.ceil(rows / 4) * 4;
  const { features } = dense[0];
  const values = new Float32Array(features * stride);
  const weights = dense[0].weights && new Float64Array(rows);
  let at = 0;
  for (const block of dense) {
    for (let f = 0; f < features; f++) {
      const from = f * block.stride;
      values.set(block.values.subarray(from, from + block.rows), f * stride + at);
    }
    if (weights && block.weights) weights.set(block.weights, at);
    at += block.rows;
  }
  return [{ ...dense[0], rows, stride, values, labels: new Float64Array(0), weights, offsets: undefined }];
}

/** Sums of no rows. */
export function emptySums(size: number): AttributionSums {
  return { rows: 0, weight: 0, absolute: new Float64Array(size), signed: new Float64Array(size) };
}

/** Means from sums; 0 where there are no rows. */
export function readSums({ rows, weight, absolute, signed }: AttributionSums): Attributions {
  const mean = (sums: Float64Array) => Array.from(sums, (sum) => (weight > 0 ? sum / weight : 0));
  return { rows, absolute: mean(absolute), signed: mean(signed) };
}

/** Adds the attributions of the rows of a view. O(rows × outputs × slots). */
export function addSums(
  state: AttributionSums,
  { rows, weights }: DenseView | CsrView,
  values: Float64Array,
): void {
  state.rows += rows;
  for (let row = 0; row < rows; row++) state.weight += weights === undefined ? 1 : weights[row];
  for (let i = 0, at = 0; i < state.absolute.length; i++) {
    let [absolute, signed] = [0, 0];
    for (let row = 0; row < rows; row++, at++) {
      const value = (weights === undefined ? 1 : weights[row]) * values[at];
      absolute += Math.abs(value);
      signed += value;
    }
    state.absolute[i] += absolute;
    state.signed[i] += signed;
  }
}

/** What is explained. */
export interface AttributionsOptions extends AttributorOptions {
  readonly parameters: Parameters;
  /** Learner view, e.g. of held-out rows. */
  readonly view: Reference;
  /** Explains about so many rows where the session has more; default: all. */
  readonly rows?: number;
}

/** Mean attributions over the rows of a view: one round, on any workers with the same result. */
export async function meanAttributions(
  session: Session,
  options: AttributionsOptions,
): Promise<Attributions> {
  const { parameters, view, rows = Number.POSITIVE_INFINITY, ...rest } = options;
  const json: Options = { ...rest, share: sampleShare(session, rows) };
  const { value } = await session.reduce<AttributionSums, Attributions>({
    summary: { module: import.meta.url, name: 'attributions', options: json as unknown as Json },
    parameters: encodeParameters(parameters),
    view,
    keep: 'root',
    label: 'explain',
  });
  return value;
}

/**
 * How far each column moves a linear model: the spread of its part of the margin over the rows of a view, or over
 * blocks of each particle's rows where there are many (a spread over 30,000 rows is good to half a percent).
 * The part of column c in row r is Σ coef_f · x_rf over the features f of c; for a linear model these parts, centred,
 * are its exact Shapley values (Štrumbelj and Kononenko 2014, for independent features).
 * State per column and output: Σw and the mean and M2 of the part, merged as Chan, Golub and LeVeque (1983).
 */
import { sampleBlocks } from '../fit/glm/sample.ts';
import type { Json } from '../json.ts';
import { decodeParameters, encodeParameters } from '../model/scorer.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import { featureColumns, type Recipe } from '../recipe/recipe.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import { taggedCodec } from '../summary/codec.ts';
import type { Summary } from '../summary/summary.ts';

type Options = {
  readonly outputs: number;
  readonly columnOf: readonly number[];
  readonly columns: number;
  /** Share of each particle's rows to look at; 1 takes all. */
  readonly share: number;
};

interface State {
  weight: number;
  readonly mean: Float64Array;
  readonly m2: Float64Array;
}

/** What the parts of columns are over rows. */
export interface Parts {
  /** Standard deviation of each column's part of the margin; over outputs, the root of summed variances. */
  readonly spreads: readonly number[];
  /** Mean part of column c in the margin of output k, at c · outputs + k. */
  readonly means: readonly number[];
}

/** A column and how far it moves the prediction. */
export interface ColumnStrength {
  readonly name: string;
  readonly strength: number;
}

/**
 * Summary of contributions at parameters; a factory for references.
 * @byReference
 */
export function contributions(
  options: Json,
  parameters?: Uint8Array,
): Summary<State, Parts, DenseView | CsrView> {
  const { outputs, columnOf, columns, share } = options as unknown as Options;
  const values = decodeParameters(parameters ?? new Uint8Array());
  const features = columnOf.length;
  const size = columns * outputs;
  const addBlock = (state: State, block: DenseView | CsrView): void => {
    for (let k = 0; k < outputs; k++) {
      const coefficients = values.subarray(k * (features + 1), k * (features + 1) + features);
      linearParts(block, coefficients, columnOf, columns, (column, part) =>
        addPart(state, column * outputs + k, part, block.weights, block.rows),
      );
    }
    state.weight += totalWeight(block.weights, block.rows);
  };
  return {
    id: `contributions/1 ${share} ${outputs} ${columnOf.join(' ')}`,
    empty: () => ({ weight: 0, mean: new Float64Array(size), m2: new Float64Array(size) }),
    observe(state, view) {
      for (const block of sampleBlocks(view, share)) addBlock(state, block);
    },
    merge(into, from) {
      for (let i = 0; i < size; i++) {
        mergeMoments(into, i, into.weight, from.weight, from.mean[i], from.m2[i]);
      }
      into.weight += from.weight;
    },
    read: ({ weight, mean, m2 }) => ({
      spreads: Array.from({ length: columns }, (_, column) => {
        let variance = 0;
        for (let k = 0; k < outputs; k++) variance += weight > 0 ? m2[column * outputs + k] / weight : 0;
        return Math.sqrt(variance);
      }),
      means: [...mean],
    }),
    codec: taggedCodec(
      'contributions/1',
      (writer, state) => {
        writer.f64(state.weight);
        writer.f64s(state.mean);
        writer.f64s(state.m2);
      },
      (reader) => ({ weight: reader.f64(), mean: reader.f64s(), m2: reader.f64s() }),
    ),
  };
}

function totalWeight(weights: Float64Array | undefined, rows: number): number {
  if (weights === undefined) return rows;
  let sum = 0;
  for (let row = 0; row < rows; row++) sum += weights[row];
  return sum;
}

/** Adds (weight, mean, M2) of a block to slot `i`, which holds `before` weight. */
function mergeMoments(
  state: State,
  i: number,
  before: number,
  added: number,
  mean: number,
  m2: number,
): void {
  if (added === 0) return;
  const total = before + added;
  const delta = mean - state.mean[i];
  state.mean[i] += (delta * added) / total;
  state.m2[i] += m2 + (delta * delta * before * added) / total;
}

function addPart(
  state: State,
  i: number,
  part: Float64Array,
  weights: Float64Array | undefined,
  rows: number,
): void {
  let weight = 0;
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const w = weights === undefined ? 1 : weights[row];
    weight += w;
    sum += w * part[row];
  }
  if (weight === 0) return;
  const mean = sum / weight;
  let m2 = 0;
  for (let row = 0; row < rows; row++) {
    const centred = part[row] - mean;
    m2 += (weights === undefined ? 1 : weights[row]) * centred * centred;
  }
  mergeMoments(state, i, state.weight, weight, mean, m2);
}

type EachPart = (column: number, part: Float64Array) => void;

/** Calls `each` once a column, in order, with the part Σ coef_f · x_rf of its features in every row. */
export function linearParts(
  view: DenseView | CsrView,
  coefficients: Float64Array,
  columnOf: readonly number[],
  columns: number,
  each: EachPart,
): void {
  if (view.kind === 'dense') denseParts(view, coefficients, columnOf, columns, each);
  else csrParts(view, coefficients, columnOf, columns, each);
}

/** Parts column by column; features of a column stand together. O(rows × features), one row buffer. */
function denseParts(
  view: DenseView,
  coefficients: Float64Array,
  columnOf: readonly number[],
  columns: number,
  each: EachPart,
): void {
  const part = new Float64Array(view.rows);
  let feature = 0;
  for (let column = 0; column < columns; column++) {
    part.fill(0);
    for (; feature < columnOf.length && columnOf[feature] === column; feature++) {
      const coefficient = coefficients[feature];
      if (coefficient === 0) continue;
      const base = feature * view.stride;
      for (let row = 0; row < view.rows; row++) part[row] += coefficient * view.values[base + row];
    }
    each(column, part);
  }
}

/** As {@link denseParts} for sparse rows: one row buffer a column. O(entries + rows × columns). */
function csrParts(
  view: CsrView,
  coefficients: Float64Array,
  columnOf: readonly number[],
  columns: number,
  each: EachPart,
): void {
  if (columns === 1) {
    each(0, wholeMargins(view, coefficients));
    return;
  }
  const parts = Array.from({ length: columns }, () => new Float64Array(view.rows));
  for (let row = 0; row < view.rows; row++) {
    for (let at = view.starts[row]; at < view.starts[row + 1]; at++) {
      const feature = view.indices[at];
      parts[columnOf[feature]][row] += coefficients[feature] * view.values[at];
    }
  }
  parts.forEach((part, column) => {
    each(column, part);
  });
}

/** The parts of the only column there is. */
function wholeMargins({ rows, starts, indices, values }: CsrView, coefficients: Float64Array): Float64Array {
  const part = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let at = starts[row]; at < starts[row + 1]; at++) sum += coefficients[indices[at]] * values[at];
    part[row] = sum;
  }
  return part;
}

/** Rows that are looked at; where there are more, about so many are taken. */
const SAMPLE_ROWS = 32_768;

/** Names of the columns that give features, and the place among them of each feature's column. O(width). */
export function columnsOf(recipe: Recipe): { readonly names: string[]; readonly columnOf: number[] } {
  const names = [...new Set(recipe.steps.map((step) => step.column))];
  const position = new Map(names.map((name, index) => [name, index]));
  return { names, columnOf: featureColumns(recipe).map((name) => position.get(name) as number) };
}

/** Columns by falling strength, and the means that their parts are counted from. One round over the rows of `view`. */
export async function columnStrengths(
  session: Session,
  recipe: Recipe,
  parameters: Float64Array,
  outputs: number,
  view: Reference,
): Promise<{ readonly strengths: ColumnStrength[]; readonly means: readonly number[] }> {
  const { names, columnOf } = columnsOf(recipe);
  const { value } = await session.reduce<State, Parts>({
    summary: {
      module: import.meta.url,
      name: 'contributions',
      options: { outputs, columnOf, columns: names.length, share: sampleShare(session, SAMPLE_ROWS) },
    },
    parameters: encodeParameters(parameters),
    view,
    keep: 'root',
    label: 'explain',
  });
  const strengths = names.map((name, index) => ({ name, strength: value.spreads[index] }));
  return { strengths: strengths.sort(byStrength), means: value.means };
}

/** Strongest first, then by name. */
export function byStrength(a: ColumnStrength, b: ColumnStrength): number {
  return b.strength - a.strength || (a.name < b.name ? -1 : 1);
}

/**
 * Share of each particle's rows that makes about `most` rows. Rows are counted before the view leaves any out: what is
 * left of a sample is as good a share of what is left.
 */
export function sampleShare({ particles }: Session, most: number): number {
  const rows = particles.reduce((sum, particle) => sum + particle.rows, 0);
  return rows <= most ? 1 : most / rows;
}

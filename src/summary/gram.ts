/**
 * Co-moments of numeric columns: covariance, correlation and the centred Gram matrix, with missing values by pair.
 * Rows are taken 512 at a time, summed about the means of the block, and merged pair by pair with the formula of
 * Chan, Golub and LeVeque (1979) for products: C = Ca + Cb + (ma − mb)(na − nb)·wa·wb / w.
 * A pair uses the rows in which both columns are present, so a correlation matrix with missing values need not be
 * positive definite. Law: associative up to rounding.
 */
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { canonicalJson } from '../json.ts';
import type { Particle } from '../particle/particle.ts';
import { fieldIndex } from '../particle/schema.ts';
import { type ByteReader, type ByteWriter, corrupt, taggedCodec } from './codec.ts';
import { roleNumbers } from './label-values.ts';
import { type Split, splitRows } from './split.ts';
import type { Summary } from './summary.ts';

const BLOCK = 512;
/** Columns at most: four matrices of them are kept. */
export const GRAM_COLUMNS = 1024;

/**
 * Flat p × p matrices over pairs (i, j), from the rows that have both: `weight` Σw, `mean` of i,
 * `spread` Σw(xi − mean)² of i, `product` Σw(xi − mean i)(xj − mean j).
 */
export interface GramState {
  columns: readonly string[] | undefined;
  rows: number;
  weight: Float64Array;
  mean: Float64Array;
  spread: Float64Array;
  product: Float64Array;
}

/** p × p matrices as rows; null where fewer than two rows, or no variance, leave a number undefined. */
export interface Gram {
  readonly columns: readonly string[];
  /** Rows looked at. */
  readonly rows: number;
  /** Weight of the rows in which both columns are present. */
  readonly weight: readonly (readonly number[])[];
  /** Mean of each column over the rows in which it is present. */
  readonly mean: readonly (number | null)[];
  /** Centred Gram matrix: Σw(xi − mean i)(xj − mean j). */
  readonly centred: readonly (readonly number[])[];
  /** Pearson correlation. */
  readonly correlation: readonly (readonly (number | null)[])[];
}

/**
 * `columns`: names of number, boolean or timestamp columns; absent: all feature columns of numbers and booleans.
 * `weighted`: weigh rows by the weight column; rows without a positive weight do not count.
 */
export type GramOptions = {
  readonly columns?: readonly string[];
  readonly weighted?: boolean;
  readonly split?: Split;
};

function columnsOf(particle: Particle, names: readonly string[] | undefined): readonly string[] {
  const chosen =
    names ??
    particle.schema.fields
      .filter(({ type, role }) => role === 'feature' && (type === 'number' || type === 'boolean'))
      .map(({ name }) => name);
  if (chosen.length <= GRAM_COLUMNS) return chosen;
  throw new SoraError(
    'bad-option',
    `A Gram matrix of ${chosen.length} columns was asked for, and at most ${GRAM_COLUMNS} fit: name fewer.`,
    { details: { columns: chosen.length, limit: GRAM_COLUMNS } },
  );
}

/** Takes the columns of the first particle; refuses a particle with others. */
function adopt(state: GramState, columns: readonly string[]): void {
  if (state.columns === undefined) {
    const size = columns.length ** 2;
    state.columns = columns;
    for (const part of PARTS) state[part] = new Float64Array(size);
  } else if (
    state.columns.length !== columns.length ||
    state.columns.some((name, i) => name !== columns[i])
  ) {
    throw new SoraError(
      'schema-mismatch',
      `Columns ${columns.join(', ')} do not agree with ${state.columns.join(', ')} of other particles.`,
    );
  }
}

const PARTS = ['weight', 'mean', 'spread', 'product'] as const;

/** A block, column after column; every array has 0 where the value is absent. */
interface Block {
  /** Value less the column's centre. */
  readonly values: Float64Array;
  /** The same times the weight, and its square times the weight. */
  readonly weighted: Float64Array;
  readonly squares: Float64Array;
  /** Weight where present, and 1 where present. */
  readonly masks: Float64Array;
  readonly present: Float64Array;
  readonly centres: Float64Array;
}

function emptyBlock(columns: number): Block {
  const list = () => new Float64Array(columns * BLOCK);
  const [values, weighted, squares, masks, present] = [list(), list(), list(), list(), list()];
  return { values, weighted, squares, masks, present, centres: new Float64Array(columns) };
}

/** The arrays of a numeric column. */
interface Numbers {
  readonly values: ArrayLike<number>;
  readonly validity?: Uint8Array;
}

function numbersOf(particle: Particle, name: string): Numbers {
  const column = particle.columns[fieldIndex(particle.schema, name)];
  if (column?.type === 'number' || column?.type === 'boolean' || column?.type === 'timestamp') return column;
  throw new SoraError('schema-mismatch', `There is no numeric column "${name}".`);
}

/** Which rows of a particle, and their weights. */
interface Rows {
  readonly rows: Uint32Array | undefined;
  readonly weights: Float64Array | undefined;
}

function observeRows(state: GramState, particle: Particle, of: Rows): void {
  const columns = state.columns!.map((name) => numbersOf(particle, name));
  const block = emptyBlock(columns.length);
  const total = of.rows?.length ?? particle.rows;
  state.rows += total;
  for (let start = 0; start < total; start += BLOCK) {
    const count = Math.min(BLOCK, total - start);
    let whole = of.weights === undefined;
    for (const [index, column] of columns.entries()) {
      whole = loadColumn(block, index, column, of, start, count) && whole;
    }
    if (whole) addWhole(state, columns.length, block, count);
    else addByPair(state, columns.length, block, count);
  }
}

/** Loads `count` values of one column; whether all are present. */
function loadColumn(
  { values, weighted, squares, masks, present, centres }: Block,
  index: number,
  { values: source, validity }: Numbers,
  { rows, weights }: Rows,
  start: number,
  count: number,
): boolean {
  const base = index * BLOCK;
  let sum = 0;
  let seen = 0;
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? start + i : rows[start + i];
    const value = source[row];
    const weight = weights === undefined ? 1 : weights[row];
    const bit = validity === undefined || (validity[row >> 3] & (1 << (row & 7))) !== 0;
    const counts = bit && value - value === 0 && weight > 0;
    values[base + i] = counts ? value : 0;
    masks[base + i] = counts ? weight : 0;
    present[base + i] = counts ? 1 : 0;
    sum += counts ? value : 0;
    seen += counts ? 1 : 0;
  }
  const centre = seen === 0 ? 0 : sum / seen;
  centres[index] = centre;
  for (let at = base; at < base + count; at++) {
    values[at] = (values[at] - centre) * present[at];
    weighted[at] = values[at] * masks[at];
    squares[at] = values[at] * weighted[at];
  }
  return seen === count;
}

/** Merges a block with nothing missing and no weights. O(rows × columns² / 2). */
function addWhole(state: GramState, p: number, { values, centres }: Block, count: number): void {
  const spreads = Array.from({ length: p }, (_, i) => dot(values, i * BLOCK, values, i * BLOCK, count));
  for (let i = 0; i < p; i++) {
    for (let j = i; j < p; j++) {
      const product = i === j ? spreads[i] : dot(values, i * BLOCK, values, j * BLOCK, count);
      mergePair(state, i * p + j, j * p + i, count, centres[i], centres[j], spreads[i], spreads[j], product);
    }
  }
}

/** Merges a block over the rows that each pair has. Six sums a pair instead of one. */
function addByPair(state: GramState, p: number, block: Block, count: number): void {
  const { values, weighted, squares, masks, present, centres } = block;
  for (let i = 0; i < p; i++) {
    for (let j = i; j < p; j++) {
      const [a, b] = [i * BLOCK, j * BLOCK];
      const weight = dot(masks, a, present, b, count);
      if (weight === 0) continue;
      const sumI = dot(weighted, a, present, b, count);
      const sumJ = dot(present, a, weighted, b, count);
      const spreadI = Math.max(0, dot(squares, a, present, b, count) - (sumI * sumI) / weight);
      const spreadJ = Math.max(0, dot(present, a, squares, b, count) - (sumJ * sumJ) / weight);
      const product = dot(values, a, weighted, b, count) - (sumI * sumJ) / weight;
      const [meanI, meanJ] = [centres[i] + sumI / weight, centres[j] + sumJ / weight];
      const both = i === j ? spreadI : product;
      mergePair(state, i * p + j, j * p + i, weight, meanI, meanJ, spreadI, spreadJ, both);
    }
  }
}

/** Sum of products of two runs, in four lanes. */
function dot(a: Float64Array, aAt: number, b: Float64Array, bAt: number, count: number): number {
  let s = 0;
  let t = 0;
  let u = 0;
  let v = 0;
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    s += a[aAt + i] * b[bAt + i];
    t += a[aAt + i + 1] * b[bAt + i + 1];
    u += a[aAt + i + 2] * b[bAt + i + 2];
    v += a[aAt + i + 3] * b[bAt + i + 3];
  }
  for (; i < count; i++) s += a[aAt + i] * b[bAt + i];
  return s + t + (u + v);
}

/** Merges co-moments into the pair whose places are `ij` and `ji`. */
function mergePair(
  { weight, mean, spread, product }: GramState,
  ij: number,
  ji: number,
  added: number,
  meanI: number,
  meanJ: number,
  spreadI: number,
  spreadJ: number,
  productIJ: number,
): void {
  const old = weight[ij];
  const total = old + added;
  const share = added / total;
  const [deltaI, deltaJ] = [meanI - mean[ij], meanJ - mean[ji]];
  const cross = old * share;
  weight[ij] = weight[ji] = total;
  mean[ij] = old === 0 ? meanI : mean[ij] + deltaI * share;
  spread[ij] += spreadI + deltaI * deltaI * cross;
  product[ij] += productIJ + deltaI * deltaJ * cross;
  if (ij === ji) return;
  mean[ji] = old === 0 ? meanJ : mean[ji] + deltaJ * share;
  spread[ji] += spreadJ + deltaJ * deltaJ * cross;
  product[ji] = product[ij];
}

function merge(into: GramState, from: GramState): void {
  if (from.columns === undefined) return;
  adopt(into, from.columns);
  into.rows += from.rows;
  const p = from.columns.length;
  for (let i = 0; i < p; i++) {
    for (let j = i; j < p; j++) {
      const [ij, ji] = [i * p + j, j * p + i];
      if (from.weight[ij] === 0) continue;
      const { weight, mean, spread, product } = from;
      mergePair(into, ij, ji, weight[ij], mean[ij], mean[ji], spread[ij], spread[ji], product[ij]);
    }
  }
}

function read({ columns = [], rows, weight, mean, spread, product }: GramState): Gram {
  const p = columns.length;
  /** Whether column i varies at all over the rows of a pair, beyond the rounding of its sums. */
  const varies = (ij: number, ii: number) =>
    spread[ij] > 1e-12 * spread[ii] && spread[ij] > 1e-26 * weight[ij] * mean[ij] * mean[ij];
  const table = <T>(of: (ij: number, ji: number) => T) =>
    columns.map((_a, i) => columns.map((_b, j) => of(i * p + j, j * p + i)));
  return {
    columns,
    rows,
    weight: table((ij) => weight[ij]),
    mean: columns.map((_, i) => (weight[i * p + i] > 0 ? mean[i * p + i] : null)),
    centred: table((ij) => product[ij]),
    correlation: table((ij, ji) => {
      const [ii, jj] = [Math.floor(ij / p) * (p + 1), Math.floor(ji / p) * (p + 1)];
      if (!varies(ij, ii) || !varies(ji, jj)) return null;
      if (ij === ji) return 1;
      const share = product[ij] / (Math.sqrt(spread[ij]) * Math.sqrt(spread[ji]));
      return Math.min(1, Math.max(-1, share));
    }),
  };
}

/**
 * Summary of the co-moments of numeric columns. O(rows × columns² / 2); state 32 bytes × columns².
 * Covariance of columns i and j is `centred[i][j] / (weight[i][j] - 1)`.
 */
export function gram(options?: GramOptions | null): Summary<GramState, Gram> {
  const { columns, weighted = false, split } = options ?? {};
  const none = new Float64Array(0);
  return {
    id: `gram/1 ${canonicalJson((options ?? {}) as Json)}`,
    empty: () => ({ columns: undefined, rows: 0, weight: none, mean: none, spread: none, product: none }),
    observe(state, particle) {
      adopt(state, columnsOf(particle, columns));
      const weights = weighted ? roleNumbers(particle, 'weight') : undefined;
      observeRows(state, particle, { rows: splitRows(particle, split), weights });
    },
    merge,
    scale(state, factor) {
      state.rows *= factor;
      for (const part of ['weight', 'spread', 'product'] as const) {
        for (let i = 0; i < state[part].length; i++) state[part][i] *= factor;
      }
    },
    read,
    codec: taggedCodec('gram/1', write, parse),
  };
}

function write(writer: ByteWriter, state: GramState): void {
  writer.f64(state.rows);
  writer.u8(state.columns === undefined ? 0 : 1);
  writer.u32(state.columns?.length ?? 0);
  for (const name of state.columns ?? []) writer.text(name);
  for (const part of PARTS) writer.f64s(state[part]);
}

function parse(reader: ByteReader): GramState {
  const rows = reader.count();
  const known = reader.u8() === 1;
  const count = reader.u32();
  if (count > GRAM_COLUMNS) throw corrupt(`${count} columns where at most ${GRAM_COLUMNS} can be`);
  const columns = Array.from({ length: count }, () => reader.text());
  const [weight, mean, spread, product] = PARTS.map(() => {
    const matrix = reader.f64s();
    if (matrix.length !== count ** 2) throw corrupt(`a matrix of ${matrix.length} for ${count} columns`);
    return matrix;
  });
  return { columns: known ? columns : undefined, rows, weight, mean, spread, product };
}

/**
 * Histograms over fixed edges: bin i counts values in [edges[i], edges[i + 1]), the last bin its right edge too.
 * Law: exact; merge is addition.
 */
import { SoraError } from '../errors.ts';
import type { Field } from '../particle/schema.ts';
import { corrupt } from './codec.ts';
import { type ColumnStatistic, type ColumnsOptions, recordPerColumn } from './columns.ts';
import { eachNumber, NUMERIC_TYPES } from './moments.ts';

/** `slots`: values below the first edge, in each bin, above the last edge; then missing and infinite ones. */
export interface HistogramState {
  readonly edges: Float64Array;
  readonly slots: Float64Array;
}

export interface Histogram {
  /** Ascending; one more than bins. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
  readonly below: number;
  readonly above: number;
  readonly missing: number;
  readonly infinite: number;
}

/** `edges`: ascending numbers, the same for all columns or by column name. */
export type HistogramOptions = ColumnsOptions & {
  readonly edges: readonly number[] | Readonly<Record<string, readonly number[]>>;
};

/** Adds `count` values: a binary search each. */
function addValues({ edges, slots }: HistogramState, values: Float64Array, count: number): void {
  const last = edges[edges.length - 1];
  for (let i = 0; i < count; i++) {
    const value = values[i];
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (edges[middle] <= value) low = middle + 1;
      else high = middle;
    }
    slots[value === last ? edges.length - 1 : low]++;
  }
}

function statisticOf(options: HistogramOptions): ColumnStatistic<HistogramState, Histogram> {
  const edgesFor = edgesOf(options);
  const empty = (field: Field): HistogramState => {
    const edges = edgesFor(field.name) ?? checkEdges(undefined, field.name);
    return { edges, slots: new Float64Array(edges.length + 3) };
  };
  return {
    tag: 'histogram/1',
    types: NUMERIC_TYPES,
    empty,
    observe(state, column, rows) {
      const left = eachNumber(column, rows, (values, count) => addValues(state, values, count));
      state.slots[state.edges.length + 1] += left.missing;
      state.slots[state.edges.length + 2] += left.infinite;
    },
    merge({ slots }, from) {
      for (let i = 0; i < slots.length; i++) slots[i] += from.slots[i];
    },
    scale({ slots }, factor) {
      for (let i = 0; i < slots.length; i++) slots[i] *= factor;
    },
    read({ edges, slots }) {
      const [above, missing, infinite] = slots.subarray(edges.length);
      const counts = [...slots.subarray(1, edges.length)];
      return { edges: [...edges], counts, below: slots[0], above, missing, infinite };
    },
    write: (writer, { slots }) => writer.f64s(slots),
    parse(reader, field) {
      if (edgesFor(field.name) === undefined) throw corrupt(`there are no edges for "${field.name}"`);
      const state = empty(field);
      const slots = reader.f64s();
      if (slots.length !== state.slots.length) throw corrupt(`${slots.length} counts of a histogram`);
      return { ...state, slots };
    },
  };
}

function checkEdges(edges: readonly number[] | undefined, column: string): Float64Array {
  const ascending = edges?.every((edge, i) => Number.isFinite(edge) && (i === 0 || edge > edges[i - 1]));
  if (edges === undefined || edges.length < 2 || !ascending) {
    throw new SoraError(
      'bad-option',
      `Edges of column "${column}" are ${edges?.join(', ') ?? 'not given'}: give two or more finite numbers, ascending.`,
    );
  }
  return Float64Array.from(edges);
}

/** The checked edges of a column, if there are any. */
function edgesOf({ edges }: HistogramOptions): (column: string) => Float64Array | undefined {
  if (Array.isArray(edges)) {
    const same = checkEdges(edges, '*');
    return () => same;
  }
  const own = new Map(Object.entries(edges).map(([name, list]) => [name, checkEdges(list, name)]));
  return (column) => own.get(column);
}

/** Summary of a histogram of every numeric column, or of `columns`. O(values × log bins). */
export function histogram(options: HistogramOptions | null) {
  if (!options?.edges) throw new SoraError('bad-option', 'A histogram needs edges: {"edges": [0, 1, 10]}.');
  const named = Array.isArray(options.edges)
    ? options.columns
    : (options.columns ?? Object.keys(options.edges));
  const chosen = named === undefined ? options : { ...options, columns: named };
  return recordPerColumn(statisticOf(options), chosen);
}

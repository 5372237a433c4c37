/**
 * The distribution of the label: weighted mean and variance, and while there are few, the rows and weight of each value.
 * West (1979) for weighted increments, Chan et al. for merging. A row of weight 2 is that row twice;
 * a row whose weight is missing or not positive does not count.
 */
import { canonicalJson } from '../json.ts';
import type { Column } from '../particle/column.ts';
import { roleIndex } from '../particle/schema.ts';
import { type ByteReader, type ByteWriter, corrupt, taggedCodec } from './codec.ts';
import { columnNumbers, namesTo, roleNumbers } from './label-values.ts';
import { type Split, splitRows } from './split.ts';
import type { Summary } from './summary.ts';

/** Different labels listed at most. */
export const LABELS_CAP = 1024;

interface ClassTotals {
  rows: number;
  weight: number;
}

export interface LabelsState {
  rows: number;
  missing: number;
  /** Rows left out for their weight. */
  unweighted: number;
  weight: number;
  mean: number;
  m2: number;
  min: number;
  max: number;
  /** By name; undefined once there were too many. */
  classes: Map<string, ClassTotals> | undefined;
}

/** One label value and how often it stands. */
export interface LabelClass {
  readonly value: string;
  readonly rows: number;
  readonly weight: number;
}

export interface LabelDistribution {
  /** Rows that count: label present, weight positive. */
  readonly rows: number;
  readonly missing: number;
  readonly unweighted: number;
  readonly weight: number;
  /** Of number and boolean labels, weighted; null for names. Variance has divisor Σw. */
  readonly mean: number | null;
  readonly variance: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Ascending by name (code units); null when there are more than {@link LABELS_CAP}. */
  readonly classes: readonly LabelClass[] | null;
}

function emptyLabels(): LabelsState {
  return {
    ...{ rows: 0, missing: 0, unweighted: 0, weight: 0, mean: 0, m2: 0, min: Infinity, max: -Infinity },
    classes: new Map(),
  };
}

/** Numbers of the labels (NaN for names) and their names, by row. */
function addLabels(
  state: LabelsState,
  column: Column,
  name: string,
  weights: Float64Array | undefined,
  rows: Uint32Array | undefined,
): void {
  const names: string[] = [];
  const codes = namesTo(column, name, (label) => names.push(label) - 1);
  const numbers =
    column.type === 'number' || column.type === 'boolean' ? columnNumbers(column, name) : undefined;
  const seen = names.map(() => ({ rows: 0, weight: 0 }));
  const total = rows?.length ?? codes.length;
  for (let i = 0; i < total; i++) {
    const row = rows === undefined ? i : rows[i];
    const weight = weights === undefined ? 1 : weights[row];
    const number = numbers === undefined ? 0 : numbers[row];
    if (Number.isNaN(codes[row]) || Number.isNaN(number)) state.missing++;
    else if (Number.isNaN(weight)) state.unweighted++;
    else {
      addNumber(state, number, weight, numbers !== undefined);
      seen[codes[row]].rows++;
      seen[codes[row]].weight += weight;
    }
  }
  for (const [code, totals] of seen.entries()) if (totals.rows > 0) addClass(state, names[code], totals);
}

function addNumber(state: LabelsState, number: number, weight: number, numeric: boolean): void {
  state.rows++;
  state.weight += weight;
  if (!numeric) return;
  const delta = number - state.mean;
  state.mean += (delta * weight) / state.weight;
  state.m2 += weight * delta * (number - state.mean);
  if (number < state.min) state.min = number + 0;
  if (number > state.max) state.max = number + 0;
}

function addClass(state: LabelsState, name: string, { rows, weight }: ClassTotals): void {
  if (state.classes === undefined) return;
  const known = state.classes.get(name);
  if (known === undefined) state.classes.set(name, { rows, weight });
  else {
    known.rows += rows;
    known.weight += weight;
  }
  if (state.classes.size > LABELS_CAP) state.classes = undefined;
}

function mergeLabels(into: LabelsState, from: LabelsState): void {
  const weight = into.weight + from.weight;
  if (from.weight > 0) {
    const delta = from.mean - into.mean;
    into.m2 += from.m2 + (delta * delta * into.weight * from.weight) / weight;
    into.mean = into.weight === 0 ? from.mean : into.mean + (delta * from.weight) / weight;
  }
  into.weight = weight;
  into.rows += from.rows;
  into.missing += from.missing;
  into.unweighted += from.unweighted;
  if (from.min < into.min) into.min = from.min;
  if (from.max > into.max) into.max = from.max;
  if (from.classes === undefined) into.classes = undefined;
  else for (const [name, totals] of from.classes) addClass(into, name, totals);
}

function scaleLabels(state: LabelsState, factor: number): void {
  for (const part of ['rows', 'missing', 'unweighted', 'weight', 'm2'] as const) state[part] *= factor;
  for (const totals of state.classes?.values() ?? []) {
    totals.rows *= factor;
    totals.weight *= factor;
  }
}

function sortedClasses({ classes }: LabelsState): LabelClass[] | null {
  if (classes === undefined) return null;
  return [...classes]
    .map(([value, { rows, weight }]) => ({ value, rows, weight }))
    .sort((a, b) => (a.value < b.value ? -1 : 1));
}

function readLabels(state: LabelsState): LabelDistribution {
  const { rows, missing, unweighted, weight, mean, m2, min, max } = state;
  const numeric = min <= max;
  return {
    ...{ rows, missing, unweighted, weight },
    mean: numeric ? mean : null,
    variance: numeric ? m2 / weight : null,
    min: numeric ? min : null,
    max: numeric ? max : null,
    classes: sortedClasses(state),
  };
}

function writeLabels(writer: ByteWriter, state: LabelsState): void {
  for (const value of [state.rows, state.missing, state.unweighted, state.weight]) writer.f64(value);
  for (const value of [state.mean, state.m2, state.min, state.max]) writer.f64(value);
  const classes = sortedClasses(state);
  writer.u32(classes?.length ?? LABELS_CAP + 1);
  for (const { value, rows, weight } of classes ?? []) {
    writer.text(value);
    writer.f64(rows);
    writer.f64(weight);
  }
}

function parseLabels(reader: ByteReader): LabelsState {
  const state: LabelsState = {
    ...{ rows: reader.count(), missing: reader.count(), unweighted: reader.count(), weight: reader.f64() },
    ...{ mean: reader.f64(), m2: reader.f64(), min: reader.f64(), max: reader.f64() },
    classes: new Map(),
  };
  const size = reader.u32();
  if (size > LABELS_CAP + 1) throw corrupt(`${size} labels where at most ${LABELS_CAP} can be`);
  if (size === LABELS_CAP + 1) return { ...state, classes: undefined };
  for (let i = 0; i < size; i++) {
    const value = reader.text();
    state.classes?.set(value, { rows: reader.count(), weight: reader.f64() });
  }
  return state;
}

/** `column`: the label, if not the column with that role. */
export type LabelsOptions = { readonly column?: string; readonly split?: Split };

/** Summary of the label's distribution, weighted by the weight column if there is one. O(rows). */
export function labels(options?: LabelsOptions | null): Summary<LabelsState, LabelDistribution> {
  const { column, split } = options ?? {};
  return {
    id: `labels/1 ${canonicalJson(options ?? {})}`,
    empty: emptyLabels,
    observe(state, particle) {
      const { fields } = particle.schema;
      const index =
        column === undefined
          ? roleIndex(particle.schema, 'label')
          : fields.findIndex((field) => field.name === column);
      if (index < 0) return;
      const weights = roleNumbers(particle, 'weight');
      addLabels(state, particle.columns[index], fields[index].name, weights, splitRows(particle, split));
    },
    merge: mergeLabels,
    scale: scaleLabels,
    read: readLabels,
    codec: taggedCodec('labels/1', writeLabels, parseLabels),
  };
}

/**
 * The label by level and fold of category columns: what target encodings are fitted from, out of fold.
 * For each listed level and each fold: rows, Σw, Σw·y (a sum per class for multiclass labels) and Σw·y².
 * Levels are given (the most common ones, from `counts` or `profile`), so the state is bounded.
 * Law: counts are exact; sums are associative up to rounding, and exact for whole weights and labels.
 */

import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { canonicalJson } from '../json.ts';
import { type Column, isPresent } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import { fieldIndex } from '../particle/schema.ts';
import { corrupt, taggedCodec } from './codec.ts';
import { checkCount } from './columns.ts';
import { rowFolds } from './folds.ts';
import { type LabelEncoding, labelNumbers, roleNumbers } from './label-values.ts';
import { rowPaths } from './path.ts';
import { type Split, splitRows } from './split.ts';
import type { Summary } from './summary.ts';

export type TargetOptions = {
  /** Category or text columns, and the levels of each that are kept apart. */
  readonly columns: readonly {
    readonly name: string;
    readonly levels: readonly string[];
    /** Columns whose levels together are the level, coarsest first; absent: the column itself. */
    readonly path?: readonly string[];
  }[];
  /** `multiclass` gives a sum per class; `count` divides by exposure; other kinds sum the label itself. */
  readonly label: LabelEncoding & { readonly kind?: 'binary' | 'multiclass' | 'number' | 'count' };
  /** Fold of a row: `rowFolds(particle, seed, folds)[row]`; at most 256. */
  readonly folds: number;
  readonly seed: number;
  readonly split?: Split;
};

/**
 * Label by level and fold of one column; flat arrays, level fastest: level l of fold f is at `f * levels + l`,
 * its output o at `(f * levels + l) * outputs + o`.
 */
export interface TargetStatistics {
  readonly levels: readonly string[];
  readonly folds: number;
  readonly seed: number;
  /** 1, or the number of classes of a multiclass label. */
  readonly outputs: number;
  /** Rows by fold and level. */
  readonly counts: Float64Array;
  /** Σw by fold and level; of counts with an exposure e, Σw·e. */
  readonly weights: Float64Array;
  /** Σw·y by fold, level and output. */
  readonly sums: Float64Array;
  /** Σw·y² by fold and level (of classes, Σw); with an exposure, Σw·y²/e. */
  readonly squares: Float64Array;
  /** Σw by fold of rows whose level is missing, and Σw·y by fold and output. */
  readonly missingWeights: Float64Array;
  readonly missingSums: Float64Array;
  /** Σw by fold of all rows, and Σw·y by fold and output: listed levels, others and missing ones. */
  readonly foldWeights: Float64Array;
  readonly foldSums: Float64Array;
  /** Σw·y² by fold of all rows (of classes, Σw). */
  readonly foldSquares: Float64Array;
}

/**
 * One array a column: for each fold, slots: the levels, then "other", then "missing"; in a slot:
 * rows, Σw, Σw·y², and Σw·y of each output.
 */
export type TargetState = Float64Array[];

/** Numbers a slot: rows, weight, sum of squares, and the sum of each output. */
const widthOf = (outputs: number) => 3 + outputs;

/** Labels of a particle's rows as they are summed. */
interface Targets {
  readonly outputs: number;
  readonly labels: Float64Array;
  readonly weights: Float64Array | undefined;
  readonly exposures: Float64Array | undefined;
  readonly folds: Uint8Array;
}

/** Rows observed into the state of one column. O(rows + levels). */
function addColumn(
  state: Float64Array,
  slots: Int32Array,
  slotCount: number,
  targets: Targets,
  rows: Uint32Array | undefined,
): void {
  const { outputs, labels, weights, exposures, folds } = targets;
  const width = widthOf(outputs);
  const total = rows?.length ?? labels.length;
  for (let i = 0; i < total; i++) {
    const row = rows === undefined ? i : rows[i];
    const label = labels[row];
    const weight = weights === undefined ? 1 : weights[row];
    const exposure = exposures === undefined ? 1 : exposures[row];
    if (!(label - label === 0 && weight > 0 && exposure > 0)) continue;
    const at = (folds[row] * slotCount + slots[row]) * width;
    const y = outputs === 1 ? label : 1;
    state[at]++;
    state[at + 1] += weight * exposure;
    state[at + 2] += (weight * y * y) / exposure;
    state[at + 3 + (outputs === 1 ? 0 : label)] += weight * y;
  }
}

/** Slot of each row: its level, else `levels` (other) or `levels + 1` (missing). */
function slotsOf(column: Column, indexOf: ReadonlyMap<string, number>, rows: number): Int32Array {
  const [other, missing] = [indexOf.size, indexOf.size + 1];
  const slotOf = (level: string) => indexOf.get(level) ?? other;
  const slots = new Int32Array(rows).fill(missing);
  if (column.type === 'category') {
    const ofCode = Int32Array.from(column.dictionary, slotOf);
    for (let row = 0; row < rows; row++) if (column.codes[row] >= 0) slots[row] = ofCode[column.codes[row]];
  } else if (column.type === 'text') {
    for (let row = 0; row < rows; row++) {
      if (isPresent(column.validity, row)) slots[row] = slotOf(column.values[row]);
    }
  }
  return slots;
}

function targetsOf(particle: Particle, options: TargetOptions, outputs: number): Targets {
  const folds = rowFolds(particle, options.seed, options.folds);
  const exposures = options.label.kind === 'count' ? roleNumbers(particle, 'exposure') : undefined;
  const labels = labelNumbers(particle, options.label);
  return { outputs, labels, weights: roleNumbers(particle, 'weight'), exposures, folds };
}

/** The flat arrays of one column. */
function readColumn(state: Float64Array, levels: readonly string[], options: TargetOptions, outputs: number) {
  const { folds, seed } = options;
  const slotCount = levels.length + 2;
  const width = widthOf(outputs);
  const pick = (slots: readonly number[], part: number, count: number) => {
    const out = new Float64Array(folds * slots.length * count);
    let at = 0;
    for (let fold = 0; fold < folds; fold++) {
      for (const slot of slots) {
        const base = (fold * slotCount + slot) * width + part;
        for (let o = 0; o < count; o++) out[at++] = state[base + o];
      }
    }
    return out;
  };
  const all = Array.from({ length: slotCount }, (_, slot) => slot);
  const listed = all.slice(0, levels.length);
  const total = (values: Float64Array, count: number) => {
    const out = new Float64Array(folds * count);
    const perFold = values.length / folds;
    for (let i = 0; i < values.length; i++) out[Math.floor(i / perFold) * count + (i % count)] += values[i];
    return out;
  };
  return {
    ...{ levels, folds, seed, outputs },
    counts: pick(listed, 0, 1),
    weights: pick(listed, 1, 1),
    squares: pick(listed, 2, 1),
    sums: pick(listed, 3, outputs),
    missingWeights: pick([levels.length + 1], 1, 1),
    missingSums: pick([levels.length + 1], 3, outputs),
    foldWeights: total(pick(all, 1, 1), 1),
    foldSums: total(pick(all, 3, outputs), outputs),
    foldSquares: total(pick(all, 2, 1), 1),
  };
}

/**
 * Summary of the label by level and fold of `options.columns`, in their order. O(rows × columns);
 * state: 8 bytes × columns × folds × (levels + 2) × (3 + outputs). Rows without a label or weight do not count.
 */
export function targets(options: TargetOptions | null): Summary<TargetState, readonly TargetStatistics[]> {
  if (!options?.columns || !options.label) {
    throw new SoraError(
      'bad-option',
      'Target statistics need columns, their levels and a label: {"columns": [{"name": "c", "levels": ["x"]}], "label": {"column": "y"}, "folds": 5, "seed": 1}.',
    );
  }
  checkCount('folds', options.folds, 1, 256);
  const outputs = options.label.kind === 'multiclass' ? (options.label.classes?.length ?? 1) : 1;
  const indices = options.columns.map(({ levels }) => new Map(levels.map((level, at) => [level, at])));
  const sizes = indices.map((index) => options.folds * (index.size + 2) * widthOf(outputs));
  return {
    id: `targets/1 ${canonicalJson(options as unknown as Json)}`,
    empty: () => sizes.map((size) => new Float64Array(size)),
    observe(state, particle: Particle) {
      const rows = splitRows(particle, options.split);
      const seen = targetsOf(particle, options, outputs);
      for (const [index, { name, path }] of options.columns.entries()) {
        const at = fieldIndex(particle.schema, path === undefined ? name : path[path.length - 1]);
        if (at < 0) continue;
        const slots =
          path === undefined
            ? slotsOf(particle.columns[at], indices[index], particle.rows)
            : Int32Array.from(
                rowPaths(particle, path),
                (one) => indices[index].get(one) ?? indices[index].size,
              );
        addColumn(state[index], slots, indices[index].size + 2, seen, rows);
      }
    },
    merge(into, from) {
      for (const [index, sums] of from.entries()) {
        for (let i = 0; i < sums.length; i++) into[index][i] += sums[i];
      }
    },
    scale(state, factor) {
      for (const sums of state) for (let i = 0; i < sums.length; i++) sums[i] *= factor;
    },
    read: (state) =>
      state.map((column, index) => readColumn(column, options.columns[index].levels, options, outputs)),
    codec: taggedCodec(
      'targets/1',
      (writer, state) => {
        for (const column of state) writer.f64s(column);
      },
      (reader) =>
        sizes.map((size) => {
          const column = reader.f64s();
          if (column.length !== size) throw corrupt(`${column.length} sums where there are ${size}`);
          return column;
        }),
    ),
  };
}

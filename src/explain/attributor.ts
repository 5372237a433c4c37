/**
 * From a model's parameters and a view to what each column gave to each row's margin: exact SHAP values for trees (the
 * features of a column added up) and, for linear models, the part of the column less its mean over the training rows,
 * which is its SHAP value when columns are independent (Štrumbelj and Kononenko 2014). One meeting place for the rows
 * that are written, the means over particles and the report.
 */
import { SoraError } from '../errors.ts';
import { rowsOf } from '../fit/glm/sample.ts';
import { decodeFactors } from '../model/factor.ts';
import { decodeForest } from '../model/forest-tensors.ts';
import { decodeParameters, type ScorerOptions } from '../model/scorer.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import { linearParts } from './contribution.ts';
import { factorParts } from './factor-parts.ts';
import { type Explainer, forestExplainer } from './shap/attribute.ts';
import { pairCount, pairIndex } from './shap/pairs.ts';

/** What must be known besides the parameters; JSON, so that it can stand in a reference. */
export interface AttributorOptions extends ScorerOptions {
  readonly columns: number;
  /** Column of each feature; features of a column stand together. */
  readonly columnOf: readonly number[];
  /** Trees: attributions of columns alone, then of pairs of columns; absent: of columns. */
  readonly pairs?: boolean;
  /** Linear: mean part of column c in the margin of output k, at c · outputs + k; absent: 0, and parts are as they are. */
  readonly means?: readonly number[];
}

/** A model ready to be explained, column by column. */
export interface Attributor {
  readonly outputs: number;
  /** Columns; with pairs, the pairs (0,1), (0,2) …, (1,2) … of columns after them. */
  readonly slots: number;
  /** Margin that attributions are counted from, by output; they and the offset of a row add up to its margin. */
  readonly base: Float64Array;
  /** Slot s and output k of row r at (k · slots + s) · rows + r. */
  attribute(view: DenseView | CsrView): Float64Array;
}

/** Number of slots of so many columns. */
export function slotCount({ columns, pairs }: Pick<AttributorOptions, 'columns' | 'pairs'>): number {
  return columns + (pairs ? pairCount(columns) : 0);
}

/** An attributor from encoded parameters; throws `corrupt` or `internal` if they do not fit the options. */
export function attributor(options: AttributorOptions, parameters: Uint8Array): Attributor {
  if (options.learner === 'factor') return factorAttributor(options, parameters);
  return options.learner === 'trees'
    ? treeAttributor(options, parameters)
    : linearAttributor(options, parameters);
}

function factorAttributor(options: AttributorOptions, parameters: Uint8Array): Attributor {
  const { outputs, columns, columnOf, pairs } = options;
  const model = decodeFactors(parameters, options);
  if (pairs) {
    throw new SoraError(
      'bad-option',
      'Pairs of columns are told for trees alone; those of a factorization machine are shared between both columns. Leave --interactions out.',
    );
  }
  return {
    outputs,
    slots: columns,
    base: model.intercepts,
    attribute(view) {
      if (view.kind === 'csr') return factorParts(model, view, columnOf, columns);
      throw new SoraError(
        'schema-mismatch',
        'The view is dense, and factorization machines read sparse rows.',
      );
    },
  };
}

function treeAttributor(options: AttributorOptions, parameters: Uint8Array): Attributor {
  const explainer = forestExplainer(decodeForest(parameters, options));
  const { outputs, features } = options;
  const slots = slotCount(options);
  return {
    outputs,
    slots,
    base: explainer.expected,
    attribute(view) {
      if (view.kind !== 'dense') {
        throw new SoraError('schema-mismatch', 'The view has sparse rows, and trees read dense columns.');
      }
      const sums = new Float64Array(outputs * slots * view.rows);
      const most = options.pairs
        ? Math.floor(PAIR_VALUES / Math.max(1, outputs * pairCount(features)))
        : view.rows;
      const step = Math.max(4, Math.floor(most / 4) * 4);
      for (let from = 0; from < view.rows; from += step) {
        const rows = Math.min(step, view.rows - from);
        addWindow(explainer, options, rowsOf(view, from, rows) as DenseView, sums.subarray(from), view.rows);
      }
      return sums;
    },
  };
}

/** Most values of pairs of features that are held at once. */
const PAIR_VALUES = 1 << 22;

/** Adds the attributions of the features of a window of rows to the slots of their columns, `stride` apart. */
function addWindow(
  explainer: Explainer,
  options: AttributorOptions,
  view: DenseView,
  sums: Float64Array,
  stride: number,
): void {
  const { outputs, features, columns, columnOf } = options;
  const { rows } = view;
  const slots = slotCount(options);
  const add = (from: Float64Array, index: number, slot: number, factor: number): void => {
    const [at, to] = [index * rows, slot * stride];
    for (let row = 0; row < rows; row++) sums[to + row] += factor * from[at + row];
  };
  const values = explainer.attribute(view, 'features');
  for (let k = 0; k < outputs; k++) {
    for (let f = 0; f < features; f++) add(values, k * features + f, k * slots + columnOf[f], 1);
  }
  if (!options.pairs) return;
  const pairs = explainer.attribute(view, 'pairs');
  for (let k = 0, pair = 0; k < outputs; k++) {
    for (let i = 0; i < features; i++) {
      for (let j = i + 1; j < features; j++, pair++) {
        const [a, b] = [columnOf[i], columnOf[j]].sort((x, y) => x - y);
        // What features of one column give together is that column's own.
        if (a === b) continue;
        add(pairs, pair, k * slots + a, -1);
        add(pairs, pair, k * slots + b, -1);
        add(pairs, pair, k * slots + columns + pairIndex(a, b, columns), 2);
      }
    }
  }
}

function linearAttributor(options: AttributorOptions, parameters: Uint8Array): Attributor {
  const { outputs, features, columns, columnOf } = options;
  const values = decodeParameters(parameters);
  if (options.pairs) {
    throw new SoraError(
      'bad-option',
      'A linear model has no interactions: what a column gives depends on no other column. Leave --interactions out.',
    );
  }
  const means = options.means ?? new Array<number>(columns * outputs).fill(0);
  if (values.length !== outputs * (features + 1) || means.length !== outputs * columns) {
    throw new SoraError(
      'internal',
      `A model of ${outputs} outputs, ${features} features and ${columns} columns has ${outputs * (features + 1)} parameters and ${outputs * columns} means, not ${values.length} and ${means.length}.`,
    );
  }
  const base = Float64Array.from({ length: outputs }, (_, k) => values[k * (features + 1) + features]);
  for (let i = 0; i < means.length; i++) base[i % outputs] += means[i];
  return {
    outputs,
    slots: columns,
    base,
    attribute(view) {
      const { rows } = view;
      const out = new Float64Array(outputs * columns * rows);
      for (let k = 0; k < outputs; k++) {
        const coefficients = values.subarray(k * (features + 1), k * (features + 1) + features);
        linearParts(view, coefficients, columnOf, columns, (column, part) => {
          const [mean, at] = [means[column * outputs + k], (k * columns + column) * rows];
          for (let row = 0; row < rows; row++) out[at + row] = part[row] - mean;
        });
      }
      return out;
    },
  };
}

/**
 * From a model's parameters and a view to what each column gave to each row's margin: exact SHAP values for trees (the
 * features of a column added up) and, for linear models, the part of the column less its mean over the training rows,
 * which is its SHAP value when columns are independent (Štrumbelj and Kononenko 2014). One meeting place for the rows
 * that are written, the means over particles and the report.
 */
import { SoraError } from '../errors.ts';
import { decodeForest } from '../model/forest-tensors.ts';
import { decodeParameters, type ScorerOptions } from '../model/scorer.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import { linearParts } from './contribution.ts';
import { forestExplainer } from './shap/attribute.ts';

/** What must be known besides the parameters; JSON, so that it can stand in a reference. */
export interface AttributorOptions extends ScorerOptions {
  readonly columns: number;
  /** Column of each feature; features of a column stand together. */
  readonly columnOf: readonly number[];
  /** Linear: mean part of column c in the margin of output k, at c · outputs + k; absent: 0, and parts are as they are. */
  readonly means?: readonly number[];
}

/** A model ready to be explained, column by column. */
export interface Attributor {
  readonly outputs: number;
  readonly columns: number;
  /** Margin that attributions are counted from, by output; they and the offset of a row add up to its margin. */
  readonly base: Float64Array;
  /** Column c and output k of row r at (k · columns + c) · rows + r. */
  attribute(view: DenseView | CsrView): Float64Array;
}

/** An attributor from encoded parameters; throws `corrupt` or `internal` if they do not fit the options. */
export function attributor(options: AttributorOptions, parameters: Uint8Array): Attributor {
  return options.learner === 'trees'
    ? treeAttributor(options, parameters)
    : linearAttributor(options, parameters);
}

function treeAttributor(options: AttributorOptions, parameters: Uint8Array): Attributor {
  const { outputs, features, columns, columnOf } = options;
  const explainer = forestExplainer(decodeForest(parameters, options));
  return {
    outputs,
    columns,
    base: explainer.expected,
    attribute(view) {
      if (view.kind !== 'dense') {
        throw new SoraError('schema-mismatch', 'The view has sparse rows, and trees read dense columns.');
      }
      const values = explainer.attribute(view, 'features');
      if (columns === features) return values;
      const { rows } = view;
      const sums = new Float64Array(outputs * columns * rows);
      for (let k = 0; k < outputs; k++) {
        for (let f = 0; f < features; f++) {
          const [from, to] = [(k * features + f) * rows, (k * columns + columnOf[f]) * rows];
          for (let row = 0; row < rows; row++) sums[to + row] += values[from + row];
        }
      }
      return sums;
    },
  };
}

function linearAttributor(options: AttributorOptions, parameters: Uint8Array): Attributor {
  const { outputs, features, columns, columnOf } = options;
  const values = decodeParameters(parameters);
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
    columns,
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

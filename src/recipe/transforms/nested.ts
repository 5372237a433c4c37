/**
 * Levels that lie in those of other columns (age / occupation / user): the mean of the label, shrunk to that of the
 * parent, by nested.ts, on the scale of target.ts: one feature an output. A row whose level was never met has the
 * mean of the finest of its paths that was: a new user that of its age and occupation.
 * Out of fold while fitting, as target.ts: variances are of all rows, means of the folds a row is not in.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { parentPath, rowPaths } from '../../summary/path.ts';
import type { TargetStatistics } from '../../summary/target.ts';
import { levelTable } from '../levels.ts';
import { type Depth, type NestedVariances, nestedMeans, nestedVariances } from '../nested.ts';
import { nestedPath } from '../options.ts';
import { type Dropped, type FitContext, tallyUp, transform } from '../transform.ts';
import { onMargin, short } from './target.ts';

const shape = z.object({
  transform: z.literal('nested'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  /** Columns of the path, coarsest first. */
  path: z.array(z.string()),
  /** Paths that have a mean, by depth. */
  levels: z.array(z.array(z.string())),
  outputs: z.array(z.string()),
  /** Encoding of path l of a depth, output o at `l * outputs + o`. */
  values: z.array(z.array(z.number())),
  /** The same by fold left out; only needed to fit. */
  foldValues: z.array(z.array(z.array(z.number()))).optional(),
});

export type NestedStep = z.infer<typeof shape>;

function fit({ field, statistics, label, options }: FitContext): NestedStep | Dropped {
  const tables = statistics.nested;
  if (tables === undefined || label === undefined) return { dropped: 'nested levels need a label' };
  const outputs = tables[0].outputs === 1 ? [''] : [...label.classes!];
  const variances = outputs.map((_, output) => nestedVariances(treeOf(tables, output)));
  const path = nestedPath(field.name, options.parents);
  const encode = (left?: number) => {
    const values = tables.map(({ levels }) => new Array<number>(levels.length * outputs.length).fill(0));
    for (const output of outputs.keys()) {
      const [[root], ...means] = nestedMeans(treeOf(tables, output, left), variances[output]);
      for (const [depth, found] of means.entries()) {
        for (const [level, mean] of found.entries()) {
          values[depth][level * outputs.length + output] = short(onMargin(mean, root, label));
        }
      }
    }
    return values;
  };
  return {
    transform: 'nested',
    column: field.name,
    width: outputs.length,
    why: `mean of the label (out of fold) in ${path.join(' / ')}${shares(variances[0])}`,
    path,
    levels: tables.map(({ levels }) => [...levels]),
    outputs,
    values: encode(),
    foldValues: Array.from({ length: tables[0].folds }, (_, fold) => encode(fold)),
  };
}

/** How many rows of the parent's mean each depth is mixed with. */
function shares({ effects, rows }: NestedVariances): string {
  const mixed = effects.slice(1).map((effect) => (effect > 0 ? (rows / effect).toPrecision(3) : 'all'));
  return `, mixed with ${mixed.join(' / ')} rows of the mean above`;
}

/** The tree of one output, of all folds or of all but one. Classes are labels 0 and 1. O(levels × folds). */
function treeOf(tables: readonly TargetStatistics[], output: number, left?: number): Depth[] {
  const { outputs, folds } = tables[0];
  const total = (values: Float64Array, count: number, at: (i: number) => number) => {
    const out = new Float64Array(count);
    const perFold = values.length / folds;
    for (let fold = 0; fold < folds; fold++) {
      if (fold === left) continue;
      for (let i = 0; i < count; i++) out[i] += values[fold * perFold + at(i)];
    }
    return out;
  };
  const ofOutput = (i: number) => i * outputs + output;
  const ofLevel = (i: number) => i;
  const root = total(tables[0].foldSums, 1, ofOutput);
  const rootSquares = outputs > 1 ? root : total(tables[0].foldSquares, 1, ofLevel);
  const tree: Depth[] = [
    { parents: [], weights: total(tables[0].foldWeights, 1, ofLevel), sums: root, squares: rootSquares },
  ];
  for (const [depth, table] of tables.entries()) {
    const above = depth === 0 ? undefined : levelTable(tables[depth - 1].levels);
    const { length } = table.levels;
    const sums = total(table.sums, length, ofOutput);
    tree.push({
      parents: table.levels.map((level) => above?.get(parentPath(level)!) ?? 0),
      weights: total(table.weights, length, ofLevel),
      sums,
      squares: outputs > 1 ? sums : total(table.squares, length, ofLevel),
    });
  }
  return tree;
}

export const nested = transform<NestedStep>({
  name: 'nested',
  types: ['category'],
  encodings: ['nested'],
  shape,
  fit,
  entries: ({ width }) => width,
  feature: ({ outputs, path }, index) =>
    `mean(${path.join(' / ')})${outputs.length === 1 ? '' : `→${outputs[index]}`}`,
  apply(step, _column, { particle, rows, output, base, folds, tally }) {
    const foldOf = folds?.();
    if (foldOf !== undefined && step.foldValues === undefined) {
      throw new SoraError(
        'bad-option',
        `Column "${step.column}": the recipe was stripped of what fitting needs.`,
      );
    }
    const outputs = step.outputs.length;
    const out = output.block(base, outputs);
    const paths = step.path.map((_, depth) => rowPaths(particle, step.path.slice(0, depth + 1)));
    const tables = step.levels.map(levelTable);
    let unknown = 0;
    for (let i = 0; i < output.rows; i++) {
      const row = rows === undefined ? i : rows[i];
      const values = foldOf === undefined ? step.values : step.foldValues![foldOf[row]];
      let depth = tables.length - 1;
      let level = tables[depth].get(paths[depth][row]);
      if (level === undefined) unknown++;
      while (level === undefined && --depth >= 0) level = tables[depth].get(paths[depth][row]);
      for (let k = 0; level !== undefined && k < outputs; k++) {
        out[k * output.stride + i] = values[depth][level * outputs + k];
      }
    }
    tallyUp(tally.unknown, step.column, unknown);
  },
  strip({ foldValues: _, ...rest }) {
    return rest;
  },
});

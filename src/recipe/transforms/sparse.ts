/**
 * Sparse columns: their features pass through as they are, or are divided by their largest magnitude where some
 * are large: zeros stay zeros, and features measured in different units become comparable. Entries past the width of the fit are of features
 * never seen: left out and counted, as are infinite ones. A missing row is an empty row.
 */
import { z } from 'zod';
import type { Column, SparseColumn } from '../../particle/column.ts';
import { isPresent } from '../../particle/column.ts';
import {
  type ApplyContext,
  type Dropped,
  type FitContext,
  LARGEST_FEATURE,
  tallyUp,
  transform,
} from '../transform.ts';

const shape = z.object({
  transform: z.literal('sparse'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  /** Multiplies the values of each feature; absent: they are taken as they are. */
  scales: z.array(z.number()).optional(),
});

/** Magnitudes above this mean that features are not on one scale already. */
const LARGE = 10;

export type SparseStep = z.infer<typeof shape>;

/** Most features that are written out as dense columns for trees. */
export const DENSE_WIDTH = 1024;

function fit({ field, statistics, encoding, options }: FitContext): SparseStep | Dropped {
  const width = statistics.sparse?.width ?? field.width ?? 0;
  if (width === 0 || statistics.sparse?.entries === 0) return { dropped: 'no entry is present' };
  const forTrees = options.for === 'trees';
  if (forTrees && width > DENSE_WIDTH) {
    return {
      dropped: `${width} sparse features are more than the ${DENSE_WIDTH} that trees can read; a linear model can`,
    };
  }
  const greatest = statistics.sparse?.greatest;
  const largest = greatest?.reduce((a, b) => Math.max(a, b), 0) ?? 0;
  const scaled = encoding === 'maxabs' || (largest > LARGE && !forTrees);
  return {
    transform: 'sparse',
    column: field.name,
    width,
    why: `${width} sparse features${scaled && greatest ? ', each divided by its largest magnitude' : ''}`,
    scales: scaled ? greatest?.map((x) => (x > 0 ? Number((1 / x).toPrecision(6)) : 1)) : undefined,
  };
}

function clamp(value: number): number {
  return Math.max(-LARGEST_FEATURE, Math.min(LARGEST_FEATURE, value));
}

/** Whether the entries of a column of all rows go to the output as they lie. */
function passAsTheyAre({ scales, width }: SparseStep, column: SparseColumn): boolean {
  const { starts, values, validity } = column;
  if (scales !== undefined || column.width > width || validity !== undefined || starts[0] !== 0) return false;
  let within = true;
  for (let at = 0; at < values.length; at++) {
    within = within && values[at] <= LARGEST_FEATURE && values[at] >= -LARGEST_FEATURE;
  }
  return within;
}

function apply(step: SparseStep, column: Column, context: ApplyContext): void {
  const sparse = column as SparseColumn;
  const { output, rows, base, tally } = context;
  if (rows === undefined && passAsTheyAre(step, sparse)) {
    const { starts, indices, values } = sparse;
    output.entries(
      base,
      starts,
      indices.subarray(0, starts[output.rows]),
      values.subarray(0, starts[output.rows]),
    );
    return;
  }
  const { scales } = step;
  const starts = new Uint32Array(output.rows + 1);
  let total = 0;
  for (let i = 0; i < output.rows; i++) {
    const row = rows === undefined ? i : rows[i];
    if (isPresent(sparse.validity, row)) total += sparse.starts[row + 1] - sparse.starts[row];
  }
  const indices = new Uint32Array(total);
  const values = new Float32Array(total);
  let to = 0;
  let unknown = 0;
  let infinite = 0;
  for (let i = 0; i < output.rows; i++) {
    const row = rows === undefined ? i : rows[i];
    const end = isPresent(sparse.validity, row) ? sparse.starts[row + 1] : sparse.starts[row];
    for (let from = sparse.starts[row]; from < end; from++) {
      const value = sparse.values[from];
      if (sparse.indices[from] >= step.width) unknown++;
      else if (value - value !== 0) infinite++;
      else {
        indices[to] = sparse.indices[from];
        values[to++] = clamp(scales === undefined ? value : value * scales[sparse.indices[from]]);
      }
    }
    starts[i + 1] = to;
  }
  output.entries(base, starts, indices.subarray(0, to), values.subarray(0, to));
  tallyUp(tally.unknown, step.column, unknown);
  tallyUp(tally.imputed, step.column, infinite);
}

export const sparse = transform<SparseStep>({
  name: 'sparse',
  types: ['sparse'],
  encodings: ['auto', 'maxabs'],
  shape,
  fit,
  entries: (_step, { sparse, present }) => (sparse === undefined ? 0 : sparse.entries / Math.max(1, present)),
  feature: (step, index) => `${step.column}[${index}]`,
  apply,
});

/** Rows of a particle as an online model takes them: their labels and weights, gathered into batches of those it can learn. */
import { SoraError } from '../../errors.ts';
import { ONLINE_ROWS } from '../../kernel/online.ts';
import { isPresent } from '../../particle/column.ts';
import type { Particle } from '../../particle/particle.ts';
import { roleIndex } from '../../particle/schema.ts';
import type { RowBatch } from './block.ts';
import type { OnlineLabel } from './classes.ts';

/** Label of a row as the learner has it; undefined where missing. Throws where it cannot be learned. */
type RowNumber = (row: number) => number | undefined;

/** Labels of a particle as they stand there; undefined where missing. */
export function labelsOf(particle: Particle): (row: number) => OnlineLabel | undefined {
  const at = roleIndex(particle.schema, 'label');
  const column = at < 0 ? undefined : particle.columns[at];
  if (column?.type === 'category') {
    const { codes, dictionary } = column;
    return (row) => (codes[row] < 0 ? undefined : dictionary[codes[row]]);
  }
  if (column?.type === 'number')
    return (row) => (isPresent(column.validity, row) ? column.values[row] : undefined);
  if (column?.type === 'boolean')
    return (row) => (isPresent(column.validity, row) ? column.values[row] === 1 : undefined);
  throw new SoraError(
    'bad-data',
    `The particle has ${column === undefined ? 'no label column' : `labels of type ${column.type}`}; give numbers, booleans or categories the role label.`,
  );
}

/** Rows that can be learned from. */
export class Batch implements RowBatch {
  count = 0;
  readonly rows = new Uint32Array(ONLINE_ROWS);
  readonly labels = new Float64Array(ONLINE_ROWS);
  readonly weights = new Float64Array(ONLINE_ROWS);

  /**
   * Takes rows of [at, to) until it is full; gives the first that it has not seen, perhaps as it cannot be learned from, or
   * is of none of the `known` classes.
   */
  gather(at: number, to: number, label: RowNumber, weight: (row: number) => number, known: number): number {
    this.count = 0;
    for (let row = at; row < to; row++) {
      if (this.count === ONLINE_ROWS) return row;
      const y = labelOrRefused(label, row);
      if (y === undefined) continue;
      const w = weight(row);
      if (w === 0) continue;
      if (y === null || y >= known || !(w > 0 && Number.isFinite(w))) return row;
      this.rows[this.count] = row;
      this.labels[this.count] = y;
      this.weights[this.count++] = w;
    }
    return to;
  }
}

/** The label; null where it cannot be learned from. */
export function labelOrRefused(label: RowNumber, row: number): number | undefined | null {
  try {
    return label(row);
  } catch {
    return null;
  }
}

/** Weights of a particle; 0 where missing, 1 where there are none. */
export function weightsOf(particle: Particle): (row: number) => number {
  const at = roleIndex(particle.schema, 'weight');
  const column = at < 0 ? undefined : particle.columns[at];
  if (column?.type !== 'number') return () => 1;
  return (row) => (isPresent(column.validity, row) ? column.values[row] : 0);
}

/**
 * Which rows a learner sees, and their labels, weights and offsets.
 * A row is left out when it lies on the other side of the split, its label is missing, infinite or of no known
 * class, its weight is missing or not positive, or its exposure is.
 */
import { log } from '../kernel/elementary.ts';
import { groupStarts } from '../particle/group-runs.ts';
import type { Particle } from '../particle/particle.ts';
import { labelNumbers, roleNumbers } from '../summary/label-values.ts';
import type { LabelSpec } from './label.ts';

/** Rows left out, by reason. */
export interface LeftOut {
  /** Label missing, infinite, or of a class the recipe does not know. */
  label: number;
  /** Weight missing or not positive. */
  weight: number;
  /** Exposure missing or not positive. */
  exposure: number;
}

/** Rows that stay, and what belongs to them; arrays have one number a row that stays. */
export interface RowsOfView {
  /** Ascending; undefined when all rows of the particle stay. */
  readonly rows: Uint32Array | undefined;
  readonly count: number;
  /** Empty when labels were not asked for. */
  readonly labels: Float64Array;
  readonly weights?: Float64Array;
  readonly offsets?: Float64Array;
  readonly groups?: Uint32Array;
  readonly leftOut: LeftOut;
}

/**
 * Selects rows and reads labels, weights and offsets. O(rows).
 * @param among ascending rows to choose from; undefined means all
 */
export function learnableRows(
  particle: Particle,
  among: Uint32Array | undefined,
  label: LabelSpec,
): RowsOfView {
  const leftOut: LeftOut = { label: 0, weight: 0, exposure: 0 };
  const total = particle.rows;
  const drop = new Uint8Array(total);
  const labels = labelNumbers(particle, label);
  const weights = roleNumbers(particle, 'weight');
  const exposures = label.kind === 'count' ? roleNumbers(particle, 'exposure') : undefined;
  leftOut.label = dropUnless(labels, among, drop, Number.NEGATIVE_INFINITY);
  if (weights !== undefined) leftOut.weight = dropUnless(weights, among, drop, 0);
  if (exposures !== undefined) leftOut.exposure = dropUnless(exposures, among, drop, 0);
  const anyLeftOut = leftOut.label + leftOut.weight + leftOut.exposure > 0;
  const rows = anyLeftOut ? remaining(total, among, drop) : among;
  const count = rows?.length ?? total;
  return {
    rows,
    count,
    labels: pick(labels, rows),
    weights: unlessAll(weights === undefined ? undefined : pick(weights, rows), 1),
    offsets: unlessAll(exposures === undefined ? undefined : pick(exposures, rows).map(log), 0),
    groups: groupStarts(particle, rows),
    leftOut,
  };
}

/**
 * For prediction: every row of `among` stays, no label is read, weights do not count.
 * A missing exposure, or one that is not positive, counts as 1.
 */
export function allRows(
  particle: Particle,
  among: Uint32Array | undefined,
  label: LabelSpec | undefined,
): RowsOfView {
  const exposures = label?.kind === 'count' ? roleNumbers(particle, 'exposure') : undefined;
  const logs =
    exposures && pick(exposures, among).map((x) => (x > 0 && x < Number.POSITIVE_INFINITY ? log(x) : 0));
  return {
    rows: among,
    count: among?.length ?? particle.rows,
    labels: new Float64Array(0),
    offsets: unlessAll(logs, 0),
    leftOut: { label: 0, weight: 0, exposure: 0 },
  };
}

/** Marks rows whose value is not above `limit` and finite (missing is NaN); returns how many are newly marked. */
function dropUnless(
  values: Float64Array,
  among: Uint32Array | undefined,
  drop: Uint8Array,
  limit: number,
): number {
  let dropped = 0;
  const count = among?.length ?? values.length;
  for (let i = 0; i < count; i++) {
    const row = among === undefined ? i : among[i];
    const value = values[row];
    if (drop[row] === 1 || (value > limit && value < Number.POSITIVE_INFINITY)) continue;
    drop[row] = 1;
    dropped++;
  }
  return dropped;
}

function remaining(total: number, among: Uint32Array | undefined, drop: Uint8Array): Uint32Array {
  const kept = new Uint32Array(among?.length ?? total);
  let count = 0;
  for (let i = 0; i < kept.length; i++) {
    const row = among === undefined ? i : among[i];
    if (drop[row] === 0) kept[count++] = row;
  }
  return kept.subarray(0, count);
}

function pick(values: Float64Array, rows: Uint32Array | undefined): Float64Array {
  if (rows === undefined) return values;
  const picked = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) picked[i] = values[rows[i]];
  return picked;
}

function unlessAll(values: Float64Array | undefined, usual: number): Float64Array | undefined {
  return values === undefined || values.every((value) => value === usual) ? undefined : values;
}

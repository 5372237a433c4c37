/**
 * Records of coordinates that were met, as they are saved: few of 2^18 slots are, so only those are written.
 * A record is met if its number at `visits` is not 0. Numbers of the records in ascending order, and their places.
 */
import type { Arrays } from './learner.ts';
import { corrupt } from './state.ts';

/** The records that were met. O(records). */
export function saveRecords(records: Float64Array, stride: number, visits: number): Arrays {
  const met: number[] = [];
  for (let at = 0; at * stride < records.length; at++) if (records[at * stride + visits] !== 0) met.push(at);
  const numbers = new Float64Array(met.length * stride);
  for (const [i, at] of met.entries()) {
    numbers.set(records.subarray(at * stride, (at + 1) * stride), i * stride);
  }
  return { places: Uint32Array.from(met), records: numbers };
}

/**
 * The same with one class more, whose records have not been met. Of one output, class 1 of two, the first class is the one
 * that the others are measured from: factors cannot be halved between two.
 */
export function grownRecords({ places, ...saved }: Arrays, outputs: number): Arrays {
  const grow = (at: number) =>
    outputs === 1 ? 3 * at + 1 : Math.floor(at / outputs) * (outputs + 1) + (at % outputs);
  return { ...saved, places: Uint32Array.from(places, grow) };
}

/** Takes over what `saveRecords` gave; throws `corrupt` where it is not of such records. */
export function restoreRecords(records: Float64Array, stride: number, { places, ...saved }: Arrays): void {
  const numbers = saved.records;
  const fits =
    places instanceof Uint32Array &&
    numbers instanceof Float64Array &&
    numbers.length === places.length * stride &&
    places.every((at, i) => (i === 0 || at > places[i - 1]) && (at + 1) * stride <= records.length);
  if (!fits) throw corrupt(`its records do not fit ${records.length / stride} of ${stride} entries`);
  records.fill(0);
  for (let i = 0; i < places.length; i++) {
    records.set(numbers.subarray(i * stride, (i + 1) * stride), places[i] * stride);
  }
}

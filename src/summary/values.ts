/**
 * The different values of a numeric column with their exact counts, while there are few: is a label 0/1, a class, a count?
 * Law: exact; more than {@link VALUES_CAP} different values leave "many", which absorbs everything.
 */
import type { ByteReader, ByteWriter } from './codec.ts';
import { corrupt } from './codec.ts';

/** Different values listed at most. */
export const VALUES_CAP = 256;

/** `counts` is undefined once there were too many different values. */
export interface ValuesState {
  counts: Map<number, number> | undefined;
}

export interface ValueCount {
  readonly value: number;
  readonly count: number;
}

export function emptyValues(): ValuesState {
  return { counts: new Map() };
}

/** Adds `count` finite values. */
export function addValues(state: ValuesState, values: Float64Array, count: number): void {
  for (let i = 0; i < count && state.counts; i++) addValue(state, values[i] + 0, 1);
}

function addValue(state: ValuesState, value: number, times: number): void {
  if (state.counts === undefined) return;
  state.counts.set(value, (state.counts.get(value) ?? 0) + times);
  if (state.counts.size > VALUES_CAP) state.counts = undefined;
}

export function mergeValues(into: ValuesState, from: ValuesState): void {
  if (from.counts === undefined) into.counts = undefined;
  else for (const [value, count] of from.counts) addValue(into, value, count);
}

/** Values in ascending order, or null if there were too many. */
export function readValues({ counts }: ValuesState): readonly ValueCount[] | null {
  if (counts === undefined) return null;
  return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => a.value - b.value);
}

export function writeValues(writer: ByteWriter, state: ValuesState): void {
  const values = readValues(state);
  writer.u32(values?.length ?? VALUES_CAP + 1);
  for (const { value, count } of values ?? []) {
    writer.f64(value);
    writer.f64(count);
  }
}

export function parseValues(reader: ByteReader): ValuesState {
  const size = reader.u32();
  if (size === VALUES_CAP + 1) return { counts: undefined };
  if (size > VALUES_CAP) throw corrupt(`${size} different values where at most ${VALUES_CAP} can be`);
  const counts = new Map<number, number>();
  for (let i = 0; i < size; i++) counts.set(reader.f64(), reader.count());
  return { counts };
}

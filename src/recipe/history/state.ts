/**
 * What is carried of the rows so far, as a value and as bytes: models keep it, and so does the cache of a store.
 *
 *     | header bytes u32 | JSON { series, lengths, levels } | padding to 8 | numbers f64 … |
 */
import { SoraError } from '../../errors.ts';

/** The newest rows of each series. Numbers, by series: time of the last events, times of rows, values by column. */
export interface HistoryState {
  readonly series: readonly string[];
  /** Rows kept of each series. */
  readonly lengths: readonly number[];
  /** Categories by the number that stands for them in the values. */
  readonly levels: readonly string[];
  readonly numbers: Float64Array;
}

/** The state as bytes; equal states, equal bytes. */
export function encodeState({ series, lengths, levels, numbers }: HistoryState): Uint8Array {
  const header = new TextEncoder().encode(JSON.stringify({ series, lengths, levels }));
  const start = Math.ceil((4 + header.length) / 8) * 8;
  const bytes = new Uint8Array(start + numbers.byteLength);
  new DataView(bytes.buffer).setUint32(0, header.length, true);
  bytes.set(header, 4);
  new Float64Array(bytes.buffer, start).set(numbers);
  return bytes;
}

/** The state of {@link encodeState}; undefined if the bytes are none. */
export function decodeState(bytes: Uint8Array): HistoryState | undefined {
  try {
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
    const rest = bytes.slice(Math.ceil((4 + length) / 8) * 8);
    return { ...header, numbers: new Float64Array(rest.buffer) };
  } catch {
    return undefined;
  }
}

/** Throws `corrupt` unless there are as many numbers as the lengths ask for. */
export function checkState(state: HistoryState, columns: number, events: number, where: string): void {
  const rows = state.lengths.reduce((sum, length) => sum + length, 0);
  const expected = state.series.length * events + rows * (1 + columns);
  if (state.series.length === state.lengths.length && state.numbers.length === expected) return;
  throw new SoraError(
    'corrupt',
    `The history of ${where} has ${state.numbers.length} numbers where ${state.series.length} series of ${rows} rows have ${expected}.`,
  );
}

/**
 * A fixed sample of rows of dense views: those whose content has the smallest hashes, at most {@link BACKGROUND_ROWS} of them,
 * each with the number of rows like it. Which rows these are depends on the rows alone, not on their cut or order.
 * Law: merge keeps the smallest of both and adds counts; a row that fell out never comes back, so counts are whole.
 */
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import type { CsrView, DenseView } from '../particle/view.ts';
import { mix32 } from '../random.ts';
import type { Reference } from '../run/reference.ts';
import type { Session } from '../run/session.ts';
import { corrupt, taggedCodec } from '../summary/codec.ts';
import type { Codec, Summary } from '../summary/summary.ts';

/** Rows of a sample. */
export const BACKGROUND_ROWS = 512;

/** Rows with their features side by side: feature f of row r at r · features + f. */
export interface Background {
  readonly features: number;
  readonly values: Float32Array;
  /** How many rows are like the rows up to and with each. */
  readonly ends: Float64Array;
}

interface Row {
  readonly hash: number;
  readonly values: Float32Array;
  count: number;
}

/** Rows by rising hash; equal hashes are one row. */
interface State {
  rows: Row[];
}

/** 32 bits of what stands in each row: its features, label and weight. O(rows × features). */
export function rowHashes(view: DenseView, seed: number): Uint32Array {
  const { rows, features, stride, values, labels } = view;
  const hashes = new Uint32Array(rows).fill(mix32(seed));
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let f = 0; f < features; f++) {
    for (let row = 0, at = f * stride; row < rows; row++, at++) {
      const word = values[at] === 0 ? 0 : Number.isNaN(values[at]) ? 0x7fc00000 : words[at];
      hashes[row] = Math.imul(hashes[row] ^ word, 0x9e3779b1) ^ (hashes[row] >>> 15);
    }
  }
  const number = new Float64Array(1);
  const halves = new Uint32Array(number.buffer);
  for (let row = 0; row < rows; row++) {
    number[0] = labels[row] + 0;
    hashes[row] = mix32(hashes[row] ^ Math.imul(halves[0], 0x85ebca6b) ^ halves[1]);
  }
  return hashes;
}

/**
 * Summary that samples rows; a factory for references.
 */
export function backgroundSample(options: Json): Summary<State, Background, DenseView | CsrView> {
  const { features, seed } = options as { features: number; seed: number };
  return {
    id: `background/1 ${features} ${seed}`,
    empty: () => ({ rows: [] }),
    observe(state, view) {
      if (view.kind !== 'dense') {
        throw new SoraError(
          'bad-option',
          'Permutation importance needs dense features, and the recipe of this model gives sparse rows: leave --permutations out.',
        );
      }
      const hashes = rowHashes(view, seed ^ 0x5bd1e995);
      const order = Uint32Array.from(hashes.keys()).sort((a, b) => hashes[a] - hashes[b] || a - b);
      const rows: Row[] = [];
      for (const row of order) {
        const last = rows[rows.length - 1];
        if (last?.hash === hashes[row]) last.count++;
        else if (rows.length === BACKGROUND_ROWS) break;
        else rows.push({ hash: hashes[row], values: rowOf(view, row), count: 1 });
      }
      state.rows = merged(state.rows, rows);
    },
    merge(into, from) {
      into.rows = merged(into.rows, from.rows);
    },
    read: ({ rows }) => {
      const values = new Float32Array(rows.length * features);
      let total = 0;
      const ends = Float64Array.from(rows, ({ count }) => {
        total += count;
        return total;
      });
      rows.forEach((row, r) => {
        values.set(row.values, r * features);
      });
      return { features, values, ends };
    },
    codec: stateCodec,
  };
}

function rowOf({ features, stride, values }: DenseView, row: number): Float32Array {
  return Float32Array.from({ length: features }, (_, f) => values[f * stride + row] + 0);
}

/** Both lists in one, smallest hashes first; neither is changed. */
function merged(a: readonly Row[], b: readonly Row[]): Row[] {
  const rows: Row[] = [];
  for (let i = 0, j = 0; rows.length < BACKGROUND_ROWS && (i < a.length || j < b.length); ) {
    const left = i < a.length ? a[i].hash : Number.POSITIVE_INFINITY;
    const right = j < b.length ? b[j].hash : Number.POSITIVE_INFINITY;
    const row = { ...(left <= right ? a[i] : b[j]) };
    if (left === right) row.count += b[j].count;
    rows.push(row);
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return rows;
}

const stateCodec: Codec<State> = taggedCodec(
  'background/1',
  (writer, { rows }) => {
    writer.u32(rows.length);
    for (const { hash, values, count } of rows) {
      writer.u32(hash);
      writer.f64(count);
      writer.f64s(Float64Array.from(values));
    }
  },
  (reader) => {
    const length = reader.u32();
    if (length > BACKGROUND_ROWS) throw corrupt(`${length} rows are more than ${BACKGROUND_ROWS}`);
    const row = (): Row => {
      const [hash, count] = [reader.u32(), reader.count()];
      return { hash, count, values: Float32Array.from(reader.f64s()) };
    };
    return { rows: Array.from({ length }, row) };
  },
);

/** The row that a number in [0, 1) draws: as often as there are rows like it. O(log rows). */
export function drawRow({ ends }: Background, uniform: number): number {
  const at = uniform * ends[ends.length - 1];
  let [low, high] = [0, ends.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Bytes as parameters carry them: features and rows as u32, ends, then the values. */
export function encodeBackground({ features, values, ends }: Background): Uint8Array {
  const bytes = new Uint8Array(8 + ends.byteLength + values.byteLength);
  new Uint32Array(bytes.buffer, 0, 2).set([features, ends.length]);
  new Float64Array(bytes.buffer, 8, ends.length).set(ends);
  new Float32Array(bytes.buffer, 8 + ends.byteLength).set(values);
  return bytes;
}

/** The sample of {@link encodeBackground}. */
export function decodeBackground(bytes: Uint8Array): Background {
  const own = bytes.slice().buffer;
  const [features, rows] = new Uint32Array(own, 0, 2);
  const ends = new Float64Array(own, 8, rows);
  return { features, ends, values: new Float32Array(own, 8 + ends.byteLength) };
}

/** Samples the rows of a view: one round. */
export async function gatherBackground(
  session: Session,
  view: Reference,
  features: number,
  seed: number,
): Promise<Background> {
  const { value } = await session.reduce<State, Background>({
    summary: { module: import.meta.url, name: 'backgroundSample', options: { features, seed } },
    view,
    keep: 'root',
    label: 'sampling',
  });
  return value;
}

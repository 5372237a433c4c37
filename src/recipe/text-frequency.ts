/**
 * How many texts each word stands in: the summary that text columns are fitted from.
 * Words are counted in 2^18 buckets of their hash, so the state is bounded whatever the texts hold; a bucket also
 * keeps the word with the smallest hash, which stands for it. Two words in one bucket are counted as one.
 * Law: exact; merge adds counts and takes the smaller hash, so it is associative and commutative.
 */
import type { Json } from '../json.ts';
import { canonicalJson } from '../json.ts';
import { isPresent, type TextColumn } from '../particle/column.ts';
import type { Particle } from '../particle/particle.ts';
import { fieldIndex } from '../particle/schema.ts';
import { taggedCodec } from '../summary/codec.ts';
import { type Split, splitRows } from '../summary/split.ts';
import type { Summary } from '../summary/summary.ts';
import { type Tokens, Words } from './tokens.ts';

const BITS = 18;
const BUCKETS = 2 ** BITS;

/** State of one column. `hashes[b]` is the smallest hash seen in bucket b and `words.get(b)` its word. */
interface ColumnState {
  texts: number;
  readonly counts: Uint32Array;
  readonly hashes: Uint32Array;
  readonly words: Map<number, string>;
}

export type TextFrequencyState = ColumnState[];

/** Words by the number of texts they stand in, most frequent first. */
export interface TextFrequency {
  readonly texts: number;
  readonly words: readonly string[];
  readonly counts: readonly number[];
}

export interface TextFrequencyOptions {
  readonly columns: readonly { readonly name: string; readonly tokens: Tokens }[];
  readonly split?: Split;
  /** Most words to read, the most frequent ones. */
  readonly limit: number;
  /** Words in fewer texts are left out. */
  readonly least: number;
}

function emptyColumn(): ColumnState {
  return {
    texts: 0,
    counts: new Uint32Array(BUCKETS),
    hashes: new Uint32Array(BUCKETS).fill(0xffffffff),
    words: new Map(),
  };
}

/** Factory of the summary, for references: one value per column of `options.columns`. O(characters). */
export function textFrequency(
  options: TextFrequencyOptions,
): Summary<TextFrequencyState, readonly TextFrequency[]> {
  const reader = new Words();
  return {
    id: `text-frequency/1 ${canonicalJson(options as unknown as Json)}`,
    empty: () => options.columns.map(emptyColumn),
    observe(state, particle: Particle) {
      const rows = splitRows(particle, options.split);
      for (const [index, { name, tokens }] of options.columns.entries()) {
        const at = fieldIndex(particle.schema, name);
        if (at >= 0) observeColumn(state[index], particle.columns[at] as TextColumn, rows, tokens, reader);
      }
    },
    merge: (into, from) => {
      for (const [index, state] of from.entries()) mergeColumn(into[index], state);
    },
    read: (state) => state.map((column) => readColumn(column, options)),
    codec: taggedCodec(
      'text-frequency/1',
      (writer, state) => {
        writer.u32(state.length);
        for (const column of state) {
          const used = [...column.words.keys()].sort((a, b) => a - b);
          writer.f64(column.texts);
          writer.u32(used.length);
          for (const bucket of used) {
            writer.u32(bucket);
            writer.u32(column.counts[bucket]);
            writer.u32(column.hashes[bucket]);
            writer.text(column.words.get(bucket)!);
          }
        }
      },
      (bytes) =>
        Array.from({ length: bytes.u32() }, () => {
          const column = emptyColumn();
          column.texts = bytes.count();
          const used = bytes.u32();
          for (let i = 0; i < used; i++) {
            const bucket = bytes.u32() % BUCKETS;
            column.counts[bucket] = bytes.u32();
            column.hashes[bucket] = bytes.u32();
            column.words.set(bucket, bytes.text());
          }
          return column;
        }),
    ),
  };
}

function observeColumn(
  state: ColumnState,
  column: TextColumn,
  rows: Uint32Array | undefined,
  tokens: Tokens,
  reader: Words,
): void {
  const last = new Int32Array(BUCKETS).fill(-1);
  const count = rows?.length ?? column.values.length;
  for (let i = 0; i < count; i++) {
    const row = rows === undefined ? i : rows[i];
    if (!isPresent(column.validity, row)) continue;
    state.texts++;
    reader.read(column.values[row], tokens);
    for (let at = 0; at < reader.count; at++) {
      const hash = reader.hashes[at];
      const bucket = hash >>> (32 - BITS);
      if (last[bucket] !== i) {
        last[bucket] = i;
        state.counts[bucket]++;
      }
      if (hash < state.hashes[bucket] || !state.words.has(bucket)) {
        state.hashes[bucket] = hash;
        state.words.set(bucket, reader.wordAt(at));
      }
    }
  }
}

function mergeColumn(into: ColumnState, from: ColumnState): void {
  into.texts += from.texts;
  for (const [bucket, word] of from.words) {
    into.counts[bucket] += from.counts[bucket];
    if (into.words.has(bucket) && into.hashes[bucket] <= from.hashes[bucket]) continue;
    into.hashes[bucket] = from.hashes[bucket];
    into.words.set(bucket, word);
  }
}

function readColumn({ texts, counts, words }: ColumnState, options: TextFrequencyOptions): TextFrequency {
  const kept = [...words.keys()]
    .filter((bucket) => counts[bucket] >= options.least)
    .sort((a, b) => counts[b] - counts[a] || a - b)
    .slice(0, options.limit);
  return {
    texts,
    words: kept.map((bucket) => words.get(bucket)!),
    counts: kept.map((bucket) => counts[bucket]),
  };
}

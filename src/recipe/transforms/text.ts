/**
 * Text columns: a bag of words. With word counts of the data at hand the features are its frequent words, each with
 * value √(times in the text) · idf, idf = log((1 + texts) / (1 + texts with the word)) + 1; without them words are
 * hashed into 2^bits slots. Either way a text is scaled to one Euclidean length. Words: see tokens.ts.
 */
import { z } from 'zod';
import { log } from '../../kernel/elementary.ts';
import type { Column, TextColumn } from '../../particle/column.ts';
import { isPresent } from '../../particle/column.ts';
import type { CheckedOptions, Encoding } from '../options.ts';
import { hashOfWord, type Tokens, Words } from '../tokens.ts';
import { type ApplyContext, type Dropped, type FitContext, tallyUp, transform } from '../transform.ts';

/** Euclidean length of a text: the longer, the less the usual penalty weighs on a word. By measurement (docs/recipe.md). */
const LENGTH = 4;
/** That of steps which do not say it: the length that they were fitted with. */
const OLD_LENGTH = 2;

const shape = z.object({
  transform: z.literal('text'),
  column: z.string(),
  width: z.int(),
  why: z.string(),
  bigrams: z.boolean(),
  /** Words that are joined, where they are more than two. */
  ngrams: z.int().optional(),
  /** Longest runs of characters; absent: none. */
  characters: z.int().optional(),
  /** Version of ICU by whose dictionaries words of scripts without spaces were found; absent: by characters. */
  segmenter: z.string().optional(),
  /** Words with a feature each, and their idf; absent: hashed. */
  words: z.array(z.string()).optional(),
  idf: z.array(z.number()).optional(),
  /** Hashed: number of slots, a power of two. */
  slots: z.int().optional(),
  /** Euclidean length of each text. */
  length: z.number().positive().optional(),
  missing: z.boolean(),
});

export type TextStep = z.infer<typeof shape>;

function fit(context: FitContext): TextStep | Dropped {
  const { field, statistics, encoding } = context;
  if (statistics.present === 0) return { dropped: 'no value is present' };
  const missing = statistics.missing > 0;
  const { ngrams, characters, segmenter } = tokensFor(encoding, context.options);
  const common = {
    transform: 'text' as const,
    column: field.name,
    bigrams: ngrams > 1,
    ...(ngrams > 2 ? { ngrams } : {}),
    ...(characters > 0 ? { characters } : {}),
    ...(segmenter ? { segmenter: globalThis.process?.versions?.icu ?? 'of unknown version' } : {}),
    length: LENGTH,
    missing,
  };
  const joined = ['words', 'words and pairs', 'words, pairs and triples'][ngrams - 1];
  const kind = characters > 0 ? `${joined} and runs of up to ${characters} characters` : joined;
  const found = statistics.words;
  if (found === undefined || encoding === 'hash') {
    const slots = 2 ** hashBits(context);
    const width = slots + (missing ? 1 : 0);
    return { ...common, width, why: `${kind} hashed into ${slots} slots`, slots };
  }
  if (found.words.length === 0) return { dropped: 'no word stands in several rows' };
  const words = found.words.slice(0, context.words);
  const counts = found.counts.slice(0, context.words);
  return {
    ...common,
    width: words.length + (missing ? 1 : 0),
    why: `${words.length} frequent ${kind}${context.options.textTfidf ? ', weighted by rarity' : ''}${missing ? `, ${statistics.missing} missing → own feature` : ''}`,
    words,
    ...(context.options.textTfidf
      ? { idf: counts.map((count) => Number((log((1 + found.texts) / (1 + count)) + 1).toPrecision(6))) }
      : {}),
  };
}

/** What the texts of a column are cut into. */
export function tokensFor(encoding: Encoding, options: CheckedOptions): Tokens {
  return {
    ngrams: encoding === 'words' ? 1 : encoding === 'bigrams' ? 2 : options.textNgrams,
    characters: options.textCharacters,
    segmenter: options.textSegmenter,
  };
}

function tokensOf({ bigrams, ngrams, characters, segmenter }: TextStep): Tokens {
  return {
    ngrams: ngrams ?? (bigrams ? 2 : 1),
    characters: characters ?? 0,
    segmenter: segmenter !== undefined,
  };
}

/** For trees, whose columns are dense: 256 slots. */
const TREE_BITS = 8;

/** Four slots a text, from 2^12 to 2^18: the number of different words grows more slowly than that. */
function hashBits({ options, statistics }: FitContext): number {
  if (options.hashBits !== undefined) return options.hashBits;
  return options.for === 'trees'
    ? TREE_BITS
    : Math.min(18, Math.max(12, 34 - Math.clz32(statistics.present)));
}

function feature(step: TextStep, index: number): string {
  if (step.missing && index === step.width - 1) return `${step.column} missing`;
  return step.words === undefined ? `${step.column}#${index}` : `${step.column}~${step.words[index]}`;
}

/** Feature of a word hash by open addressing; -1 for other words. */
interface Vocabulary {
  readonly keys: Uint32Array;
  readonly features: Int32Array;
  readonly mask: number;
}

const vocabularies = new WeakMap<readonly string[], Vocabulary>();

function vocabularyOf(words: readonly string[]): Vocabulary {
  const known = vocabularies.get(words);
  if (known !== undefined) return known;
  const size = 2 ** (34 - Math.clz32(words.length));
  const table = { keys: new Uint32Array(size), features: new Int32Array(size).fill(-1), mask: size - 1 };
  for (const [index, word] of words.entries()) {
    const hash = hashOfWord(word);
    let at = hash & table.mask;
    while (table.features[at] >= 0) at = (at + 1) & table.mask;
    table.keys[at] = hash;
    table.features[at] = index;
  }
  vocabularies.set(words, table);
  return table;
}

function lookUp({ keys, features, mask }: Vocabulary, hash: number): number {
  let at = hash & mask;
  while (features[at] >= 0 && keys[at] !== hash) at = (at + 1) & mask;
  return features[at];
}

/** Entries of all rows, growing. */
class Entries {
  indices = new Uint32Array(4096);
  values = new Float32Array(4096);
  count = 0;

  push(index: number, value: number): void {
    if (this.count === this.indices.length) {
      const indices = new Uint32Array(this.count * 2);
      indices.set(this.indices);
      const values = new Float32Array(this.count * 2);
      values.set(this.values);
      [this.indices, this.values] = [indices, values];
    }
    this.indices[this.count] = index;
    this.values[this.count++] = value;
  }
}

function apply(step: TextStep, column: Column, context: ApplyContext): void {
  const { values, validity } = column as TextColumn;
  const { output, rows, base, tally } = context;
  const starts = new Uint32Array(output.rows + 1);
  const entries = new Entries();
  const row = rowReader(step);
  let imputed = 0;
  for (let i = 0; i < output.rows; i++) {
    const at = rows === undefined ? i : rows[i];
    if (isPresent(validity, at)) row(values[at], entries);
    else {
      imputed++;
      if (step.missing) entries.push(step.width - 1, 1);
    }
    starts[i + 1] = entries.count;
  }
  output.entries(
    base,
    starts,
    entries.indices.subarray(0, entries.count),
    entries.values.subarray(0, entries.count),
  );
  tallyUp(tally.imputed, step.column, imputed);
}

/** A function that appends the entries of one text. O(words · log words) a text. */
function rowReader(step: TextStep): (text: string, entries: Entries) => void {
  const reader = new Words();
  const tokens = tokensOf(step);
  const vocabulary = step.words === undefined ? undefined : vocabularyOf(step.words);
  const mask = (step.slots ?? 1) - 1;
  let found = new Uint32Array(1024);
  return (text, entries) => {
    reader.read(text, tokens);
    if (found.length < reader.count) found = new Uint32Array(reader.count * 2);
    let count = 0;
    for (let i = 0; i < reader.count; i++) {
      const hash = reader.hashes[i];
      const index = vocabulary === undefined ? hash & mask : lookUp(vocabulary, hash);
      if (index >= 0) found[count++] = index;
    }
    appendCounts(found.subarray(0, count).sort(), step, entries);
  };
}

/** Appends √count · idf for each distinct index, scaled to the Euclidean length of the step. */
function appendCounts(sorted: Uint32Array, { idf, length = OLD_LENGTH }: TextStep, entries: Entries): void {
  const first = entries.count;
  let squares = 0;
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    const index = sorted[from];
    while (to < sorted.length && sorted[to] === index) to++;
    const weight = idf === undefined ? 1 : idf[index];
    squares += (to - from) * weight * weight;
    entries.push(index, Math.sqrt(to - from) * weight);
  }
  const scale = squares > 0 ? length / Math.sqrt(squares) : 0;
  for (let at = first; at < entries.count; at++) entries.values[at] *= scale;
}

export const text = transform<TextStep>({
  name: 'text',
  types: ['text'],
  encodings: ['auto', 'words', 'bigrams', 'hash'],
  shape,
  fit,
  entries: (_step, { meanWords }) => meanWords,
  feature,
  group: () => 1,
  apply,
});

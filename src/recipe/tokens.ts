/**
 * Words of a text as hashes. A word is a run of letters, marks and digits, lower-cased; characters of scripts
 * written without spaces (Han, kana, Thai) are words of one character each, or are cut into words by `Intl.Segmenter`.
 * Neighbours may be joined to pairs and triples, and words taken apart into runs of characters. Plain ASCII text, most of
 * it, is hashed while it is scanned, without a string a word. Hash: FNV-1a over UTF-16 units, mixed, as `hashText`; both
 * paths give the same words.
 */
import { combine32, hashText, mix32 } from '../random.ts';

/** What a text is cut into. */
export type Tokens = {
  /** Most neighbouring words that are joined: 1 to 3. */
  readonly ngrams: number;
  /** Longest runs of characters within words, from 3 on; 0: none. */
  readonly characters: number;
  /** Whether words of scripts without spaces are found by `Intl.Segmenter`, whose dictionaries are ICU's. */
  readonly segmenter: boolean;
};

/** Words alone. */
export const PLAIN_WORDS: Tokens = { ngrams: 1, characters: 0, segmenter: false };

const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{M}\p{N}])+/gu;
const RUN =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]+|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{M}\p{N}])+/gu;
const SPACELESS = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;

/** Characters that the segmenter is given at once: its time grows faster than the text. */
const PIECE = 500;
/** Shortest run of characters of a word. */
const SHORTEST = 3;

const FNV_START = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Per ASCII code: the lower-cased code if it belongs to a word, else 0. */
const LOWER = new Uint8Array(128);
for (let code = 48; code < 58; code++) LOWER[code] = code;
for (let code = 97; code < 123; code++) LOWER[code] = LOWER[code - 32] = code;

/** Hashes of words and where they stand, reused from text to text. */
export class Words {
  hashes = new Uint32Array(1024);
  /** Number of hashes: words, then pairs, then triples of neighbours, then runs of characters. */
  count = 0;
  words = 0;
  /** Plain ASCII text: word i is [starts[i], ends[i]) of it. Other text: the words themselves. */
  private starts = new Uint32Array(1024);
  private ends = new Uint32Array(1024);
  private text = '';
  private list: readonly string[] | undefined;
  /** Words that hashes beyond the first `words` are made of, and where runs of characters begin. */
  private joined: Tokens = PLAIN_WORDS;
  private runs: string[] = [];

  /** Reads the words of `text`, in order, then what is made of them. O(length · (n-grams + runs)). */
  read(text: string, tokens: Tokens): void {
    this.text = text;
    this.list = undefined;
    this.joined = tokens;
    this.count = 0;
    if (!this.readAscii(text)) this.readUnicode(text, tokens.segmenter);
    this.words = this.count;
    this.join(tokens.ngrams);
    if (tokens.characters > 0) this.cut(tokens.characters);
  }

  /** The text of hash `index`: a word, several with spaces between, or a run of characters behind a star. */
  wordAt(index: number): string {
    if (index < this.words) {
      if (this.list !== undefined) return this.list[index];
      return this.text.slice(this.starts[index], this.ends[index]).toLowerCase();
    }
    let at = index - this.words;
    for (let n = 2; n <= this.joined.ngrams; n++) {
      const grams = Math.max(0, this.words - n + 1);
      if (at < grams) return Array.from({ length: n }, (_, i) => this.wordAt(at + i)).join(' ');
      at -= grams;
    }
    return this.runs[at];
  }

  /** Appends the hashes of pairs, then of triples: that of n words is that of the first n - 1, and the last. */
  private join(ngrams: number): void {
    for (let n = 2; n <= ngrams; n++) {
      for (let i = 0; i + n <= this.words; i++) {
        let hash = this.hashes[i];
        for (let k = 1; k < n; k++) hash = combine32(hash, this.hashes[i + k]);
        this.push(hash, 0, 0);
      }
    }
  }

  /** Appends runs of characters of every word between its marks of begin and end, `^word$`. */
  private cut(longest: number): void {
    this.runs = [];
    for (let i = 0; i < this.words; i++) {
      const letters = [...`^${this.wordAt(i)}$`];
      for (let n = SHORTEST; n <= longest; n++) {
        for (let at = 0; at + n <= letters.length; at++) {
          const run = `*${letters.slice(at, at + n).join('')}`;
          this.runs.push(run);
          this.push(hashText(run), 0, 0);
        }
      }
    }
  }

  private push(hash: number, start: number, end: number): void {
    if (this.count === this.hashes.length) {
      this.hashes = doubled(this.hashes);
      this.starts = doubled(this.starts);
      this.ends = doubled(this.ends);
    }
    this.hashes[this.count] = hash;
    this.starts[this.count] = start;
    this.ends[this.count++] = end;
  }

  /** False, with nothing kept, at the first character that is not ASCII. */
  private readAscii(text: string): boolean {
    let hash = FNV_START;
    let start = -1;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) {
        this.count = 0;
        return false;
      }
      const lower = LOWER[code];
      if (lower !== 0) {
        hash = Math.imul(hash ^ lower, FNV_PRIME);
        if (start < 0) start = i;
      } else if (start >= 0) {
        this.push(mix32(hash), start, i);
        hash = FNV_START;
        start = -1;
      }
    }
    if (start >= 0) this.push(mix32(hash), start, text.length);
    return true;
  }

  private readUnicode(text: string, segmenter: boolean): void {
    this.list = segmenter ? segmentedWords(text) : wordsOf(text);
    for (const word of this.list) this.push(hashText(word), 0, 0);
  }
}

/** The words of a text by the definition above, lower-cased: what {@link Words} hashes. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(WORD) ?? [];
}

/** The same, with runs of scripts without spaces cut by `Intl.Segmenter`, a piece of bounded length at a time. */
export function segmentedWords(text: string): string[] {
  const runs = text.toLowerCase().match(RUN) ?? [];
  return runs.flatMap((run) => (SPACELESS.test(run) ? piecesOf(run).flatMap(segments) : [run]));
}

let segmenter: Intl.Segmenter | undefined;

function segments(piece: string): string[] {
  segmenter ??= new Intl.Segmenter('zh', { granularity: 'word' });
  return Array.from(segmenter.segment(piece), ({ segment }) => segment);
}

function piecesOf(run: string): string[] {
  if (run.length <= PIECE) return [run];
  const characters = [...run];
  return Array.from({ length: Math.ceil(characters.length / PIECE) }, (_, i) =>
    characters.slice(i * PIECE, (i + 1) * PIECE).join(''),
  );
}

/** Hash of what {@link Words.wordAt} gives: a word, several with spaces between, or a run of characters. */
export function hashOfWord(word: string): number {
  return word
    .split(' ')
    .map((one) => hashText(one))
    .reduce(combine32);
}

function doubled(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(array.length * 2);
  grown.set(array);
  return grown;
}

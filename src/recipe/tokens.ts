/**
 * Words of a text as hashes. A word is a run of letters, marks and digits, lower-cased; characters of scripts
 * written without spaces (Han, kana, Thai …) are words of one character each, and `bigrams` joins neighbours.
 * Plain ASCII text, most of it, is hashed while it is scanned, without a string a word.
 * Hash: FNV-1a over UTF-16 units, mixed, as `hashText`; both paths give the same words.
 */
import { combine32, hashText, mix32 } from '../random.ts';

const WORD =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]|(?:(?![\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}])[\p{L}\p{M}\p{N}])+/gu;

const FNV_START = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Per ASCII code: the lower-cased code if it belongs to a word, else 0. */
const LOWER = new Uint8Array(128);
for (let code = 48; code < 58; code++) LOWER[code] = code;
for (let code = 97; code < 123; code++) LOWER[code] = LOWER[code - 32] = code;

/** Hashes of words and where they stand, reused from text to text. */
export class Words {
  hashes = new Uint32Array(1024);
  /** Number of hashes; the first `words` of them are words, the rest pairs of neighbours. */
  count = 0;
  words = 0;
  /** Plain ASCII text: word i is [starts[i], ends[i]) of it. Other text: the words themselves. */
  private starts = new Uint32Array(1024);
  private ends = new Uint32Array(1024);
  private text = '';
  private list: readonly string[] | undefined;

  /** Reads the words of `text`, in order; then each pair of neighbours if `bigrams`. O(length). */
  read(text: string, bigrams: boolean): void {
    this.text = text;
    this.list = undefined;
    this.count = 0;
    if (!this.readAscii(text)) this.readUnicode(text);
    this.words = this.count;
    if (!bigrams) return;
    for (let i = 1; i < this.words; i++) this.push(combine32(this.hashes[i - 1], this.hashes[i]), 0, 0);
  }

  /** The text of hash `index`: a word, or two with a space between. */
  wordAt(index: number): string {
    if (index >= this.words) {
      const first = index - this.words;
      return `${this.wordAt(first)} ${this.wordAt(first + 1)}`;
    }
    if (this.list !== undefined) return this.list[index];
    return this.text.slice(this.starts[index], this.ends[index]).toLowerCase();
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

  private readUnicode(text: string): void {
    this.list = wordsOf(text);
    for (const word of this.list) this.push(hashText(word), 0, 0);
  }
}

/** The words of a text by the definition above, lower-cased: what {@link Words} hashes. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(WORD) ?? [];
}

/** Hash of a word, or of two with a space between. */
export function hashOfWord(word: string): number {
  const [first, second] = word.split(' ');
  return second === undefined ? hashText(first) : combine32(hashText(first), hashText(second));
}

function doubled(array: Uint32Array): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(array.length * 2);
  grown.set(array);
  return grown;
}

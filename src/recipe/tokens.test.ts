import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hashText } from '../random.ts';
import { hashOfWord, PLAIN_WORDS, segmentedWords, type Tokens, Words, wordsOf } from './tokens.ts';

function read(text: string, tokens: Partial<Tokens> = {}): { words: string[]; hashes: number[] } {
  const reader = new Words();
  reader.read(text, { ...PLAIN_WORDS, ...tokens });
  const hashes = [...reader.hashes.subarray(0, reader.count)];
  return { words: hashes.map((_, index) => reader.wordAt(index)), hashes };
}

it('finds words of any script, lower-cased', () => {
  expect(read("It's 3.14: ÉTÉ, naïve—ok").words).toEqual(['it', 's', '3', '14', 'été', 'naïve', 'ok']);
  expect(read('粒子 ab').words).toEqual(['粒', '子', 'ab']);
  expect(read('  ').words).toEqual([]);
  expect(read('a B c', { ngrams: 2 }).words).toEqual(['a', 'b', 'c', 'a b', 'b c']);
});

it('hashes plain text as it hashes any other', () => {
  const text = fc.oneof(fc.string({ unit: 'binary-ascii', maxLength: 200 }), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(text, (value) => {
      const { words, hashes } = read(value);
      expect(words).toEqual(wordsOf(value));
      expect(hashes).toEqual(words.map((word) => hashText(word)));
      const pairs = read(value, { ngrams: 3, characters: 4 });
      expect(pairs.hashes).toEqual(pairs.words.map(hashOfWord));
    }),
  );
});

it('grows with the text', () => {
  const words = Array.from({ length: 5000 }, (_, i) => `w${i}`);
  expect(read(words.join(' ')).words).toEqual(words);
});

it('joins up to three neighbours, and takes words apart', () => {
  expect(read('a b c d', { ngrams: 3 }).words.slice(4)).toEqual(['a b', 'b c', 'c d', 'a b c', 'b c d']);
  expect(read('Été ab', { characters: 4 }).words).toEqual([
    'été',
    'ab',
    '*^ét',
    '*été',
    '*té$',
    '*^été',
    '*été$',
    '*^ab',
    '*ab$',
    '*^ab$',
  ]);
  expect(read('a', { ngrams: 3, characters: 5 }).words).toEqual(['a', '*^a$']);
});

it('cuts Chinese into words where it is asked to, and leaves other scripts as they were', () => {
  expect(read("我们喜欢机器学习，OK it's", { segmenter: true }).words).toEqual(
    expect.arrayContaining(['我们', '喜欢', '机器', '学习', 'ok', 'it', 's']),
  );
  const english = "It's a naïve café — 42 times";
  expect(segmentedWords(english)).toEqual(wordsOf(english));
});

it('cuts a text of a million characters in linear time, without losing one', () => {
  const text = '今天天气很好我们去公园散步'.repeat(8000);
  expect(segmentedWords(text).join('')).toBe(text);
});

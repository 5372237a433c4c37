import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hashText } from '../random.ts';
import { hashOfWord, Words, wordsOf } from './tokens.ts';

function read(text: string, bigrams = false): { words: string[]; hashes: number[] } {
  const reader = new Words();
  reader.read(text, bigrams);
  const hashes = [...reader.hashes.subarray(0, reader.count)];
  return { words: hashes.map((_, index) => reader.wordAt(index)), hashes };
}

it('finds words of any script, lower-cased', () => {
  expect(read("It's 3.14: ÉTÉ, naïve—ok").words).toEqual(['it', 's', '3', '14', 'été', 'naïve', 'ok']);
  expect(read('粒子 ab').words).toEqual(['粒', '子', 'ab']);
  expect(read('  ').words).toEqual([]);
  expect(read('a B c', true).words).toEqual(['a', 'b', 'c', 'a b', 'b c']);
});

it('hashes plain text as it hashes any other', () => {
  const text = fc.oneof(fc.string({ unit: 'binary-ascii', maxLength: 200 }), fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(text, (value) => {
      const { words, hashes } = read(value);
      expect(words).toEqual(wordsOf(value));
      expect(hashes).toEqual(words.map((word) => hashText(word)));
      const pairs = read(value, true);
      expect(pairs.hashes).toEqual(pairs.words.map(hashOfWord));
    }),
  );
});

it('grows with the text', () => {
  const words = Array.from({ length: 5000 }, (_, i) => `w${i}`);
  expect(read(words.join(' ')).words).toEqual(words);
});

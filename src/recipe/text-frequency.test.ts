import { expect, it } from 'vitest';
import { summarised } from '../../test/recipe-data.ts';
import { createParticle } from '../particle/create.ts';
import { checkLaws } from '../summary/laws.ts';
import { textFrequency } from './text-frequency.ts';
import { PLAIN_WORDS } from './tokens.ts';

const texts = (values: readonly (string | null)[]) =>
  createParticle({ columns: { s: values }, types: { s: 'text' } });
const options = { columns: [{ name: 's', tokens: PLAIN_WORDS }], least: 1, limit: 100 };

it('counts texts, not times, and reads the frequent words first', () => {
  const particles = [texts(['a b a', null, 'c']), texts(['b', 'B c', 'd'])];
  const [found] = summarised(textFrequency({ ...options, least: 2, limit: 2 }), particles);
  expect(found.texts).toBe(5);
  expect(found.words[0]).toBe('b');
  expect(found.counts).toEqual([3, 2]);
  expect(found.words[1]).toBe('c');
});

it('counts pairs of neighbours where asked', () => {
  const columns = [{ name: 's', tokens: { ...PLAIN_WORDS, ngrams: 2 } }];
  const [found] = summarised(textFrequency({ ...options, columns, least: 2 }), [
    texts(['not good', 'not good at all']),
  ]);
  expect([...found.words].sort()).toEqual(['good', 'not', 'not good']);
});

it('keeps the laws of summaries', () => {
  const inputs = [texts(['the cat', 'a dog and a cat', null]), texts(['été', 'the end']), texts(['x y z'])];
  expect(() =>
    checkLaws(textFrequency(options), { inputs, edges: [texts([]), texts([null, null])] }),
  ).not.toThrow();
});

it('passes over a column that is not there', () => {
  const [found] = summarised(textFrequency(options), [createParticle({ columns: { x: [1] } })]);
  expect(found).toEqual({ texts: 0, words: [], counts: [] });
});

import { expect, it } from 'vitest';
import { particleOf, textColumn } from '../../test/arbitrary-particle.ts';
import { lawful } from '../../test/lawful.ts';
import { partial } from './summary.ts';
import { texts } from './texts.ts';

const read = (values: (string | null)[]) =>
  texts().read(partial(texts(), particleOf({ t: textColumn(values) }))).t;

it('keeps the laws', () => {
  expect(() => lawful(texts(), 1e-9)).not.toThrow();
});

it('measures lengths and words', () => {
  const t = read(['one two', '', null, '  three\tfour  five\n', 'one two']);
  expect(t).toMatchObject({ present: 4, missing: 1, empty: 1, distinct: { estimate: 3, exact: true } });
  expect(t.length).toEqual({ mean: 8.25, min: 0, max: 19 });
  expect(t.words).toEqual({ mean: 1.75, min: 0, max: 3 });
});

it('measures bytes of binary columns', () => {
  const values = [new Uint8Array(3), new Uint8Array(5), new Uint8Array(3)];
  const t = texts().read(partial(texts(), particleOf({ t: { type: 'binary', values } }))).t;
  expect(t).toMatchObject({ present: 3, empty: 0, distinct: { estimate: 2 } });
  expect(t.length.max).toBe(5);
});

it('goes on past one block', () => {
  const t = read(Array.from({ length: 10_000 }, (_, i) => 'x'.repeat(i % 10)));
  expect(t).toMatchObject({ present: 10_000, empty: 1000, distinct: { estimate: 10, exact: true } });
  expect(t.length.mean).toBeCloseTo(4.5, 12);
});

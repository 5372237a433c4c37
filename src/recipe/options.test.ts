import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { checkOptions, describeOptions, ENCODINGS } from './options.ts';
import { TRANSFORMS } from './transforms/index.ts';

const page = readFileSync(new URL('../../docs/recipe.md', import.meta.url), 'utf8');

it('documents every option and encoding, and nothing else', () => {
  const options = describeOptions();
  expect(options.every(({ help }) => help.length > 20)).toBe(true);
  const rows = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  expect(rows).toEqual(options.map(({ name }) => name));
  for (const encoding of ENCODINGS) expect(page).toContain(`\`${encoding}\``);
});

it('has a transform for every encoding', () => {
  const served = new Set(TRANSFORMS.flatMap(({ encodings }) => encodings));
  expect(ENCODINGS.filter((encoding) => encoding !== 'ignore' && !served.has(encoding))).toEqual([]);
});

it('fills in defaults and refuses what it does not know', () => {
  expect(checkOptions()).toMatchObject({ numeric: 'auto', layout: 'auto', knots: 6, encode: {} });
  expect(() => checkOptions({ numeric: 'cubic' as 'auto' })).toThrow(/numeric/);
  expect(() => checkOptions({ numerics: 'auto' } as object)).toThrow(/numerics/);
});

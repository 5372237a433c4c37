import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SoraError } from '../errors.ts';
import { SUMMARIES, summaryNamed, summaryReference } from './catalog.ts';

describe('catalog', () => {
  it('agrees with the table of docs/summaries.md, both ways', () => {
    const page = readFileSync(new URL('../../docs/summaries.md', import.meta.url), 'utf8');
    const documented = [...page.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(documented.toSorted()).toEqual(Object.keys(SUMMARIES).toSorted());
  });

  it('gives a reference that a worker can call', () => {
    const { name, options } = summaryReference('moments', { columns: ['x'] });
    expect(name).toBe('summaryNamed');
    expect(summaryNamed(options).id).toBe(SUMMARIES.moments({ columns: ['x'] }).id);
  });

  it('names what there is when asked for something else', () => {
    expect(() => summaryNamed({ name: 'momnts', options: null })).toThrow(/no summary "momnts".*moments/);
    expect(() => summaryNamed({ name: 'constructor', options: null })).toThrow(SoraError);
  });

  it.each([
    ['histogram', null],
    ['targets', null],
    ['targets', { columns: [], label: { column: 'y' }, folds: 257, seed: 0 }],
    ['quantiles', { k: 2 }],
    ['counts', { cap: 0.5 }],
    ['sparse', { width: -1 }],
  ])('refuses %s with options %j', (name, options) => {
    expect(() => summaryNamed({ name, options })).toThrow(expect.objectContaining({ code: 'bad-option' }));
  });
});

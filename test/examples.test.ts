/** Every example runs and prints what it is about; the list in their README is complete. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT } from './cli.ts';

const EXPECTED: Record<string, RegExp> = {
  '01-create': /2 rows/,
  '02-process': /0\.693.*1\.098|0\.693[\s\S]*1\.386/,
  '03-weights': /0\.45/,
  '04-merge': /4 rows/,
  '05-fit': /coefficients: 1\.2147, 0\.5592[\s\S]*particle 3: 0\.1666, 0\.8903/,
  '06-extend': /\d/,
  '07-train': /Better than the baseline[\s\S]*with probability 0\.\d\d/,
  '08-own-loss':
    /share 0\.5: 2\.[01] hours for size 1, (9|10)\.\d for size 9\nshare 0\.9: 2\.[1-4] hours for size 1, 1[1-3]\.\d/,
  '09-online':
    /on a sunday: up, share 0\.9\d[\s\S]*the same bytes\naccuracy 0\.98\d, same as last 0\.663\n.*0\.98 0\.9/,
};

const names = readdirSync(join(ROOT, 'examples'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));

describe('examples', () => {
  it('are all listed', () => {
    const page = readFileSync(join(ROOT, 'examples', 'README.md'), 'utf8');
    expect(names.filter((name) => !page.includes(`[${name}](${name}.ts)`))).toEqual([]);
    expect(names.sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(Object.entries(EXPECTED))('%s', async (name, expected) => {
    const module = (await import(`../examples/${name}.ts`)) as { default: () => string | Promise<string> };
    expect(await module.default()).toMatch(expected);
  });
});

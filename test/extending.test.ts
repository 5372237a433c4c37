import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import example, { changes } from '../examples/06-extend.ts';
import { lawful } from './lawful.ts';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');

describe('docs/extending.md', () => {
  const page = read('docs/extending.md');
  const source = read('examples/06-extend.ts');

  it('shows the code of the example, word for word', () => {
    const blocks = [...page.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code);
    expect(blocks.length).toBeGreaterThanOrEqual(5);
    for (const block of blocks) expect(source).toContain(block);
  });

  it('shows what the example prints, the same for every cut', async () => {
    const printed = await example();
    expect(page).toContain(`\`\`\`\n${printed}\n\`\`\``);
    expect(new Set(printed.split('\n').map((line) => line.replace(/^\d+/, ''))).size).toBe(1);
  });

  it('names files that exist', () => {
    for (const [, path] of page.matchAll(/\]\((\.\.\/[^)#]+)\)/g))
      expect(() => read(`docs/${path}`)).not.toThrow();
  });
});

describe('the summary of the example', () => {
  it('keeps the laws on arbitrary particles', () => {
    expect(() => lawful(changes({ column: 'b' }))).not.toThrow();
  });
});

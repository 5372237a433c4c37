import { describe, expect, it } from 'vitest';
import type { SparseColumn } from '../particle/column.ts';
import { failureOf, fileWith, readWhole, scratchFolder } from './test-support.ts';

const folder = scratchFolder();
let files = 0;
const svm = (content: string, name = `t${files++}`) => fileWith(folder, name, content);

describe('libsvm', () => {
  it('is known by its looks; rows become one sparse column', async () => {
    const { rows, schema } = await readWhole(svm('+1 1:0.5 3:2 # first\n-1 2:1e-3\n\n-1 \n1 7:1\r\n'));
    expect(schema.fields).toEqual([
      { name: 'label', type: 'number', role: 'label' },
      { name: 'features', type: 'sparse', role: 'feature', width: 8 },
    ]);
    expect(rows).toEqual([
      { label: 1, features: { 1: 0.5, 3: 2 } },
      { label: -1, features: { 2: Math.fround(1e-3) } },
      { label: -1, features: {} },
      { label: 1, features: { 7: 1 } },
    ]);
  });

  it('query ids become a group', async () => {
    const { rows, roles } = await readWhole(svm('2 qid:1 1:1\n0 qid:1 2:1\n1 qid:2 1:1\n'));
    expect(roles).toEqual({ label: 'label', qid: 'group', features: 'feature' });
    expect(rows.map((row) => row.qid)).toEqual([1, 1, 2]);
  });

  it('unsorted indices are sorted', async () => {
    const { particles } = await readWhole(svm('1 5:5 2:2 9:9\n'));
    const column = particles[0].columns[1] as SparseColumn;
    expect([...column.indices]).toEqual([2, 5, 9]);
    expect([...column.values]).toEqual([2, 5, 9]);
  });

  it('the width is that of all files, and a given one holds', async () => {
    const files = [svm('1 3:1\n', 'a.svm'), svm('1 12:1\n0 1:1\n', 'b.svm')];
    const { schema, rows, particles } = await readWhole(files);
    expect(schema.fields[1].width).toBe(13);
    expect(rows).toHaveLength(3);
    expect(particles.every((particle) => (particle.columns[1] as SparseColumn).width === 13)).toBe(true);
    const narrow = { fields: [schema.fields[0], { ...schema.fields[1], width: 5 }] };
    const fixed = await readWhole(files, { schema: narrow });
    expect(fixed.rows.map((row) => row.features)).toEqual([{ 3: 1 }, {}, { 1: 1 }]);
  });

  it.each([
    ['x 1:1', ':2:1: column "label" holds "x", expected a number'],
    ['1 1;1', 'column "features" holds "1;1", expected index:value'],
    ['1 1:nan', 'column "features" holds "1:nan", expected index:value'],
    ['1 -1:1', 'holds "-1:1", expected index:value'],
    ['1 99999999999:1', 'holds "99999999999:1", expected index:value'],
    ['1 2:1 2:3', 'index 2 stands twice'],
    ['1 3:1 2:1 3:1', 'index 3 stands twice'],
    ['1 qid:x 1:1', 'holds "qid:x"'],
  ])('a bad line: %s', async (line, message) => {
    const path = svm(`1 1:1\n${line}\n1 1:2\n`, `bad${files++}.svm`);
    const error = await failureOf(readWhole(path));
    expect(error).toMatchObject({ code: 'bad-input', details: { line: 2 } });
    expect(error.message).toContain(message);
    const { rows, report } = await readWhole(path, { badRows: 'skip' });
    expect(rows.map((row) => (row.features as Record<string, number>)[1])).toEqual([1, 2]);
    expect(report.examples[0]).toMatchObject({ line: 2, raw: line });
  });
});

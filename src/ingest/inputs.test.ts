import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatOf } from './format.ts';
import { removeStale } from './temporary.ts';
import { failureOf, fileWith, readWhole, scratchFolder } from './test-support.ts';

const folder = scratchFolder();

describe('inputs', () => {
  fileWith(folder, 'many/b.csv', 'x,y\n3,c\n');
  fileWith(folder, 'many/a.csv', 'x,y\n1,a\n2,b\n');
  fileWith(folder, 'many/deep/c.ndjson', '{"y":"d","x":4}\n');
  fileWith(folder, 'many/_log.csv', 'nonsense\n');
  fileWith(folder, 'many/readme.md', '# no data');
  const expected = [
    { x: 1, y: 'a' },
    { x: 2, y: 'b' },
    { x: 3, y: 'c' },
    { x: 4, y: 'd' },
  ];

  it('a folder, in the order of names, formats mixed', async () => {
    expect((await readWhole(`${folder}/many`)).rows).toEqual(expected);
  });

  it('a glob, and several paths', async () => {
    expect((await readWhole(`${folder}/many/[ab].csv`)).rows).toHaveLength(3);
    const paths = [`${folder}/many/b.csv`, `${folder}/many/a.csv`];
    expect((await readWhole(paths)).rows.map((row) => row.x)).toEqual([3, 1, 2]);
  });

  it('a pipe', async () => {
    const pipe = join(folder, 'pipe');
    if (spawnSync('mkfifo', [pipe]).status !== 0) return;
    spawn('sh', ['-c', `cat '${folder}/many/a.csv' > '${pipe}'`]);
    expect((await readWhole(pipe)).rows).toEqual(expected.slice(0, 2));
  });

  it('types that cannot be', async () => {
    const libsvm = fileWith(folder, 'x.svm', '1 1:1\n');
    expect(await failureOf(readWhole(libsvm, { types: { features: 'number' } }))).toMatchObject({
      code: 'bad-option',
    });
    expect(await failureOf(readWhole(libsvm, { types: { label: 'timestamp' } }))).toMatchObject({
      code: 'bad-option',
    });
    expect((await readWhole(libsvm, { types: { label: 'category' } })).rows[0].label).toBe('1');
    const csv = `${folder}/many/a.csv`;
    expect(await failureOf(readWhole(csv, { types: { x: 'sparse' } }))).toMatchObject({ code: 'bad-option' });
  });

  it('columns go by their names, further ones are left out and told', async () => {
    const first = fileWith(folder, 'order/1.csv', 'x,y\n1,a\n');
    const second = fileWith(folder, 'order/2.csv', 'more,y,x\n9,b,2\n');
    const { rows, notes } = await readWhole([first, second]);
    expect(rows).toEqual([
      { x: 1, y: 'a' },
      { x: 2, y: 'b' },
    ]);
    expect(notes.join()).toContain('further columns are left out: more');
  });

  it('a column that a later file has not is an error', async () => {
    const first = fileWith(folder, 'lack/1.csv', 'x,label_y\n1,a\n');
    const second = fileWith(folder, 'lack/2.csv', 'x,labely\n1,a\n');
    expect(await failureOf(readWhole([first, second]))).toMatchObject({
      code: 'schema-mismatch',
      message: expect.stringContaining('Did you mean "labely"'),
    });
  });

  it.each([
    [[], 'bad-option', /Nothing to read/],
    ['nowhere.csv', 'not-found', /no such file or folder/],
    [`${folder}/many/aa.csv`, 'not-found', /Did you mean "a.csv"/],
    [`${folder}/none*.csv`, 'not-found', /no file matches/],
  ])('%s', async (input, code, message) => {
    const error = await failureOf(readWhole(input as string));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it('an empty folder and an empty file', async () => {
    fileWith(folder, 'empty/readme.md', '');
    expect(await failureOf(readWhole(`${folder}/empty`))).toMatchObject({ code: 'not-found' });
    expect(await failureOf(readWhole(fileWith(folder, 'empty.csv', '')))).toMatchObject({ code: 'bad-data' });
    expect(await failureOf(readWhole(fileWith(folder, 'empty.ndjson', ' \n')))).toMatchObject({
      code: 'bad-data',
    });
  });

  it('names in options that are no columns', async () => {
    const path = `${folder}/many/a.csv`;
    const error = await failureOf(readWhole(path, { target: 'Y ' }));
    expect(error).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('(--target). Did you mean'),
    });
    expect(await failureOf(readWhole(path, { types: { z: 'number' } }))).toMatchObject({ code: 'not-found' });
    expect(await failureOf(readWhole(path, { target: 'x', weight: 'x' }))).toMatchObject({
      code: 'bad-option',
    });
    expect(await failureOf(readWhole(path, { weight: 'y' }))).toMatchObject({ code: 'bad-option' });
  });
});

describe('roles', () => {
  const rows = Array.from({ length: 30 }, (_, i) => `${i + 1},u-${i},0.${i + 1},${i % 2}`).join('\n');
  const path = () => fileWith(folder, 'roles.csv', `Id,user_id,Exposure,claims\n${rows}\n`);

  it('row numbers and names of rows are ignored; exposure is found when there is a target', async () => {
    const { roles, notes } = await readWhole(path(), { target: 'claims' });
    expect(roles).toEqual({ Id: 'ignore', user_id: 'ignore', Exposure: 'exposure', claims: 'label' });
    expect(notes).toHaveLength(3);
    expect((await readWhole(path())).roles.Exposure).toBe('feature');
  });

  it('can be told', async () => {
    const { roles } = await readWhole(path(), {
      target: 'claims',
      key: 'Id',
      ignore: ['Exposure'],
      group: 'user_id',
    });
    expect(roles).toEqual({ Id: 'key', user_id: 'group', Exposure: 'ignore', claims: 'label' });
  });
});

describe('a given schema', () => {
  const schema = {
    fields: [
      { name: 'x', type: 'number', role: 'feature' },
      { name: 'c', type: 'category', role: 'feature' },
      { name: 'y', type: 'number', role: 'label' },
    ],
  } as const;

  it('holds for the types; the label may be absent, other columns are left out, kept ones are not', async () => {
    const path = fileWith(folder, 'fixed.csv', 'c,extra,x,k\n7,1,2,u\n8,1,3,v\n');
    const { rows, notes, roles } = await readWhole(path, { schema, keep: ['k'] });
    expect(rows).toEqual([
      { x: 2, c: '7', y: null, k: 'u' },
      { x: 3, c: '8', y: null, k: 'v' },
    ]);
    expect(roles.k).toBe('ignore');
    expect(notes.join()).toContain('left out: extra');
  });

  it('knows a header of names, and files without one', async () => {
    expect((await readWhole(fileWith(folder, 'h.csv', 'x,c,y\n'), { schema })).rows).toEqual([]);
    expect((await readWhole(fileWith(folder, 'n.csv', '1,a,2\n3,b,4\n'), { schema })).rows[1]).toEqual({
      x: 3,
      c: 'b',
      y: 4,
    });
    expect((await readWhole(fileWith(folder, 'l.csv', '1,a\n3,b\n'), { schema })).rows[1]).toEqual({
      x: 3,
      c: 'b',
      y: null,
    });
  });

  it('a value that does not fit is a bad row, a column that lacks an error', async () => {
    const path = fileWith(folder, 'misfit.csv', 'x,c\n1,a\nmany,b\n');
    expect((await failureOf(readWhole(path, { schema }))).message).toContain(':3:1: column "x" holds "many"');
    expect(await failureOf(readWhole(fileWith(folder, 'less.csv', 'x,d\n1,a\n'), { schema }))).toMatchObject({
      code: 'schema-mismatch',
    });
  });
});

describe('formats', () => {
  it.each([
    ['x.csv', '1 1:1\n', 'csv'],
    ['x', '1 1:1\n0 2:1\n', 'libsvm'],
    ['x.txt', '{"a":1}\n', 'json'],
    ['x', '[{"a":1}]', 'json'],
    ['x.data', 'a,b\n', 'csv'],
    ['x.tsv.gz', 'a\tb\n', 'csv'],
    ['x.csv', 'PAR1....', 'parquet'],
  ])('%s beginning with %j is %s', (name, head, format) => {
    expect(formatOf(name, Buffer.from(head))).toBe(format);
  });

  it.each([
    ['PK\u0003\u0004', /ZIP archive or Excel/],
    ['SQLite format 3\0', /SQLite/],
    ['\u0000\u0001\u0002', /binary data/],
  ])('%j cannot be read', (head, message) => {
    expect(() => formatOf('x', Buffer.from(head, 'latin1'))).toThrow(message);
  });
});

describe('temporary folders', () => {
  it('of processes that are gone are removed, others stay', () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const stale = fileWith(tmpdir(), `sora-ingest-${pid}-x/file`, 'x');
    const mine = fileWith(tmpdir(), `sora-ingest-${process.pid}-y/file`, 'x');
    removeStale();
    expect(existsSync(stale)).toBe(false);
    expect(existsSync(mine)).toBe(true);
    spawnSync('rm', ['-rf', join(tmpdir(), `sora-ingest-${process.pid}-y`)]);
  });

  it('of a stream go away when it is read', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith(`sora-ingest-${process.pid}-`));
    await readWhole(new Blob(['a,b\n1,2\n']).stream() as never);
    const after = readdirSync(tmpdir()).filter((name) => name.startsWith(`sora-ingest-${process.pid}-`));
    expect(after).toEqual(before);
  });
});

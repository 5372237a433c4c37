import {
  bool,
  columnFromArray,
  float32,
  int32,
  tableFromColumns,
  tableToIPC,
  timestamp,
  utf8,
} from '@uwdata/flechette';
import { describe, expect, it } from 'vitest';
import { failureOf, fileWith, readWhole, scratchFolder } from './test-support.ts';

const folder = scratchFolder();

function table(batches: number) {
  const size = 3;
  const options = { maxBatchRows: size };
  const rows = batches * size;
  const range = Array.from({ length: rows }, (_, i) => i);
  return tableFromColumns({
    i: columnFromArray(range, int32(), options),
    f: columnFromArray(
      range.map((i) => (i % 4 === 1 ? null : i / 2)),
      float32(),
      options,
    ),
    s: columnFromArray(
      range.map((i) => (i % 2 ? 'odd' : 'even')),
      undefined,
      options,
    ),
    u: columnFromArray(
      range.map((i) => `name ${i}`),
      utf8(),
      options,
    ),
    b: columnFromArray(
      range.map((i) => i % 3 === 0),
      bool(),
      options,
    ),
    t: columnFromArray(
      range.map((i) => new Date(Date.UTC(2020, 0, 1 + i))),
      timestamp(),
      options,
    ),
  });
}

describe('Arrow', () => {
  it.each(['stream', 'file'] as const)('%s, batch by batch', async (format) => {
    const bytes = tableToIPC(table(4), { format }) as Uint8Array;
    const { rows, types } = await readWhole(fileWith(folder, `x.${format}`, bytes));
    expect(types).toEqual({
      i: 'number',
      f: 'number',
      s: 'category',
      u: 'category',
      b: 'boolean',
      t: 'timestamp',
    });
    expect(rows).toHaveLength(12);
    expect(rows[5]).toEqual({ i: 5, f: null, s: 'odd', u: 'name 5', b: false, t: Date.UTC(2020, 0, 6) });
    expect(rows.map((row) => row.i)).toEqual(Array.from({ length: 12 }, (_, i) => i));
  });

  it('types can be told; values that do not fit are bad rows', async () => {
    const bytes = tableToIPC(table(2), { format: 'stream' }) as Uint8Array;
    const path = fileWith(folder, 'told.arrow', bytes);
    expect((await readWhole(path, { types: { i: 'category' } })).rows[2].i).toBe('2');
    const error = await failureOf(readWhole(path, { types: { u: 'number' } }));
    expect(error).toMatchObject({ code: 'bad-input', details: { row: 1, column: 'u', value: 'name 0' } });
  });

  it('damage is an error', async () => {
    const bytes = tableToIPC(table(4), { format: 'stream' }) as Uint8Array;
    const cut = fileWith(folder, 'cut.arrow', bytes.subarray(0, bytes.length - 200));
    expect(await failureOf(readWhole(cut))).toMatchObject({ code: 'bad-input' });
    const file = tableToIPC(table(4), { format: 'file' }) as Uint8Array;
    for (let size = 8; size < file.length; size += 56) {
      const part = fileWith(folder, 'part.arrow', file.subarray(0, size));
      const read = await readWhole(part).catch((error) => error);
      // Behind the last batch only the footer is missing, and no row.
      if (!('rows' in read)) expect(read).toMatchObject({ code: 'bad-input' });
      else expect(read.rows).toHaveLength(12);
    }
    const garbage = Buffer.from(bytes);
    garbage.fill(0x77, 100, 140);
    expect(await failureOf(readWhole(fileWith(folder, 'garbage.arrow', garbage)))).toMatchObject({
      code: 'bad-input',
    });
  });
});

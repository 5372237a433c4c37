import { describe, expect, it } from 'vitest';
import { Database } from './duckdb.ts';
import { failureOf, readWhole, scratchFolder } from './test-support.ts';

const folder = scratchFolder();

async function parquet(name: string, select: string): Promise<string> {
  const path = `${folder}/${name}.parquet`;
  const database = await Database.open();
  await database.run(`COPY (${select}) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 3000)`);
  database.close();
  return path;
}

describe('Parquet', () => {
  it('every type becomes one of ours', async () => {
    const path = await parquet(
      'types',
      `SELECT true AS b, 7::TINYINT AS i8, 70000::BIGINT AS i64, 18446744073709551615::UBIGINT AS u64, 12.34::DECIMAL(18,2) AS d,
        1.5::FLOAT AS f, 'x' AS s, 'y'::ENUM('y','z') AS e, DATE '2020-01-02' AS day, TIMESTAMP '2020-01-02 03:04:05.678' AS ts,
        TIMESTAMPTZ '2020-01-02 03:04:05+02' AS tz, TIME '01:00:00' AS clock, '\\xAA'::BLOB AS bin, NULL::INTEGER AS nothing,
        {'lat': 1.5, 'place': {'name': 'Oslo'}} AS geo, [1,2] AS list, 'NaN'::DOUBLE AS nan, uuid() AS id5`,
    );
    const { rows, types, notes } = await readWhole(path);
    expect(types).toEqual({
      b: 'boolean',
      i8: 'number',
      i64: 'number',
      u64: 'number',
      d: 'number',
      f: 'number',
      s: 'category',
      e: 'category',
      day: 'timestamp',
      ts: 'timestamp',
      tz: 'timestamp',
      clock: 'number',
      bin: 'binary',
      nothing: 'number',
      'geo.lat': 'number',
      'geo.place.name': 'category',
      nan: 'number',
      id5: 'category',
    });
    expect(rows[0]).toMatchObject({
      b: true,
      i8: 7,
      i64: 70000,
      u64: 2 ** 64,
      d: Math.fround(12.34),
      f: 1.5,
      s: 'x',
      e: 'y',
      day: Date.UTC(2020, 0, 2),
      ts: Date.UTC(2020, 0, 2, 3, 4, 5, 678),
      tz: Date.UTC(2020, 0, 2, 1, 4, 5),
      clock: 3600,
      nothing: null,
      'geo.lat': 1.5,
      'geo.place.name': 'Oslo',
      nan: null,
    });
    expect([...(rows[0].bin as Uint8Array)]).toEqual([0xaa]);
    expect(notes.join('\n')).toMatch(/list: left out/);
    expect(notes.join('\n')).toMatch(/u64: integers beyond 2\^53 are rounded/);
  });

  it('rows stay in order over many row groups', async () => {
    const path = await parquet('order', 'SELECT range AS n FROM range(50000)');
    const { rows } = await readWhole(path);
    expect(rows.map((row) => row.n)).toEqual(Array.from({ length: 50_000 }, (_, i) => i));
  });

  it('long strings are categories as short ones are', async () => {
    const path = await parquet(
      'long',
      "SELECT 'a rather long category, number ' || (range % 3) AS s, range % 2 AS x FROM range(9000)",
    );
    const { rows, particles } = await readWhole(path);
    expect(rows[7].s).toBe('a rather long category, number 1');
    expect(particles[0].columns[0]).toMatchObject({
      dictionary: [0, 1, 2].map((k) => `a rather long category, number ${k}`),
    });
  });

  it('types can be told; values that do not fit are bad rows', async () => {
    const path = await parquet(
      'told',
      "SELECT CASE WHEN range = 5000 THEN 'oops' WHEN range = 7 THEN 'NA' ELSE range::VARCHAR END AS s, range::DOUBLE AS d FROM range(8000)",
    );
    const error = await failureOf(readWhole(path, { types: { s: 'number', d: 'category' } }));
    expect(error).toMatchObject({ code: 'bad-input', details: { row: 5001, column: 's', value: 'oops' } });
    const { rows, report } = await readWhole(path, {
      types: { s: 'number', d: 'category' },
      badRows: 'skip',
    });
    expect(rows).toHaveLength(7999);
    expect(report.badRows).toBe(1);
    expect(rows[7]).toEqual({ s: null, d: '7' });
    expect(rows[5000]).toEqual({ s: 5001, d: '5001' });
  });

  it('keys of 64 bits stay exact', async () => {
    const path = await parquet('keys', 'SELECT 9007199254740993 + range AS k, range AS x FROM range(3)');
    const { rows, types } = await readWhole(path, { key: 'k' });
    expect(types.k).toBe('category');
    expect(rows[0].k).toBe('9007199254740993');
  });

  it('a damaged file is an error', async () => {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(`${folder}/bad.parquet`, Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(100, 7)]));
    expect(await failureOf(readWhole(`${folder}/bad.parquet`))).toMatchObject({ code: 'bad-input' });
  });
});

describe('SQL', () => {
  it('reads a query over files', async () => {
    const path = await parquet('query', 'SELECT range AS n, range % 3 AS g FROM range(100)');
    const sql = `SELECT g, sum(n) AS total FROM '${path}' GROUP BY g ORDER BY g; `;
    const expected = [
      { g: 0, total: 1683 },
      { g: 1, total: 1617 },
      { g: 2, total: 1650 },
    ];
    expect((await readWhole(undefined, { sql })).rows).toEqual(expected);
    expect((await readWhole(`sql:${sql}`)).rows).toEqual(expected);
  });

  it('keeps the order of rows, of heavy queries too', async () => {
    const path = await parquet(
      'sorted',
      "SELECT (range * 7919) % 60000 AS n, 'value ' || range AS s FROM range(60000)",
    );
    const heavy = await readWhole(`sql:SELECT n, s, sum(n) OVER () AS total FROM '${path}' ORDER BY n DESC`);
    expect(heavy.rows.map((row) => row.n)).toEqual(Array.from({ length: 60_000 }, (_, i) => 59_999 - i));
    const light = await readWhole(`sql:SELECT upper(s) AS s, n FROM '${path}' WHERE n % 2 = 0`);
    expect(light.rows.map((row) => row.n)).toEqual(
      Array.from({ length: 60_000 }, (_, i) => (i * 7919) % 60_000).filter((n) => n % 2 === 0),
    );
  });

  it('columns of one name are told apart', async () => {
    const { rows } = await readWhole('sql:SELECT 1 AS a, 2 AS a, 3 AS b');
    expect(Object.values(rows[0])).toEqual([1, 2, 3]);
  });

  it('an error of the query is told', async () => {
    expect(await failureOf(readWhole('sql:SELECT nonsense FROM nowhere'))).toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('nowhere'),
    });
  });

  it('an error after the first rows is no end of the data', async () => {
    const sql =
      "SELECT CASE WHEN range = 100000 THEN error('boom at 100000') ELSE range END AS n FROM range(200000)";
    const error = await failureOf(readWhole(`sql:${sql}`));
    expect(error).toMatchObject({ code: 'bad-input', message: expect.stringContaining('boom at 100000') });
  });
});

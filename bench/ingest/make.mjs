/**
 * The input of the ingest benchmark: CSV of 28 columns, 20 fractional numbers, 3 integers, 4 categories of 4 to 1000
 * values (one with missing ones), a label of 0 and 1. Values are hashes of row and column, so the file is the same on
 * every machine; DuckDB writes it, because it is fast at that.
 * Usage: node bench/ingest/make.mjs ROWS FILE
 */
import { existsSync, renameSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

const [rows, file] = [Number(process.argv[2]), process.argv[3]];

/** Uniform in [0, 1), of row i and a column number. */
const uniform = (column) => `((hash(i * 64 + ${column} + 7919) >> 11)::DOUBLE / 9007199254740992.0)`;
const whole = (column, limit) => `(hash(i * 64 + ${column}) % ${limit})::INTEGER`;
const WORDS = [
  'alpha',
  'beta',
  'gamma',
  'delta',
  'epsilon',
  'zeta',
  'eta',
  'theta',
  'iota',
  'kappa',
  'lambda',
  'mu',
];

function columns() {
  const scales = [1, 10, 100, 3.5];
  const words = `[${WORDS.map((word) => `'${word}'`).join(', ')}]`;
  return [
    ...Array.from(
      { length: 20 },
      (_, k) => `round((${uniform(k)} + ${uniform(k + 32)} - 1) * ${scales[k % 4]}, 6) AS d${k}`,
    ),
    ...[100, 20_000, 3_000_000].map((limit, k) => `${whole(20 + k, limit)} AS n${k}`),
    `${words}[1 + ${whole(40, 12)}] AS c0`,
    `${words}[1 + ${whole(41, 4)}] AS c1`,
    `'city ' || ${whole(42, 1000)} AS c2`,
    `CASE WHEN ${whole(43, 50)} = 0 THEN NULL ELSE 'g' || ${whole(44, 50)} END AS c3`,
    `(d0 + d1 / 10 + ${uniform(45)} > 0.5)::INTEGER AS label`,
  ];
}

if (!existsSync(file)) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const select = `SELECT ${columns().join(', ')} FROM range(${rows}) t(i)`;
  await connection.run(`COPY (${select}) TO '${file}.part' (FORMAT csv, HEADER)`);
  renameSync(`${file}.part`, file);
}
console.log(JSON.stringify({ rows, file }));

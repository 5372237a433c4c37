/**
 * The sources that follow.mjs follows, each filled with the same rows: NDJSON for standard input, a table of a PostgreSQL and a
 * stream of a Redis that are started for it (test/servers.ts) and removed afterwards.
 */
import {
  closeSync,
  createReadStream,
  existsSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { FOLDER } from '../common.mjs';

const COLUMNS = ['id', 'at', 'a', 'b', 'c', 'd', 'e', 'f', 'kind', 'label'];
/** Lines written, and commands sent, at once. */
const AT_ONCE = 10_000;

/** Numbers in [0, 1), the same in each run. */
function uniform() {
  let state = 12345;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The rows as a file of NDJSON, which is kept. */
export function writeInput(rows) {
  const path = join(FOLDER, `follow-${rows}.ndjson`);
  if (existsSync(path)) return path;
  const next = uniform();
  const file = openSync(path, 'w');
  for (let from = 0; from < rows; from += AT_ONCE) {
    const lines = [];
    for (let id = from; id < Math.min(rows, from + AT_ONCE); id++) {
      const [a, b, c, d, e, f] = Array.from({ length: 6 }, next);
      const kind = 'abcdefgh'[Math.floor(8 * next())];
      const label = a + b - c + (kind === 'a' ? 0.5 : 0) + 0.3 * (next() - 0.5) > 0.5 ? 'up' : 'down';
      lines.push(
        JSON.stringify({ id, at: 1.6e12 + 1000 * id, a, b, c, d: Math.round(100 * d), e, f, kind, label }),
      );
    }
    writeSync(file, `${lines.join('\n')}\n`);
  }
  closeSync(file);
  return path;
}

/** Rows of the file, so many at once. */
async function* rowsOf(path) {
  let some = [];
  for await (const line of createInterface({ input: createReadStream(path) })) {
    some.push(JSON.parse(line));
    if (some.length < AT_ONCE) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

/** The servers of the tests, whose module is TypeScript. */
async function servers() {
  const source = readFileSync(fileURLToPath(new URL('../../test/servers.ts', import.meta.url)), 'utf8');
  const { outputText } = ts.transpileModule(source, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  const path = join(FOLDER, 'servers.mjs');
  writeFileSync(path, outputText);
  return import(pathToFileURL(path).href);
}

async function postgres(path) {
  const { noPostgres, startPostgres } = await servers();
  if (noPostgres !== undefined) return { missing: noPostgres };
  const server = await startPostgres();
  const { default: pg } = await import('pg');
  const client = new pg.Client(`${server.url}/postgres`);
  await client.connect();
  await client.query(
    'create table events (id bigint primary key, at bigint, a float8, b float8, c float8, d int, e float8, f float8, kind text, label text)',
  );
  for await (const rows of rowsOf(path)) {
    await client.query('insert into events select * from json_populate_recordset(null::events, $1)', [
      JSON.stringify(rows),
    ]);
  }
  await client.query('vacuum analyze events');
  await client.end();
  return { address: `${server.url}/postgres?table=events&cursor=id`, remove: () => server.remove() };
}

async function redis(path) {
  const { noRedis, PASSWORD, startRedis } = await servers();
  if (noRedis !== undefined) return { missing: noRedis };
  const server = await startRedis();
  const { Redis } = await import('ioredis');
  const client = new Redis({ host: '127.0.0.1', port: server.port, password: PASSWORD });
  for await (const rows of rowsOf(path)) {
    const pipeline = client.pipeline();
    for (const row of rows) {
      pipeline.call('XADD', 'events', '*', ...COLUMNS.flatMap((name) => [name, String(row[name])]));
    }
    await pipeline.exec();
  }
  client.disconnect();
  return { address: `${server.url}/0?stream=events`, remove: () => server.remove() };
}

/** Sources by name: filled from the file, with their address, or why they cannot be had. */
export const SOURCES = {
  stdin: async () => ({ address: '-', remove: () => {} }),
  postgres,
  redis,
};

/** A column of opaque bytes, the whole way: a file with a BLOB trains with no option, and files and objects predict. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { binary, bool, columnFromArray, tableFromColumns, tableToIPC } from '@uwdata/flechette';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel, predict, train } from '../src/index.ts';
import { randomUniform } from '../src/random.ts';
import { sora, temporaryFolder } from './cli.ts';

const ROWS = 2000;
const folder = temporaryFolder();
const arrow = join(folder, 'blobs.arrow');
const parquet = join(folder, 'blobs.parquet');

/** Plain text or noise, as the label says; every eleventh missing. */
function blob(row: number): Uint8Array | null {
  if (row % 11 === 0) return null;
  const [first, count] = isNoise(row) ? [0, 256] : [97, 26];
  return Uint8Array.from(
    { length: 8 + (row % 40) },
    (_, i) => first + Math.floor(randomUniform(5, row, i) * count),
  );
}
const isNoise = (row: number) => randomUniform(6, row, 0) < 0.5;

beforeAll(async () => {
  const range = Array.from({ length: ROWS }, (_, row) => row);
  const table = tableFromColumns({
    blob: columnFromArray(range.map(blob), binary()),
    noise: columnFromArray(range.map(isNoise), bool()),
  });
  writeFileSync(arrow, tableToIPC(table, { format: 'file' }) as Uint8Array);
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  const values = range.map((row) => {
    const bytes = blob(row);
    return `(${bytes === null ? 'NULL' : `unhex('${Buffer.from(bytes).toString('hex')}')`}, ${isNoise(row)})`;
  });
  await connection.run(
    `COPY (SELECT * FROM (VALUES ${values.join(', ')}) AS t(blob, noise)) TO '${parquet}' (FORMAT parquet)`,
  );
  connection.closeSync();
  database.closeSync();
});

describe.each([
  ['Arrow', arrow],
  ['Parquet', parquet],
])('%s', (name, path) => {
  it('trains and predicts', async () => {
    const out = join(folder, name);
    const trained = await train(path, { target: 'noise', store: join(folder, `${name}.sora`), out });
    const auc = trained.evaluation?.metrics.find((metric) => metric.name === 'auc');
    expect(auc?.value).toBeGreaterThan(0.95);
    const report = readFileSync(join(out, 'report.html'), 'utf8');
    expect(report).toContain('bits of entropy a byte');

    const predictions = join(folder, `${name}.ndjson`);
    await predict(out, path, { out: predictions });
    const lines = readFileSync(predictions, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(ROWS);

    const model = await loadModel(out);
    const rows = [1, 2, 3, 11].map((row) => ({ blob: blob(row) }));
    const answers = model.predict(rows);
    const buffers = rows.map(({ blob }) => ({ blob: blob && Buffer.from(blob) }));
    expect(model.predict(buffers)).toEqual(answers);
    const fromFile = [1, 2, 3, 11].map((row) => JSON.parse(lines[row]));
    expect(fromFile.map(({ prediction }) => prediction)).toEqual(answers.map(({ label }) => label));
    expect(() => model.predict([{ blob: 5 }])).toThrow(/row 1.*"blob".*5.*bytes/);
  });
});

it('gives the same model from both', () => {
  const parameters = ['Arrow', 'Parquet'].map((name) => {
    const file = join(folder, name, 'parameters.safetensors');
    expect(existsSync(file)).toBe(true);
    return readFileSync(file);
  });
  expect(parameters[0]).toEqual(parameters[1]);
});

it('is shown by inspect', async () => {
  const { stdout, code } = await sora(['inspect', parquet], { cwd: folder });
  expect(code).toBe(0);
  expect(stdout).toMatch(/blob +binary +feature +9\.1 % +\d+ B on average, \d\.\d+ bits of entropy a byte/);
  const summary = await sora(['inspect', arrow, '--summary', 'bytes', '--json'], { cwd: folder });
  expect(JSON.parse(summary.stdout).summary.value.blob.present).toBe(ROWS - Math.ceil(ROWS / 11));
});

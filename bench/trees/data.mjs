/**
 * Data sets of the tree benchmark, prepared once into the folder of inputs: the matrix of prepare.py, for the peers, and
 * a store of the same numbers, for Sora. Rounds are so many that a run of all contestants stays within a minute.
 */
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../dist/store/store.js';
import { DATA, FOLDER, PYTHON, runJson } from '../common.mjs';
import { makeDense } from '../linear/make.mjs';

/** Name → rounds and the file of DATA that is needed, if one is. */
export const SETS = {
  dense: { rounds: 50 },
  covertype: { rounds: 10, file: 'covertype_92k/covertype_ramp_test.csv.gz' },
  kdd99: { rounds: 10, file: 'kdd99/kddcup.data_10_percent.gz' },
  fremtpl2: { rounds: 50, file: 'freMTPL2/freMTPL2freq.derived.csv.gz' },
  tennis: { rounds: 50, file: 'tennis_matches/atp_matches_all.concat.csv.gz' },
};

const PARTICLE_ROWS = 25_000;

/** Paths and shape of a set, made where they are not there; undefined where its file is not. */
export async function prepareSet(name) {
  const { file } = SETS[name];
  if (file !== undefined && !existsSync(join(DATA, file))) return undefined;
  const path = join(FOLDER, `trees-${name}`);
  if (!existsSync(`${path}.json`)) {
    const script = fileURLToPath(new URL('prepare.py', import.meta.url));
    const more = name === 'dense' ? [await makeDense(FOLDER)] : [];
    await runJson(PYTHON, [script, name, DATA, path, ...more]);
  }
  const shape = JSON.parse(readFileSync(`${path}.json`, 'utf8'));
  if (!existsSync(`${path}.sora`)) {
    await writeStore(path, shape);
    // The profile of the columns is a part of the ingest: a first run leaves it in the store.
    await runJson(process.execPath, [
      fileURLToPath(new URL('sora.mjs', import.meta.url)),
      `${path}.sora`,
      2,
      2,
      2,
    ]);
  }
  return { path, store: `${path}.sora`, ...shape };
}

/** A store of the matrix; classes become categories, so that a whole number is not taken for an amount. */
async function writeStore(path, { rows, features, task, classes }) {
  const read = (file, Type) => new Type(new Uint8Array(readFileSync(file)).buffer);
  const x = read(`${path}.x.f32`, Float32Array);
  const y = read(`${path}.y.f64`, Float64Array);
  const e = existsSync(`${path}.e.f64`) ? read(`${path}.e.f64`, Float64Array) : undefined;
  const fields = Array.from({ length: features }, (_, f) => ({
    name: `x${f}`,
    type: 'number',
    role: 'feature',
  }));
  fields.push({ name: 'y', type: task === 'multiclass' ? 'category' : 'number', role: 'label' });
  if (e) fields.push({ name: 'exposure', type: 'number', role: 'exposure' });
  const dictionary = Array.from({ length: classes }, (_, k) => `class ${k}`);
  const part = `${path}.part`;
  rmSync(part, { recursive: true, force: true });
  const store = await openStore(part, { create: true });
  const add = [];
  for (let start = 0; start < rows; start += PARTICLE_ROWS) {
    const end = Math.min(rows, start + PARTICLE_ROWS);
    const columns = Array.from({ length: features }, (_, f) => numbers(x, start, end, features, f));
    const labels = y.slice(start, end);
    columns.push(
      task === 'multiclass'
        ? { type: 'category', codes: Int32Array.from(labels), dictionary }
        : { type: 'number', values: labels },
    );
    if (e) columns.push({ type: 'number', values: e.slice(start, end) });
    add.push(await store.putParticle({ schema: { fields }, rows: end - start, columns }));
  }
  await store.commit({ schema: { fields }, add, why: 'benchmark' });
  store.close();
  renameSync(part, `${path}.sora`);
}

/** One column of rows start … end; NaN is missing. */
function numbers(x, start, end, features, f) {
  const values = new Float32Array(end - start);
  const validity = new Uint8Array((values.length + 7) >> 3);
  let missing = 0;
  for (let r = 0; r < values.length; r++) {
    const value = x[(start + r) * features + f];
    if (Number.isNaN(value)) missing++;
    else {
      values[r] = value;
      validity[r >> 3] |= 1 << (r & 7);
    }
  }
  return { type: 'number', values, ...(missing > 0 ? { validity } : {}) };
}

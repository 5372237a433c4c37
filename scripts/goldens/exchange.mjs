/**
 * Exports of models, for LightGBM and onnxruntime to predict with: the models of src/model/exchange/fixtures (imported) and
 * the one of src/model/fixtures/v2, as text and ONNX, and the features of some rows, as JSON.
 *
 *     npm run build && node scripts/goldens/exchange.mjs && python scripts/goldens/exchange.py export
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { exportedModel } from '../../dist/model/exchange/exported.js';
import { importText } from '../../dist/model/exchange/import.js';
import { importedModel } from '../../dist/model/exchange/model.js';
import { lightgbmText } from '../../dist/model/exchange/to-lightgbm.js';
import { onnxBytes } from '../../dist/model/exchange/to-onnx.js';
import { loadModel } from '../../dist/model/files.js';
import { createParticle } from '../../dist/particle/create.js';
import { applyRecipe } from '../../dist/recipe/apply.js';

const folder = new URL('../../src/model/exchange/fixtures/', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('imports.json', folder), 'utf8'));
const NAMES = [
  'lightgbm-binary-categories',
  'lightgbm-poisson',
  'lightgbm-regression',
  'xgboost-binary-categories',
  'xgboost-multiclass',
];

/** The rows of a golden as the columns of the model. */
function particleOf({ schema }, columns) {
  const types = Object.fromEntries(schema.fields.map(({ name, type }) => [name, type]));
  const cell = (value, type) =>
    value === null
      ? null
      : type === 'category'
        ? String(value)
        : Number(String(value).replace('inf', 'Infinity'));
  return createParticle({
    columns: Object.fromEntries(
      Object.entries(columns).map(([name, list]) => [name, list.map((v) => cell(v, types[name]))]),
    ),
    types: Object.fromEntries(Object.keys(columns).map((name) => [name, types[name]])),
  });
}

function rowsOf({ values, rows, features, stride }) {
  const cell = (x) => (Number.isNaN(x) ? null : x);
  return Array.from({ length: rows }, (_, r) =>
    Array.from({ length: features }, (_, f) => cell(values[f * stride + r])),
  );
}

mkdirSync(new URL('exports/', folder), { recursive: true });
const made = {};
function write(name, model, particle) {
  const exported = exportedModel(model, name);
  writeFileSync(new URL(`exports/${name}.txt`, folder), lightgbmText(exported));
  writeFileSync(new URL(`exports/${name}.onnx`, folder), onnxBytes(exported, '0.0.0'));
  made[name] = { rows: rowsOf(applyRecipe(model.recipe, particle).view) };
}

for (const name of NAMES) {
  const { file, columns } = cases[name];
  const imported = importText(readFileSync(new URL(file, folder), 'utf8'), file);
  const model = importedModel(imported, { target: 'y' }, '0.0.0', file);
  write(name, model, particleOf(model, columns));
}
const trained = await loadModel(new URL('../../src/model/fixtures/v2', import.meta.url).pathname);
const columns = { age: [], city: [], member: [] };
for (let row = 0; row < 60; row++) {
  columns.age.push(row % 7 === 0 ? null : 15 + row);
  columns.city.push(row % 11 === 0 ? null : ['Rome', 'Oslo', 'Atlantis', 'Lima', 'Paris'][row % 5]);
  columns.member.push(row % 5 === 1 ? null : row % 2 === 0);
}
const types = { age: 'number', city: 'category', member: 'boolean' };
write('sora-binary', trained, createParticle({ columns, types }));
writeFileSync(new URL('exports/rows.json', folder), `${JSON.stringify(made)}\n`);

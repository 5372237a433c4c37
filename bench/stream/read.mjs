/** Real streams as particles: an entry of src/fit/online/fixtures/settings.json in, its rows in their order out. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { createParticle } from '../../dist/index.js';
import { DATA } from '../common.mjs';

/** Columns that are not numbers are categories. Throws where the file is not there. */
export function readStream({ file, target, columns, delimiter = ',', above }) {
  const path = [join(DATA, file), join(DATA, file).replace(/\.gz$/, '')].find(existsSync);
  if (path === undefined) throw new Error(`There is no ${file} in ${DATA}; SORA_DATA names the folder.`);
  const bytes = readFileSync(path);
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().replaceAll('"', '');
  const [names, ...all] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(delimiter));
  const chosen = columns ?? names.filter((name) => name !== target);
  const asked = [...chosen, target].map((name) => names.indexOf(name));
  const cells = above === undefined ? all : all.filter((row) => asked.every((at) => row[at] !== ''));
  const valuesOf = (name) => {
    const texts = cells.map((row) => row[names.indexOf(name)]);
    const numbers = texts.map(Number);
    if (numbers.some(Number.isNaN)) return texts;
    return name === target && above !== undefined ? numbers.map((x) => (x > above ? 1 : 0)) : numbers;
  };
  const values = Object.fromEntries([...chosen, target].map((name) => [name, valuesOf(name)]));
  const isNumber = (name) => typeof values[name][0] === 'number';
  return {
    features: Object.fromEntries(chosen.map((name) => [name, isNumber(name) ? 'number' : 'category'])),
    particle: createParticle({ columns: values, roles: { [target]: 'label' } }),
    classes: isNumber(target) ? [0, 1] : ['no', 'yes'],
  };
}

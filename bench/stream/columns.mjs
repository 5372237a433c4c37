/** Real streams by column, for benchmarks and tests: an entry of src/fit/online/fixtures/settings.json and its file in. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/**
 * Values by column and kinds of features, rows in the order of the file; columns that are not numbers are categories.
 * With `above`, classes are whether the target is above it, and rows without a value asked for are left out.
 */
export function streamColumns(path, { target, columns, delimiter = ',', above }) {
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
    columns: values,
    roles: { [target]: 'label' },
    features: Object.fromEntries(chosen.map((name) => [name, isNumber(name) ? 'number' : 'category'])),
    classes: isNumber(target) ? [0, 1] : ['no', 'yes'],
  };
}

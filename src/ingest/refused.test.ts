/** Files that are read but are no table: said at once, with what to do. */
import { expect, it } from 'vitest';
import { ProgressMeter, type ReadProgress } from './progress.ts';
import { failureOf, fileWith, readWhole, scratchFolder } from './test-support.ts';

const folder = scratchFolder();

it.each([
  [
    'an object of lists',
    '{\n "train": [["a", "x"]],\n "test": []\n}',
    /nothing but lists \(train, test\).*NDJSON/,
  ],
  ['the same on one line', '{"train": [1, 2]}', /nothing but lists \(train\)/],
  ['a list of numbers', '[1, 2, 3]', /no JSON object/],
  ['an object cut short', '{"a": [1, 2', /no JSON object/],
])('JSON: %s', async (name, content, message) => {
  const error = await failureOf(readWhole(fileWith(folder, `${name}.json`, content)));
  expect(error).toMatchObject({ code: 'bad-data' });
  expect(error.message).toMatch(message);
});

it('delimited text of too many columns', async () => {
  const names = Array.from({ length: 10_001 }, (_, i) => `c${i}`);
  const content = `${names.join(',')}\n${names.map(() => 1).join(',')}\n`;
  const error = await failureOf(readWhole(fileWith(folder, 'wide.csv', content)));
  expect(error).toMatchObject({ code: 'bad-data' });
  expect(error.message).toMatch(/10,001 columns.*10,000.*libsvm/);
});

it('tells no bytes of a source whose share is not known', async () => {
  const told: ReadProgress[] = [];
  const meter = new ProgressMeter([1000, 1000], (progress) => told.push(progress));
  const add = async (rows: number) => {
    await new Promise((resolve) => setTimeout(resolve, 120));
    meter.add(rows);
  };
  await add(10);
  meter.share(0.5);
  await add(10);
  meter.end(20);
  expect(told.map(({ rows, bytesRead }) => [rows, bytesRead])).toEqual([
    [10, undefined],
    [20, 500],
    [20, 2000],
  ]);
});

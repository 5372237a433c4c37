import { expect, it } from 'vitest';
import { guessTexts } from './guess.ts';
import { inferSchema } from './schema.ts';

const rising = Array.from({ length: 40 }, (_, i) => String(3 * i + 1));
const shuffled = rising.map((_, i) => rising[(i * 7) % 40]);

const roleOf = (name: string, values: readonly string[]) =>
  inferSchema([{ name, guess: guessTexts(values) }], {}).schema.fields[0].role;

it.each([
  'id',
  'ID',
  'IDpol',
  'id_client',
  'idUser',
  'PassengerId',
  'policyID',
  'user id',
  'index',
  'rownames',
])('rising whole numbers called %s number the rows', (name) => {
  expect(roleOf(name, rising)).toBe('ignore');
  expect(roleOf(name, shuffled)).toBe('feature');
});

it.each(['idle', 'identity', 'age'])('%s is a feature', (name) => {
  expect(roleOf(name, rising)).toBe('feature');
});

/**
 * Fuzzed input: a table or an error that says where, never a crash, another error or a hang.
 * Cases come from a seeded generator: well-formed text of every dialect, then cut, joined and scrambled.
 * SORA_FUZZ_CASES sets how many (default 10,000), SORA_FUZZ_SEED another stream of them; a failure names its case.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SoraError } from '../src/errors.ts';
import { Database } from '../src/ingest/duckdb.ts';
import { type ReadSettings, readTable } from '../src/ingest/table.ts';
import { randomWord } from '../src/random.ts';

const CASES = Number(process.env.SORA_FUZZ_CASES ?? 10_000);
const SEED = Number(process.env.SORA_FUZZ_SEED ?? 1);
/** A case that takes longer hangs. */
const LIMIT_MS = 20_000;

/** Draws of one case. */
class Draw {
  readonly #case: number;
  #next = 0;

  constructor(number: number) {
    this.#case = number;
  }

  /** Integer in [0, limit). */
  below(limit: number): number {
    return randomWord(SEED, this.#case, this.#next++) % limit;
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

const STRINGS = [
  '',
  'a',
  'b c',
  'Zürich',
  '日本',
  'x,y',
  'tab\there',
  "it's",
  '"quoted"',
  'line\nbreak',
  'NA',
  '?',
  'true',
  '\\',
  ';',
  '|',
  '#',
  '0x1f',
  '\ufeff',
];
const NUMBERS = [
  '0',
  '1',
  '-1',
  '3.25',
  '1e10',
  '-2.5E-3',
  '1e400',
  'NaN',
  'inf',
  '',
  'NA',
  '00123',
  '9007199254740993',
  '.5',
  '1.',
];
const DATES = ['2020-01-02', '2021-12-31T23:59:59Z', '1999-02-28 01:02:03.004', '', '0001-01-01'];

/** Values of a column of a random kind. */
function column(draw: Draw, rows: number): string[] {
  const pool = draw.one([STRINGS, NUMBERS, NUMBERS, DATES, ['true', 'false', ''], ['a', 'b']]);
  return Array.from({ length: rows }, () => draw.one(pool));
}

interface Case {
  readonly text: string;
  readonly rows: number;
  readonly settings: ReadSettings;
}

function csvCase(draw: Draw): Case {
  const width = 1 + draw.below(5);
  const rows = draw.below(40);
  const delimiter = draw.one([',', '\t', ';', '|']);
  const newline = draw.one(['\n', '\n', '\r\n', '\r']);
  const names = Array.from({ length: width }, (_, i) => draw.one([`c${i}`, `Name ${i}`, 'same', `"${i}"`]));
  const columns = names.map(() => column(draw, rows));
  // One column of nothing would make blank lines, which are no rows.
  const quoteAll = width === 1 || draw.chance(20);
  const write = (value: string) =>
    quoteAll || /["\r\n]/.test(value) || value.includes(delimiter)
      ? `"${value.replaceAll('"', '""')}"`
      : value;
  const body = Array.from({ length: rows }, (_, row) =>
    columns.map((values) => write(values[row])).join(delimiter),
  );
  const text = `${[names.map(write).join(delimiter), ...body].join(newline)}${draw.chance(80) ? newline : ''}`;
  return { text, rows, settings: { delimiter, quote: '"', header: true, format: 'csv' } };
}

function jsonCase(draw: Draw): Case {
  const width = 1 + draw.below(4);
  const rows = 1 + draw.below(40);
  const value = () =>
    draw.one<() => unknown>([
      () => draw.one(STRINGS),
      () => draw.below(1000) / 8,
      () => draw.chance(50),
      () => null,
      () => draw.one(DATES),
      () => (draw.chance(10) ? { deep: draw.below(9) } : draw.below(9)),
      () => (draw.chance(10) ? [1, 'two'] : draw.below(9)),
    ])();
  const names = Array.from({ length: width }, (_, i) => draw.one([`k${i}`, `ключ ${i}`, `"${i}"`, `a.${i}`]));
  const objects = Array.from({ length: rows }, (_, row) =>
    Object.fromEntries([['row', row], ...names.filter(() => draw.chance(90)).map((name) => [name, value()])]),
  );
  const list = draw.chance(15);
  const text = list ? JSON.stringify(objects) : `${objects.map((row) => JSON.stringify(row)).join('\n')}\n`;
  return { text, rows, settings: { format: 'json' } };
}

function libsvmCase(draw: Draw): Case {
  const rows = 1 + draw.below(40);
  const line = () => {
    const pairs = new Map(
      Array.from({ length: draw.below(6) }, () => [draw.below(50), draw.one(['1', '0.5', '-2e-3'])]),
    );
    const sorted = [...pairs].sort(([a], [b]) => a - b).map(([index, value]) => `${index}:${value}`);
    return [draw.one(['1', '-1', '+1', '0.5']), ...(draw.chance(10) ? ['qid:3'] : []), ...sorted].join(' ');
  };
  const text = `${Array.from({ length: rows }, line).join('\n')}\n`;
  return { text, rows, settings: { format: 'libsvm' } };
}

const SPLINTERS = [
  '"',
  '""',
  '\n',
  '\r',
  '\r\n',
  ',',
  ';',
  '\t',
  '\0',
  '{',
  '}',
  '[',
  ']',
  ':',
  '\\',
  '\u00ff',
  'NaN',
  '1e999',
  '-',
  '#',
  ' ',
  '99999999999999999999',
  '\ufeff',
];

/** Damage: cuts, repeats, swaps, splinters and bits. */
function mutate(draw: Draw, text: string): Buffer {
  let bytes: Buffer = Buffer.from(text);
  for (let times = 1 + draw.below(6); times > 0; times--) {
    const at = draw.below(bytes.length + 1);
    const end = Math.min(bytes.length, at + draw.below(20));
    const [before, middle, after] = [bytes.subarray(0, at), bytes.subarray(at, end), bytes.subarray(end)];
    bytes = draw.one<() => Buffer>([
      () => Buffer.concat([before, after]),
      () => Buffer.concat([before, middle, middle, after]),
      () => Buffer.concat([before, Buffer.from(draw.one(SPLINTERS)), middle, after]),
      () => Buffer.concat([before, Buffer.from(middle).reverse(), after]),
      () => Buffer.from(before),
      () => {
        const flipped = Buffer.from(bytes);
        if (at < flipped.length) flipped[at] ^= 1 << draw.below(8);
        return flipped;
      },
    ])();
  }
  return bytes;
}

const folder = mkdtempSync(join(tmpdir(), 'sora-fuzz-'));
const path = join(folder, 'case');
let database: Database;
beforeAll(async () => {
  database = await Database.open();
});
afterAll(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

type Outcome = { readonly good: number; readonly bad: number } | { readonly error: unknown };

async function outcomeOf(bytes: Uint8Array | string, settings: ReadSettings): Promise<Outcome> {
  writeFileSync(path, bytes);
  if (process.env.SORA_FUZZ_TRACE)
    writeFileSync(
      process.env.SORA_FUZZ_TRACE,
      JSON.stringify([Buffer.from(bytes).toString('latin1'), { ...settings, database: undefined }]),
    );
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort('hangs'), LIMIT_MS);
  try {
    const table = await readTable(path, { ...settings, database, signal: controller.signal });
    let good = 0;
    for await (const particle of table.particles) good += particle.rows;
    return { good, bad: table.report().badRows };
  } catch (error) {
    return { error };
  } finally {
    clearTimeout(timer);
  }
}

/** Codes that input can be refused with. */
const CODES = new Set(['bad-input', 'bad-data', 'unsupported-format', 'schema-mismatch']);

/** What is wrong with an outcome, if anything is. */
function complaint(outcome: Outcome): string | undefined {
  if ('good' in outcome) return undefined;
  const { error } = outcome;
  if (!(error instanceof SoraError)) return `no SoraError: ${(error as Error)?.stack ?? error}`;
  if (!CODES.has(error.code)) return `code ${error.code}: ${error.message}`;
  return error.message.includes(path) ? undefined : `no place: ${error.message}`;
}

const KINDS = { csv: csvCase, json: jsonCase, libsvm: libsvmCase };
const SHARES = { csv: 0.5, json: 0.3, libsvm: 0.2 };

describe.each(Object.keys(KINDS) as (keyof typeof KINDS)[])('fuzzed %s', (kind) => {
  const cases = Math.ceil(CASES * SHARES[kind]);

  it(`${cases} cases: a table or an error with its place`, { timeout: 600_000 }, async () => {
    for (let number = 0; number < cases; number++) {
      const draw = new Draw(number);
      const { text, rows, settings } = KINDS[kind](draw);
      const badRows = draw.one(['fail', 'skip'] as const);
      const damaged = draw.chance(75);
      const told = draw.chance(50) ? settings : { format: settings.format };
      const outcome = await outcomeOf(damaged ? mutate(draw, text) : text, {
        ...(damaged ? told : settings),
        badRows,
      });
      const place = `${kind} case ${number} of seed ${SEED}`;
      expect(complaint(outcome), place).toBeUndefined();
      // Of text that is well formed no row is lost: each is good or bad.
      if (!damaged && 'good' in outcome) expect(outcome.good + outcome.bad, place).toBe(rows);
      if (!damaged && badRows === 'skip' && rows > 0)
        expect('good' in outcome || `${place}: ${outcome.error}`).toBe(true);
    }
  });
});

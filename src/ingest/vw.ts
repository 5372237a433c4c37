/**
 * Vowpal Wabbit text with simple labels: a line becomes a number `label`, a `weight` and a `base` if any line has one, a
 * `tag` likewise, and one sparse column `features` of 2^bits slots, hashed as Vowpal Wabbit does (vw-hash.ts), products of namespaces
 * among them. Which columns there are, a first pass finds, which reads no features.
 */
import { SoraError, throwIfAborted } from '../errors.ts';
import type { BadRow } from './bad-rows.ts';
import type { Chunk, ChunkPart } from './chunk.ts';
import type { Database } from './duckdb.ts';
import { declared, type Guess } from './guess.ts';
import type { PackedFile } from './head.ts';
import type { FileSource } from './inputs.ts';
import { lineBlocks } from './libsvm.ts';
import type { OpenSource, PlannedField, ReadContext, ReaderOptions, ReadPlan } from './reader.ts';
import { readHead, type VwHead, type VwProblem, VwRows } from './vw-rows.ts';

const BATCH_ROWS = 2048;
const [LF, CR, BAR] = [10, 13, 124];
const DEFAULT_BITS = 18;
const MAX_BITS = 30;

/** What a pass over the files finds. */
export interface VwShape {
  readonly rows: number;
  readonly entries: number;
  readonly hasImportance: boolean;
  readonly hasBase: boolean;
  readonly hasTag: boolean;
}

/** How features are hashed. */
interface Hashing {
  readonly bits: number;
  readonly interactions: readonly string[];
}

/** Checks the options. Throws `bad-option` naming the value. */
function hashing({ vwBits = DEFAULT_BITS, vwInteractions: interactions = [] }: ReaderOptions): Hashing {
  if (!(Number.isInteger(vwBits) && vwBits >= 1 && vwBits <= MAX_BITS)) {
    throw new SoraError(
      'bad-option',
      `Option vwBits is ${vwBits}; give a whole number from 1 to ${MAX_BITS}.`,
    );
  }
  const wrong = interactions.find((pair) => !/^[!-~]{2}$/.test(pair));
  if (wrong === undefined) return { bits: vwBits, interactions };
  throw new SoraError(
    'bad-option',
    `Option vwInteractions has "${wrong}"; give the first letters of two namespaces, as in "ab".`,
  );
}

/** Opens a file of Vowpal Wabbit text; `shape` is that of all files together. */
export function openVw(source: FileSource, shape: VwShape, context: ReadContext): OpenSource {
  const options = hashing(context.options);
  const perRow = (8 * shape.entries) / Math.max(1, shape.rows);
  const guess = (type: Guess['type'], width: number) => declared(type, width, shape.rows);
  const columns = [
    { name: 'label', guess: guess('number', 8), role: 'label' as const },
    ...(shape.hasImportance ? [{ name: 'weight', guess: guess('number', 8), role: 'weight' as const }] : []),
    ...(shape.hasBase ? [{ name: 'base', guess: guess('number', 8), role: 'ignore' as const }] : []),
    ...(shape.hasTag ? [{ name: 'tag', guess: guess('category', 16), role: 'ignore' as const }] : []),
    { name: 'features', guess: guess('sparse', 4 + perRow), width: 2 ** options.bits },
  ];
  const names = columns.map((column) => column.name);
  return { columns, notes: [], read: (plan) => readVw(source, names, options, plan, context) };
}

/** The shape of all files together: a light pass over each. */
export async function vwShape(
  files: readonly PackedFile[],
  database: Database,
  signal?: AbortSignal,
): Promise<VwShape> {
  const head: VwHead = { label: 0, importance: 0, base: 0, tag: undefined };
  const shape = { rows: 0, entries: 0, hasImportance: false, hasBase: false, hasTag: false };
  for (const file of files) {
    for await (const block of lineBlocks(file, database)) {
      throwIfAborted(signal);
      for (let start = 0; start < block.length; ) {
        const end = block.indexOf(LF, start);
        const bar = block.subarray(start, end).indexOf(BAR);
        if (bar >= 0) {
          readHead(block, start, start + bar, head);
          shape.rows++;
          shape.hasImportance ||= !Number.isNaN(head.importance);
          shape.hasBase ||= !Number.isNaN(head.base);
          shape.hasTag ||= head.tag !== undefined;
          // Features have about twelve bytes; counted for the size of particles alone.
          shape.entries += Math.ceil((end - start - bar) / 12);
        }
        start = end + 1;
      }
    }
  }
  return shape;
}

async function* readVw(
  source: FileSource,
  names: readonly string[],
  { bits, interactions }: Hashing,
  plan: ReadPlan,
  { database, signal }: ReadContext,
): AsyncGenerator<Chunk> {
  const batch = new Batch(new VwRows(bits, interactions));
  let line = 0;
  let bytesRead = 0;
  for await (const block of lineBlocks(source, database)) {
    throwIfAborted(signal);
    for (let start = 0; start < block.length; ) {
      const next = block.indexOf(LF, start) + 1;
      const end = next - 1 > start && block[next - 2] === CR ? next - 2 : next - 1;
      line++;
      const from = line === 1 && block[0] === 0xef && block[1] === 0xbb ? start + 3 : start;
      const problem = batch.add(block, from, end);
      if (problem !== undefined) {
        plan.badRows.add(badRow(source.name, line, block.toString('utf8', from, end), names, problem));
      }
      if (batch.count === BATCH_ROWS) yield batch.take(plan.fields);
      start = next;
    }
    bytesRead += block.length;
    if (source.compression === 'none') plan.onShare?.(bytesRead / source.bytes);
  }
  if (batch.count > 0) yield batch.take(plan.fields);
}

function badRow(
  file: string,
  line: number,
  raw: string,
  names: readonly string[],
  { at, reason, ...problem }: VwProblem,
): BadRow {
  const position = names.indexOf(problem.column) + 1;
  const where = { file, line, raw, ...(position > 0 ? { position } : {}) };
  return { ...where, ...problem, reason: `${reason}, at byte ${at} of the line` };
}

/** Rows read so far. */
class Batch {
  readonly #rows: VwRows;
  readonly #head: VwHead = { label: 0, importance: 0, base: 0, tag: undefined };
  #heads: VwHead[] = [];

  constructor(rows: VwRows) {
    this.#rows = rows;
  }

  get count(): number {
    return this.#heads.length;
  }

  /** Adds a line; blank ones are nothing. Gives what is wrong with it, adding nothing. */
  add(bytes: Buffer, start: number, end: number): VwProblem | undefined {
    let bar = start;
    while (bar < end && bytes[bar] !== BAR) bar++;
    if (bar === end) {
      const text = bytes.toString('utf8', start, end).trim();
      if (text === '') return undefined;
      return {
        column: 'features',
        value: text.slice(0, 40),
        at: 1,
        expected: '|features',
        reason: 'no | in the line',
      };
    }
    const problem = readHead(bytes, start, bar, this.#head) ?? this.#rows.add(bytes, start, bar, end);
    if (problem === undefined) this.#heads.push({ ...this.#head });
    return problem;
  }

  /** The rows so far as a chunk. */
  take(fields: readonly PlannedField[]): Chunk {
    const heads = this.#heads;
    const rows = this.#rows;
    const parts = fields.map(({ field }) => partOf(field.name, field.type, heads, rows));
    const count = heads.length;
    this.#heads = [];
    rows.clear();
    return { rows: count, parts };
  }
}

function partOf(name: string, type: string, heads: readonly VwHead[], rows: VwRows): ChunkPart {
  if (type === 'sparse') {
    return {
      kind: 'sparse',
      starts: Uint32Array.from(rows.starts),
      indices: rows.slots.slice(0, rows.entries),
      values: Float32Array.from(rows.values.subarray(0, rows.entries)),
    };
  }
  if (type === 'binary' || type === 'timestamp') {
    throw new SoraError('bad-option', `Column "${name}" of Vowpal Wabbit text cannot be read as ${type}.`);
  }
  if (name === 'tag') return { kind: 'texts', values: heads.map(({ tag }) => tag ?? null) };
  // No importance is one of 1; no label and no base are missing.
  const values = Float64Array.from(heads, ({ label, importance, base }) =>
    name === 'base' ? base : name === 'weight' ? (Number.isNaN(importance) ? 1 : importance) : label,
  );
  if (type === 'number') return { kind: 'numbers', values, validity: undefined };
  const texts = Array.from(values, (value) => (Number.isNaN(value) ? null : String(value)));
  return type === 'boolean'
    ? { kind: 'booleans', values: Uint8Array.from(values, (v) => (v > 0 ? 1 : 0)), validity: undefined }
    : { kind: 'texts', values: texts };
}

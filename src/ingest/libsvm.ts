/**
 * libsvm (SVMlight) text: a label, perhaps `qid:n`, then `index:value` pairs, a line a row; `#` begins a comment.
 * Rows become one sparse column. Indices stay as they are written, from 0 or from 1, so that files of one data set
 * and later rows agree; the width is the largest index of all files plus one, found in a first pass.
 */
import { SoraError, throwIfAborted } from '../errors.ts';
import type { BadRow } from './bad-rows.ts';
import type { Chunk, ChunkPart } from './chunk.ts';
import type { Database } from './duckdb.ts';
import { declared, type Guess } from './guess.ts';
import { type PackedFile, unpacked } from './head.ts';
import type { FileSource } from './inputs.ts';
import type { OpenSource, PlannedField, ReadContext, ReadPlan } from './reader.ts';

const BATCH_ROWS = 2048;
/** Indices are below this: what a CSR index and a dense vector of that width can still be. */
const MAX_INDEX = 0x7fff_fffe;

const LF = 10;
const COLON = 58;
const ZERO = 48;
const NINE = 57;

/** What a pass over a file finds. */
export interface LibsvmShape {
  readonly width: number;
  readonly rows: number;
  readonly entries: number;
  readonly hasQid: boolean;
}

/** Opens a libsvm file; `width` is that of all files together. */
export function openLibsvm(source: FileSource, shape: LibsvmShape, context: ReadContext): OpenSource {
  const perRow = (8 * shape.entries) / Math.max(1, shape.rows);
  const guess = (type: Guess['type'], width: number) => declared(type, width, shape.rows);
  const columns = [
    { name: 'label', guess: guess('number', 8), role: 'label' as const },
    ...(shape.hasQid ? [{ name: 'qid', guess: guess('number', 8), role: 'group' as const }] : []),
    { name: 'features', guess: guess('sparse', 4 + perRow), width: Math.max(1, shape.width) },
  ];
  return {
    columns,
    notes: [],
    read: (plan) =>
      readLibsvm(
        source,
        columns.map(({ name }) => name),
        plan,
        context,
      ),
  };
}

/** The shape of all files together: one light pass over each. */
export async function libsvmShape(
  files: readonly PackedFile[],
  database: Database,
  signal?: AbortSignal,
): Promise<LibsvmShape> {
  let largest = -1;
  let rows = 0;
  let entries = 0;
  let hasQid = false;
  for (const file of files) {
    for await (const block of lineBlocks(file, database)) {
      throwIfAborted(signal);
      if (!hasQid) hasQid = /(?:^|\n)\S+[ \t]+qid:/.test(block.toString('latin1', 0, 4096));
      let number = 0;
      let digits = 0;
      for (let at = 0; at < block.length; at++) {
        const byte = block[at];
        if (byte >= ZERO && byte <= NINE) {
          number = number * 10 + byte - ZERO;
          digits++;
        } else {
          if (byte === COLON && digits > 0) {
            entries++;
            if (number > largest && number <= MAX_INDEX) largest = number;
          } else if (byte === LF) rows++;
          number = 0;
          digits = 0;
        }
      }
    }
  }
  return { width: largest + 1, rows, entries, hasQid };
}

/** Whole lines, the last with a line end too. */
export async function* lineBlocks(file: PackedFile, database: Database): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of unpacked(file, database)) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const end = bytes.lastIndexOf(LF) + 1;
    if (end > 0) yield bytes.subarray(0, end);
    rest = Buffer.from(bytes.subarray(end));
  }
  if (rest.length > 0) yield Buffer.concat([rest, Buffer.from('\n')]);
}

async function* readLibsvm(
  source: FileSource,
  names: readonly string[],
  plan: ReadPlan,
  { database, signal }: ReadContext,
): AsyncGenerator<Chunk> {
  const width = plan.fields.find(({ field }) => field.type === 'sparse')?.field.width ?? MAX_INDEX + 1;
  const rows = new SparseRows(width);
  let line = 0;
  let bytesRead = 0;
  for await (const block of lineBlocks(source, database)) {
    throwIfAborted(signal);
    for (let start = 0; start < block.length; ) {
      const end = block.indexOf(LF, start);
      line++;
      const text = block.toString('latin1', start, end > start && block[end - 1] === 13 ? end - 1 : end);
      start = end + 1;
      const problem = rows.add(line === 1 ? text.replace(/^\u00ef\u00bb\u00bf/, '') : text);
      if (problem !== undefined) plan.badRows.add(badRow(source.name, line, text, names, problem));
      if (rows.count === BATCH_ROWS) yield rows.take(plan.fields);
    }
    bytesRead += block.length;
    if (source.compression === 'none') plan.onShare?.(bytesRead / source.bytes);
  }
  if (rows.count > 0) yield rows.take(plan.fields);
}

type Problem = Pick<BadRow, 'column' | 'value' | 'expected' | 'reason'>;

function badRow(file: string, line: number, raw: string, names: readonly string[], problem: Problem): BadRow {
  const position = problem.column === undefined ? undefined : names.indexOf(problem.column) + 1;
  return { file, line, raw, ...problem, ...(position === undefined ? {} : { position }) };
}

/** Rows parsed so far. */
class SparseRows {
  readonly #width: number;
  #labels: number[] = [];
  #queries: number[] = [];
  #starts: number[] = [0];
  #indices: number[] = [];
  #values: number[] = [];
  /** Entries beyond the width, left out because no model knows them. */
  dropped = 0;

  constructor(width: number) {
    this.#width = width;
  }

  get count(): number {
    return this.#labels.length;
  }

  /** Adds a line; blank lines and comments are nothing. Gives what is wrong with it, adding nothing. */
  add(line: string): Problem | undefined {
    const comment = line.indexOf('#');
    const tokens = (comment < 0 ? line : line.slice(0, comment)).trim().split(/[ \t]+/);
    if (tokens.length === 1 && tokens[0] === '') return undefined;
    const label = numberOf(tokens[0]);
    if (label === undefined) {
      return { column: 'label', value: tokens[0], expected: 'a number', reason: 'not a number' };
    }
    let first = 1;
    let query = Number.NaN;
    if (tokens[1]?.startsWith('qid:')) {
      query = /^\d+$/.test(tokens[1].slice(4)) ? Number(tokens[1].slice(4)) : Number.NaN;
      if (Number.isNaN(query)) return { column: 'qid', value: tokens[1], reason: 'not a query id' };
      first = 2;
    }
    const kept = this.#indices.length;
    const problem = this.#addPairs(tokens, first);
    if (problem !== undefined) {
      this.#indices.length = kept;
      this.#values.length = kept;
      return problem;
    }
    this.#labels.push(label);
    this.#queries.push(query);
    this.#starts.push(this.#indices.length);
    return undefined;
  }

  #addPairs(tokens: readonly string[], first: number): Problem | undefined {
    const from = this.#indices.length;
    let last = -1;
    let sorted = true;
    for (let i = first; i < tokens.length; i++) {
      const token = tokens[i];
      const colon = token.indexOf(':');
      const index = indexOf(token, colon);
      const value = numberOf(token.slice(colon + 1));
      if (index === undefined || value === undefined || !Number.isFinite(value)) {
        return { column: 'features', value: token, expected: 'index:value', reason: 'not index:value' };
      }
      if (index === last) return { column: 'features', value: token, reason: `index ${index} stands twice` };
      if (index < last) sorted = false;
      last = index;
      if (index >= this.#width) this.dropped++;
      else {
        this.#indices.push(index);
        this.#values.push(value);
      }
    }
    return sorted ? undefined : this.#sort(from);
  }

  #sort(from: number): Problem | undefined {
    const pairs = this.#indices.slice(from).map((index, i) => ({ index, value: this.#values[from + i] }));
    pairs.sort((a, b) => a.index - b.index);
    const twice = pairs.find((pair, i) => i > 0 && pairs[i - 1].index === pair.index);
    if (twice !== undefined) {
      return {
        column: 'features',
        value: `${twice.index}:${twice.value}`,
        reason: `index ${twice.index} stands twice`,
      };
    }
    pairs.forEach(({ index, value }, i) => {
      this.#indices[from + i] = index;
      this.#values[from + i] = value;
    });
    return undefined;
  }

  /** The rows so far as a chunk. */
  take(fields: readonly PlannedField[]): Chunk {
    const rows = this.count;
    const parts = fields.map(({ field }): ChunkPart => {
      if (field.type === 'sparse') {
        return {
          kind: 'sparse',
          starts: Uint32Array.from(this.#starts),
          indices: Uint32Array.from(this.#indices),
          values: Float32Array.from(this.#values),
        };
      }
      const values = field.name === 'qid' ? this.#queries : this.#labels;
      if (field.type === 'binary' || field.type === 'timestamp') {
        throw new SoraError(
          'bad-option',
          `Column "${field.name}" of libsvm cannot be read as ${field.type}.`,
        );
      }
      return field.type === 'category' || field.type === 'text'
        ? { kind: 'texts', values: values.map((value) => (Number.isNaN(value) ? null : String(value))) }
        : field.type === 'boolean'
          ? { kind: 'booleans', values: Uint8Array.from(values, (v) => (v > 0 ? 1 : 0)), validity: undefined }
          : { kind: 'numbers', values: Float64Array.from(values), validity: undefined };
    });
    this.#labels = [];
    this.#queries = [];
    this.#starts = [0];
    this.#indices = [];
    this.#values = [];
    return { rows, parts };
  }
}

function indexOf(token: string, colon: number): number | undefined {
  if (colon < 1 || colon > 10) return undefined;
  let index = 0;
  for (let i = 0; i < colon; i++) {
    const digit = token.charCodeAt(i) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    index = index * 10 + digit;
  }
  return index <= MAX_INDEX ? index : undefined;
}

function numberOf(text: string): number | undefined {
  if (text === '1') return 1;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) return undefined;
  return Number(text);
}

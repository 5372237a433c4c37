/**
 * A table: inputs with a schema, read once, as particles. Types come from the beginning of the first source, or from
 * a schema that is given; every further source must have the same columns, whatever their order.
 */
import { closeSync } from 'node:fs';
import { SoraError, throwIfAborted } from '../errors.ts';
import type { Json } from '../json.ts';
import type { Particle } from '../particle/particle.ts';
import { roleIndex, type Schema } from '../particle/schema.ts';
import { openArrow } from './arrow.ts';
import { type BadRow, type BadRowPolicy, BadRows, type Quarantine } from './bad-rows.ts';
import { cutBlocks } from './block.ts';
import { type Chunk, chunksBehind } from './chunk.ts';
import { openCsv } from './csv.ts';
import { Database } from './duckdb.ts';
import { openVersion } from './file-version.ts';
import type { Format } from './format.ts';
import type { Guess } from './guess.ts';
import { type FileSource, type Resolved, resolveInputs, type Source, type TableInputs } from './inputs.ts';
import { openJson } from './json.ts';
import { type LibsvmShape, libsvmShape, openLibsvm } from './libsvm.ts';
import { MISSING_MARKERS, normaliser } from './missing.ts';
import { narrowParticle, type Precision } from './narrow.ts';
import { openRows } from './objects.ts';
import { cutTexts, type PlainText, type TextBlock } from './plain-text.ts';
import { fixedSchema, planFields } from './plan.ts';
import { ProgressMeter, type ReadProgress } from './progress.ts';
import type { OpenSource, PlannedField, ReadContext, ReaderOptions } from './reader.ts';
import { bytesPerRow, type ColumnOptions, inferSchema } from './schema.ts';
import { removeFolder } from './temporary.ts';
import { openParquet, openQuery } from './typed.ts';
import { openVw, type VwShape, vwShape } from './vw.ts';
import { wholeGroups } from './whole-groups.ts';

/** How inputs are read. */
export interface ReadSettings extends ColumnOptions, Partial<ReaderOptions> {
  /** Format of the files; found out when not given. */
  readonly format?: Format;
  /** SQL query to read instead of inputs. */
  readonly sql?: string;
  /** Default: `fail`. */
  readonly badRows?: BadRowPolicy;
  /** Where rows go under the policy `quarantine`. */
  readonly quarantine?: Quarantine;
  /** How fractional features are kept; default `f32`. */
  readonly precision?: Precision;
  /** Schema that the rows must have, e.g. a model's. Nothing is inferred then. */
  readonly schema?: Schema;
  /** With `schema`: further columns to read, with the role `ignore`. */
  readonly keep?: readonly string[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ReadProgress) => void;
  /** Memory of the database, in bytes; default 512 MiB. */
  readonly memoryBytes?: number;
  /** A database to use, and leave open; default: one of its own. */
  readonly database?: Database;
}

/** What was read so far; final once the particles are consumed. */
export interface ReadReport {
  /** Rows of the particles. */
  readonly rows: number;
  /** Rows left out, with the first twenty of them. */
  readonly badRows: number;
  readonly examples: readonly BadRow[];
  /** File of the quarantined rows, if there are any. */
  readonly quarantine?: string;
}

/** A source as a commit records it. */
export interface SourceFacts {
  readonly name: string;
  readonly bytes?: number;
  readonly options?: Json;
}

/** A table being read. */
export interface TableReader {
  readonly schema: Schema;
  /** All that was inferred, in sentences. */
  readonly notes: readonly string[];
  readonly sources: readonly SourceFacts[];
  /** Expected bytes a row in memory. */
  readonly bytesPerRow: number;
  /** The rows, once. Ends or fails with everything cleaned up. */
  readonly particles: AsyncIterable<Particle>;
  /**
   * The same before `narrowParticle`, for workers to finish; `firstIndex` continues the size policy. Of the rows the first
   * `skip` are left out.
   */
  blocks(firstIndex?: number, skip?: number): AsyncGenerator<Particle>;
  /**
   * The same as text for workers to parse, as far as sources are plain text: from an undefined block on, or one that is
   * found not to be plain, `blocks` has to go on.
   */
  textBlocks(firstIndex?: number): AsyncGenerator<TextBlock | undefined>;
  report(): ReadReport;
  /** Frees everything if the rows are not wanted. Idempotent. */
  close(): Promise<void>;
}

const SAMPLE_ROWS = 10_000;

/**
 * Opens inputs as a table: finds formats, infers the schema, reads nothing but the beginning yet.
 * @example
 * const table = await readTable('people.csv', { target: 'income' });
 * for await (const particle of table.particles) console.log(particle.rows);
 */
export async function readTable(
  inputs: TableInputs | undefined,
  settings: ReadSettings = {},
): Promise<TableReader> {
  throwIfAborted(settings.signal);
  const database = settings.database ?? (await Database.open({ memoryBytes: settings.memoryBytes }));
  let resolved: Resolved | undefined;
  const close = async () => {
    if (settings.database === undefined) database.close();
    await Promise.all((resolved?.folders ?? []).map(removeFolder));
  };
  try {
    resolved = await resolveInputs(inputs, settings, database);
    return await Table.open(resolved, settings, database, close);
  } catch (error) {
    await close();
    throw error;
  }
}

class Table implements TableReader {
  readonly schema: Schema;
  readonly notes: string[];
  readonly sources: readonly SourceFacts[];
  readonly bytesPerRow: number;
  readonly #settings: ReadSettings;
  readonly #list: readonly Source[];
  readonly #openers: Openers;
  readonly #first: OpenSource;
  readonly #badRows: BadRows;
  readonly #meter: ProgressMeter;
  readonly #onClose: () => Promise<void>;
  #closed: Promise<void> | undefined;
  #rows = 0;
  /** Rows of each source that was cut as plain text. */
  readonly #textRows: number[] = [];
  /** Which files those were. */
  readonly #versions: string[] = [];
  #begun = false;

  static async open(
    resolved: Resolved,
    settings: ReadSettings,
    database: Database,
    close: () => Promise<void>,
  ): Promise<Table> {
    const context: ReadContext = {
      database,
      options: { ...settings, sample: settings.sample ?? SAMPLE_ROWS },
      signal: settings.signal,
      fields: settings.schema?.fields,
    };
    const openers = new Openers(context, await shapesOf(resolved.sources, context));
    const first = await openers.open(resolved.sources[0]);
    return new Table(resolved.sources, settings, openers, first, close);
  }

  private constructor(
    list: readonly Source[],
    settings: ReadSettings,
    openers: Openers,
    first: OpenSource,
    onClose: () => Promise<void>,
  ) {
    const { schema, notes } =
      settings.schema === undefined
        ? inferSchema(first.columns, settings)
        : fixedSchema(settings.schema, settings, first);
    if (schema.fields.length === 0) {
      throw new SoraError('bad-data', `${list[0].name}: there is no column that can be read.`, {
        details: { notes: first.notes },
      });
    }
    this.schema = schema;
    this.notes = [...first.notes, ...notes];
    this.sources = list.map((source) => factsOf(source));
    this.#settings = settings;
    this.#list = list;
    this.#openers = openers;
    this.#first = first;
    this.#onClose = onClose;
    this.#badRows = new BadRows(settings.badRows ?? 'fail', settings.quarantine);
    this.#meter = new ProgressMeter(
      list.map((source) => (source.kind === 'file' ? source.bytes : undefined)),
      settings.onProgress,
    );
    const byName = new Map(first.columns.map((column) => [column.name, column.guess]));
    this.bytesPerRow = bytesPerRow(
      schema,
      schema.fields.map((field): Guess | undefined => byName.get(field.name)),
    );
  }

  get particles(): AsyncIterable<Particle> {
    const blocks = this.blocks();
    const precision = this.#settings.precision ?? 'f32';
    return (async function* () {
      for await (const block of blocks) yield narrowParticle(block, precision);
    })();
  }

  /** Strings that mean missing, a field. */
  get #missing(): readonly (readonly string[])[] {
    const markers = this.#settings.missing ?? MISSING_MARKERS;
    const extra = new Map(this.#first.columns.map((column) => [column.name, column.guess.markers ?? []]));
    return this.schema.fields.map((field) => [...markers, ...(extra.get(field.name) ?? [])]);
  }

  async *textBlocks(firstIndex = 0): AsyncGenerator<TextBlock | undefined> {
    const { schema, bytesPerRow } = this;
    const { signal } = this.#settings;
    for await (const block of cutTexts(this.#texts(), { schema, bytesPerRow, firstIndex, signal })) {
      if (block !== undefined) this.#count(block);
      yield block;
      if (block === undefined) return;
    }
    this.#meter.end(this.#rows);
  }

  #count({ rows, ranges }: TextBlock): void {
    for (const { source, rows, version } of ranges) {
      this.#textRows[source] = (this.#textRows[source] ?? 0) + rows;
      this.#versions[source] = version;
    }
    const { source, end } = ranges[ranges.length - 1];
    this.#rows += rows;
    this.#meter.share(end / (this.sources[source].bytes ?? end));
    this.#meter.add(rows);
  }

  /** Sources as plain text; undefined for one that is not, or has other marks of missing values than the first. */
  async *#texts(): AsyncGenerator<PlainText | undefined> {
    let markers: string | undefined;
    for (let index = 0; index < this.#list.length; index++) {
      const text = await this.#text(index);
      const own = JSON.stringify(text?.form.markers);
      markers ??= own;
      yield own === markers ? text : undefined;
    }
  }

  async #text(index: number): Promise<PlainText | undefined> {
    const listed = this.#list[index];
    if (listed.kind !== 'file' || listed.format !== 'csv') return undefined;
    try {
      const { source, fields } = await this.#open(index);
      return source.plain?.(fields, this.#missing);
    } catch {
      // `blocks` meets the same again, behind what may be wrong before it.
      return undefined;
    }
  }

  async *blocks(firstIndex = 0, skip = 0): AsyncGenerator<Particle> {
    if (this.#begun) throw new SoraError('internal', 'A table can be read only once.');
    this.#begun = true;
    this.#rows = skip;
    this.#meter.restart(skip);
    const normalise = this.#missing.map(normaliser);
    try {
      const blocks = cutBlocks(this.#chunks(skip), {
        schema: this.schema,
        bytesPerRow: this.bytesPerRow,
        normalise: (index) => normalise[index],
        firstIndex,
      });
      const whole = roleIndex(this.schema, 'group') < 0 ? blocks : wholeGroups(blocks);
      for await (const block of whole) {
        throwIfAborted(this.#settings.signal);
        this.#rows += block.rows;
        yield block;
      }
      this.#meter.end(this.#rows);
    } finally {
      await this.close();
    }
  }

  async *#chunks(skip: number): AsyncGenerator<Chunk> {
    let left = skip;
    for (let index = 0; index < this.#list.length; index++) {
      // What was read as plain text whole has no bad rows either.
      const done = this.#textRows[index] ?? 0;
      if (this.#textRows[index + 1] !== undefined && done <= left) {
        left -= done;
        continue;
      }
      const { source, fields } = await this.#open(index);
      if (left > 0) closeSync(openVersion(this.#list[index] as FileSource, this.#versions[index]));
      const plan = {
        fields,
        badRows: this.#badRows,
        onShare: (share: number | undefined) => this.#meter.share(share),
      };
      const chunks = source.read(plan);
      for await (const chunk of left === 0 ? chunks : chunksBehind(chunks, left)) {
        this.#meter.add(chunk.rows);
        yield chunk;
      }
      left = 0;
    }
  }

  /** Opens a source, to be read next. */
  async #open(index: number): Promise<{ source: OpenSource; fields: readonly PlannedField[] }> {
    const source = index === 0 ? this.#first : await this.#openers.open(this.#list[index]);
    const fields = planFields(this.schema, source, this.#list[index], this.#settings.schema !== undefined);
    if (index > 0) this.#noteExtra(source, this.#list[index]);
    this.#meter.begin(index);
    return { source, fields };
  }

  #noteExtra(source: OpenSource, { name }: Source): void {
    const known = new Set(this.schema.fields.map((field) => field.name));
    const extra = source.columns.filter((column) => !known.has(column.name)).map((column) => column.name);
    const note = `${name}: further columns are left out: ${extra.join(', ')}`;
    if (extra.length > 0 && !source.positional && !this.notes.includes(note)) this.notes.push(note);
  }

  report(): ReadReport {
    const { count: badRows, examples, path: quarantine } = this.#badRows;
    return { rows: this.#rows, badRows, examples, ...(quarantine === undefined ? {} : { quarantine }) };
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  async #end(): Promise<void> {
    this.#badRows.close();
    if (!this.#begun) await this.#first.close?.();
    await this.#onClose();
  }
}

/** What readers know of all files of their format together. */
interface Shapes {
  readonly libsvm?: LibsvmShape;
  readonly vw?: VwShape;
}

async function shapesOf(sources: readonly Source[], context: ReadContext): Promise<Shapes> {
  const { database, signal, options } = context;
  const { vwBits, vwInteractions } = options;
  const filesOf = (format: Format) =>
    sources.filter((source): source is FileSource => source.kind === 'file' && source.format === format);
  const [libsvm, vw] = [filesOf('libsvm'), filesOf('vw')];
  if (vw.length === 0 && (vwBits !== undefined || vwInteractions !== undefined)) {
    throw new SoraError(
      'bad-option',
      `Option ${vwBits === undefined ? '--vw-interactions' : '--vw-bits'} is for Vowpal Wabbit text, and no input is: leave it out, or give --format vw.`,
    );
  }
  return {
    ...(libsvm.length === 0 ? {} : { libsvm: await libsvmShape(libsvm, database, signal) }),
    ...(vw.length === 0 ? {} : { vw: await vwShape(vw, database, signal) }),
  };
}

/** Opens sources by their kind. */
class Openers {
  readonly #context: ReadContext;
  readonly #shapes: Shapes;

  constructor(context: ReadContext, shapes: Shapes) {
    this.#context = context;
    this.#shapes = shapes;
  }

  async open(source: Source): Promise<OpenSource> {
    if (source.kind === 'query') return openQuery(source, this.#context);
    if (source.kind === 'rows') return openRows(source, this.#context);
    switch (source.format) {
      case 'csv':
        return openCsv(source, this.#context);
      case 'json':
        return openJson(source, this.#context);
      case 'parquet':
        return openParquet(source, this.#context);
      case 'arrow':
        return openArrow(source, this.#context);
      case 'libsvm':
        return openLibsvm(source, this.#shapes.libsvm as LibsvmShape, this.#context);
      case 'vw':
        return openVw(source, this.#shapes.vw as VwShape, this.#context);
    }
  }
}

function factsOf(source: Source): SourceFacts {
  if (source.kind !== 'file') return { name: source.name, options: { kind: source.kind } };
  const { name, bytes, format, compression, modified } = source;
  const options = { kind: 'file', format, compression, ...(modified === undefined ? {} : { modified }) };
  return { name, bytes, options };
}

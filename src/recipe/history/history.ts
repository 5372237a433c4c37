/**
 * Features over time of rows in turn: what a row is told of the rows before it, and what is carried to the next particle.
 *
 *     state (newest rows of each series) + rows in order of time  →  one column a feature + state
 *
 * Law: the result depends on the rows and their order in time alone, not on where they are cut into particles. A row
 * whose time or series is missing is told nothing and tells nothing. Cost: a binary search a duration, a pass over the
 * window a statistic; memory: of each series as many rows as its longest distance reaches.
 */
import { SoraError } from '../../errors.ts';
import { canonicalValidity } from '../../particle/bits.ts';
import { canonicalCategories } from '../../particle/canonical.ts';
import { type Column, emptyValidity, setPresent } from '../../particle/column.ts';
import type { Particle } from '../../particle/particle.ts';
import { fieldIndex } from '../../particle/schema.ts';
import { columnNumbers, namesTo } from '../../summary/label-values.ts';
import { Series, type WindowStatistics, windowStatistics } from './series.ts';
import { type HistoryFeature, type HistorySpec, type Span, spanText } from './spec.ts';
import { checkState, type HistoryState } from './state.ts';

/** Rows as the engine reads them. */
export interface TimedRows {
  readonly rows: number;
  /** NaN where missing; absent: each row comes after the one before it. */
  readonly times: Float64Array | undefined;
  /** Series of each row, -1 where missing; absent: all rows are of one. */
  readonly series: Int32Array | undefined;
  /** Values of the columns that features are of: numbers, numbers of categories, NaN where missing. */
  readonly values: readonly Float64Array[];
}

/** A row is earlier than one of its series before it. */
export class OutOfOrder extends Error {
  readonly row: number;

  constructor(row: number) {
    super(`Row ${row} is earlier than a row before it.`);
    this.row = row;
  }
}

/** A feature with what is looked up once. */
interface Step {
  readonly feature: HistoryFeature;
  /** Index of its column among the sources. */
  readonly source: number;
  readonly hidden: boolean;
  /** Index among the features of events, and the value that is one; undefined: any but 0. */
  readonly event: number;
  readonly wanted: number | undefined;
  /** The window is that of the step before. */
  readonly repeated: boolean;
}

const HOUR = 3_600_000;
/** Rows between two looks at what may be let go. */
const TRIM = 64;

/** Follows rows in order of time. */
export class History {
  readonly spec: HistorySpec;
  /** Names of the columns that features are of. */
  readonly #sources: readonly string[];
  readonly #steps: readonly Step[];
  readonly #events: number;
  readonly #series: Series[] = [];
  readonly #names = new Map<string, number>();
  readonly #levels = new Map<string, number>();
  readonly #statistics: WindowStatistics = { count: 0, mean: 0, std: 0, min: 0, max: 0 };
  readonly #reach: { readonly rows: number; readonly time: number };
  /** What a difference of times is divided by: events are counted in hours, or as the time column counts. */
  #unit = 1;

  /** `carried`: the state is another data set's, of which only rows before the first to come count. */
  constructor(spec: HistorySpec, state?: HistoryState, carried = false) {
    this.spec = spec;
    this.#sources = [...new Set(spec.features.map(({ column }) => column))];
    this.#reach = reachOf(spec);
    if (state) for (const level of state.levels) this.#level(level);
    let events = 0;
    this.#steps = spec.features.map((feature, f) => ({
      feature,
      repeated: f > 0 && sameWindow(feature, spec.features[f - 1]),
      source: this.#sources.indexOf(feature.column),
      hidden: spec.hidden.includes(feature.column),
      event: feature.kind === 'since' ? events++ : -1,
      wanted: feature.kind === 'since' ? this.#wanted(feature.column, feature.value) : undefined,
    }));
    this.#events = events;
    if (state) this.#restore(state, carried);
  }

  /** The columns of the features of a particle whose rows follow those so far; throws {@link OutOfOrder} if not. */
  derive(particle: Particle): Column[] {
    return this.columns(this.follow(this.extract(particle)));
  }

  /** Reads what features are of. A hidden column that is not there counts as missing; others are `schema-mismatch`. */
  extract(particle: Particle): TimedRows {
    const { time, by, hidden } = this.spec;
    const { schema, columns, rows } = particle;
    const find = (name: string) => columns[fieldIndex(schema, name)] ?? missing(name, particle);
    const instants = time === undefined ? undefined : find(time);
    if (instants?.type === 'timestamp') this.#unit = HOUR;
    return {
      rows,
      times: instants && columnNumbers(instants, time as string),
      series: by === undefined ? undefined : codes(namesTo(find(by), by, (name) => this.#of(name))),
      values: this.#sources.map((name) => {
        if (hidden.includes(name) && fieldIndex(schema, name) < 0) return nothing(rows);
        const column = find(name);
        if (!this.spec.categories.includes(name)) return columnNumbers(column, name);
        return namesTo(column, name, (level) => this.#level(level));
      }),
    };
  }

  /** Features of rows, taken in this order (default: as they stand), by feature and row; NaN where there is none. */
  follow(rows: TimedRows, order?: Uint32Array): Float64Array[] {
    const out = this.#steps.map(() => nothing(rows.rows));
    for (let i = 0; i < rows.rows; i++) {
      const row = order === undefined ? i : order[i];
      const which = rows.series === undefined ? this.#of('') : rows.series[row];
      if (which < 0) continue;
      const series = this.#series[which];
      const time = rows.times === undefined ? next(series) : rows.times[row];
      if (Number.isNaN(time)) continue;
      if (series.carried) cut(series, time);
      if (time < series.last) throw new OutOfOrder(row);
      this.#tell(series, time, row, out);
      const place = series.push(time);
      for (let c = 0; c < rows.values.length; c++) series.columns[c][place] = rows.values[c][row];
      if (place % TRIM === TRIM - 1) this.#trim(series);
    }
    return out;
  }

  /** Columns of a particle from features by row. */
  columns(features: readonly Float64Array[]): Column[] {
    const dictionary = [...this.#levels.keys()];
    return features.map((values, f) => {
      const { kind, column } = this.spec.features[f];
      const validity = presence(values);
      if (kind === 'lag' && this.spec.categories.includes(column)) {
        return {
          type: 'category',
          ...canonicalCategories({ codes: codes(values), dictionary }, validity),
          validity,
        };
      }
      return { type: 'number', values: present(values), validity };
    });
  }

  /** What is carried to rows that follow. */
  state(): HistoryState {
    const order = [...this.#names].sort(([a], [b]) => (a < b ? -1 : 1));
    const parts = order.flatMap(([, at]) => {
      const series = this.#series[at];
      this.#trim(series);
      const { events, times, columns, start, end } = series;
      return [events, times.subarray(start, end), ...columns.map((column) => column.subarray(start, end))];
    });
    const numbers = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      numbers.set(part, at);
      at += part.length;
    }
    const lengths = order.map(([, which]) => this.#series[which].end - this.#series[which].start);
    return { series: order.map(([name]) => name), lengths, levels: [...this.#levels.keys()], numbers };
  }

  /** Fills the features of a row at `time`, which is not in the series yet. */
  #tell(series: Series, time: number, row: number, out: readonly Float64Array[]): void {
    const seen = time === series.last ? series.from(time) : series.end;
    const known = this.#known(series, time, seen);
    for (let f = 0; f < this.#steps.length; f++) {
      const { feature, source, hidden, event, wanted, repeated } = this.#steps[f];
      const end = hidden ? known : seen;
      if (feature.kind === 'lag') {
        const { span } = feature;
        const at =
          'rows' in span ? seen - span.rows : Math.min(seen, series.after(time - span.milliseconds)) - 1;
        if (at >= series.start) out[f][row] = series.columns[source][at];
      } else if (feature.kind === 'rolling') {
        if (!repeated) {
          const from = this.#windowStart(series, feature.span, time, end, hidden);
          windowStatistics(series.columns[source], from, end, this.#statistics);
        }
        out[f][row] = this.#statistics[feature.statistic];
      } else {
        absorb(series, event, series.columns[source], wanted, end);
        out[f][row] = (time - series.events[event]) / this.#unit;
      }
    }
  }

  /** Index after the last row whose hidden columns are known at `time`, of the rows that are seen. */
  #known(series: Series, time: number, seen: number): number {
    const { horizon } = this.spec;
    if ('rows' in horizon) return Math.max(series.start, seen - horizon.rows + 1);
    return Math.min(seen, series.after(time - horizon.milliseconds));
  }

  /** Index of the first row of a window that ends before `end`; a window of hidden values ends a horizon back. */
  #windowStart(series: Series, span: Span, time: number, end: number, hidden: boolean): number {
    if ('rows' in span) return Math.max(series.start, end - span.rows);
    const { horizon } = this.spec;
    if (hidden && 'milliseconds' in horizon)
      return series.after(time - horizon.milliseconds - span.milliseconds);
    return series.from(time - span.milliseconds);
  }

  /** Lets go of rows that no later row can reach. */
  #trim(series: Series): void {
    const { rows, time } = this.#reach;
    const byRows = series.from(series.last) - rows;
    series.drop(time > 0 ? Math.min(byRows, series.from(series.last - time) - 1) : byRows);
  }

  /** Number of the series of this name. */
  #of(name: string): number {
    const known = this.#names.get(name);
    if (known !== undefined) return known;
    this.#names.set(name, this.#series.length);
    return this.#series.push(new Series(this.#sources.length, this.#events)) - 1;
  }

  #level(name: string): number {
    const known = this.#levels.get(name) ?? this.#levels.size;
    this.#levels.set(name, known);
    return known;
  }

  #wanted(column: string, value: string | undefined): number | undefined {
    if (value === undefined) return undefined;
    if (this.spec.categories.includes(column)) return this.#level(value);
    return value === 'true' ? 1 : value === 'false' ? 0 : Number(value);
  }

  #restore(state: HistoryState, carried: boolean): void {
    checkState(state, this.#sources.length, this.#events, 'the model');
    let at = 0;
    for (const [s, name] of state.series.entries()) {
      const series = this.#series[this.#of(name)];
      series.events.set(state.numbers.subarray(at, at + this.#events));
      at += this.#events;
      const rows = state.lengths[s];
      const take = () => state.numbers.subarray(at, (at += rows));
      series.fill(take(), this.#sources.map(take));
      series.carried = carried;
    }
  }
}

/** How far back a row may look: rows of a series, and milliseconds. */
function reachOf({ features, horizon, hidden }: HistorySpec): {
  readonly rows: number;
  readonly time: number;
} {
  const reach = { rows: 0, time: 0 };
  const add = (parts: readonly Span[]) => {
    const [rows, time] = [0, 0].map((_, kind) =>
      parts.reduce(
        (sum, part) =>
          sum + ('rows' in part ? (kind === 0 ? part.rows : 0) : kind === 1 ? part.milliseconds : 0),
        0,
      ),
    );
    reach.rows = Math.max(reach.rows, rows);
    reach.time = Math.max(reach.time, time);
  };
  for (const feature of features) {
    const late = hidden.includes(feature.column) ? [horizon] : [];
    add(feature.kind === 'since' ? late : feature.kind === 'lag' ? [feature.span] : [feature.span, ...late]);
    add(late);
  }
  return reach;
}

function sameWindow(one: HistoryFeature, other: HistoryFeature): boolean {
  if (one.kind !== 'rolling' || other.kind !== 'rolling' || one.column !== other.column) return false;
  return spanText(one.span) === spanText(other.span);
}

/** Notes the events of the rows before `end` that were not looked at yet. */
function absorb(
  series: Series,
  event: number,
  values: Float64Array,
  wanted: number | undefined,
  end: number,
): void {
  for (let at = Math.max(series.absorbed[event], series.start); at < end; at++) {
    const value = values[at];
    const happened = wanted === undefined ? !Number.isNaN(value) && value !== 0 : value === wanted;
    if (happened) series.events[event] = series.times[at];
  }
  series.absorbed[event] = Math.max(series.absorbed[event], end);
}

/** Drops what is carried of a series and not before the first row to come. */
function cut(series: Series, time: number): void {
  series.carried = false;
  series.end = series.from(time);
  for (let e = 0; e < series.events.length; e++) if (series.events[e] >= time) series.events[e] = Number.NaN;
}

/** Time of the next row of a series without times. */
function next(series: Series): number {
  return series.end > series.start ? series.last + 1 : 0;
}

function missing(name: string, { schema }: Particle): never {
  const names = schema.fields.map((field) => field.name).join(', ');
  throw new SoraError(
    'schema-mismatch',
    `Column "${name}", which features over time need, is not there; the columns are: ${names}.`,
    { details: { column: name } },
  );
}

function nothing(rows: number): Float64Array {
  return new Float64Array(rows).fill(Number.NaN);
}

/** Whole numbers, -1 for NaN. */
function codes(values: Float64Array): Int32Array {
  const whole = new Int32Array(values.length);
  for (let row = 0; row < whole.length; row++) whole[row] = !Number.isNaN(values[row]) ? values[row] : -1;
  return whole;
}

/** The values, 0 where missing. */
function present(values: Float64Array): Float32Array {
  const numbers = new Float32Array(values.length);
  for (let row = 0; row < numbers.length; row++) if (!Number.isNaN(values[row])) numbers[row] = values[row];
  return numbers;
}

function presence(values: Float64Array): Uint8Array | undefined {
  const validity = emptyValidity(values.length);
  for (let row = 0; row < values.length; row++) if (!Number.isNaN(values[row])) setPresent(validity, row);
  return canonicalValidity(validity, values.length);
}

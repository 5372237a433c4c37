/**
 * What is kept of one series: times and values of its newest rows, ascending in time, in one growing block an array.
 * Rows that no later row can see are let go. Pure arithmetic; knows nothing of particles.
 */

/** The newest rows of a series; rows are [start, end) of the arrays. */
export class Series {
  times: Float64Array = new Float64Array(16);
  readonly columns: Float64Array[];
  start = 0;
  end = 0;
  /** Of each `since` feature: rows before this one have been looked at for events; indices like `start`. */
  readonly absorbed: Float64Array;
  /** Time of the last event of each `since` feature; NaN: none yet. */
  readonly events: Float64Array;
  /** Kept from elsewhere: rows that are not before the first row to come are to be dropped. */
  carried = false;

  constructor(columns: number, events: number) {
    this.columns = Array.from({ length: columns }, () => new Float64Array(16));
    this.absorbed = new Float64Array(events);
    this.events = new Float64Array(events).fill(Number.NaN);
  }

  /** Time of the newest row; -Infinity without one. */
  get last(): number {
    return this.end > this.start ? this.times[this.end - 1] : Number.NEGATIVE_INFINITY;
  }

  /** Index of the first row at `time` or later. */
  from(time: number): number {
    let low = this.start;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the first row later than `time`. */
  after(time: number): number {
    let low = this.start;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.times[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds a row at `time`, its values to be written at the index that is returned. */
  push(time: number): number {
    if (this.end === this.times.length) this.#grow();
    this.times[this.end] = time;
    return this.end++;
  }

  /** Takes these rows for those it has. */
  fill(times: Float64Array, columns: readonly Float64Array[]): void {
    this.start = 0;
    this.end = times.length;
    this.times = moved(times, 0, times.length, Math.max(16, 2 * times.length));
    for (const [at, column] of columns.entries()) {
      this.columns[at] = moved(column, 0, column.length, Math.max(16, 2 * times.length));
    }
    this.absorbed.fill(0);
  }

  /** Lets go of the rows before `index`. */
  drop(index: number): void {
    if (index > this.start) this.start = index;
  }

  /** Doubles the room, or moves what is left to the front where that makes half of it free. */
  #grow(): void {
    const count = this.end - this.start;
    const room = Math.max(16, count * 2 > this.times.length ? this.times.length * 2 : this.times.length);
    this.times = moved(this.times, this.start, this.end, room);
    for (const [at, column] of this.columns.entries()) {
      this.columns[at] = moved(column, this.start, this.end, room);
    }
    for (let e = 0; e < this.absorbed.length; e++)
      this.absorbed[e] = Math.max(0, this.absorbed[e] - this.start);
    this.start = 0;
    this.end = count;
  }
}

function moved(from: Float64Array, start: number, end: number, room: number): Float64Array {
  const to = room === from.length && start > 0 ? from : new Float64Array(room);
  to.set(from.subarray(start, end));
  return to;
}

/** Statistics of the present values of a window. */
export interface WindowStatistics {
  count: number;
  mean: number;
  std: number;
  min: number;
  max: number;
}

/**
 * Statistics of `values[from … to)`, of which NaN is left out: a function of these values alone, so that it comes out
 * the same wherever the series was cut. Two passes: O(to - from). The sample deviation, of two values or more.
 */
export function windowStatistics(
  values: Float64Array,
  from: number,
  to: number,
  into: WindowStatistics,
): void {
  let count = 0;
  let sum = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (let at = from; at < to; at++) {
    const value = values[at];
    if (Number.isNaN(value)) continue;
    count++;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = count > 0 ? sum / count : Number.NaN;
  into.count = count;
  into.mean = mean;
  into.min = count > 0 ? min : Number.NaN;
  into.max = count > 0 ? max : Number.NaN;
  let squares = 0;
  for (let at = from; at < to; at++) {
    const apart = values[at] - mean;
    if (!Number.isNaN(apart)) squares += apart * apart;
  }
  into.std = count > 1 ? Math.sqrt(squares / (count - 1)) : Number.NaN;
}

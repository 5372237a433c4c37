/** Typed arrays that grow by doubling, for trees whose size is not known beforehand. Zeros where nothing was written. */
import type { TypedArray } from '../../../particle/view.ts';

type Growing = Float64Array | Int32Array | Uint32Array | Uint8Array;

/** Records of `stride` entries each. */
export class Pool<T extends Growing> {
  /** Valid until the next `add`. */
  values: T;
  count = 0;
  readonly stride: number;
  readonly #type: new (
    length: number,
  ) => T;

  constructor(type: new (length: number) => T, stride: number) {
    this.#type = type;
    this.stride = stride;
    this.values = new type(stride * 4);
  }

  /** Adds records of zeros; returns the number of the first. */
  add(records = 1): number {
    const first = this.count;
    this.count += records;
    if (this.count * this.stride > this.values.length) {
      const grown = new this.#type(Math.max(this.count, first * 2) * this.stride);
      (grown as Float64Array).set(this.values as Float64Array);
      this.values = grown;
    }
    return first;
  }

  /** Sets a record to zeros. */
  clear(record: number): void {
    this.values.fill(0, record * this.stride, (record + 1) * this.stride);
  }

  /** What has been written, and no more. */
  save(): TypedArray {
    return this.values.slice(0, this.count * this.stride);
  }

  /** Takes over saved records; false if they are of another type or no whole number of records. */
  restore(saved: TypedArray | undefined): boolean {
    if (!(saved instanceof this.#type) || saved.length % this.stride !== 0) return false;
    this.values = new this.#type(Math.max(saved.length, this.stride));
    (this.values as Float64Array).set(saved as Float64Array);
    this.count = saved.length / this.stride;
    return true;
  }
}

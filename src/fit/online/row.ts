/**
 * A row as online learners read it: a list of (index, value). Linear learners read both; trees read values by position
 * and know indices to be 0, 1, 2 … Indices of hashed features may stand twice in a row: then each counts by itself.
 */

/** The entries of one row; valid until the next row is read into it. */
export interface Row {
  readonly count: number;
  readonly indices: Uint32Array;
  readonly values: Float64Array;
  /** Number of the field that each entry is of: its feature, or after all features the pair of an interaction. */
  readonly fields: Uint16Array;
}

/** A row that grows as entries are pushed. */
export class RowBuffer implements Row {
  count = 0;
  indices: Uint32Array = new Uint32Array(64);
  values: Float64Array = new Float64Array(64);
  fields: Uint16Array = new Uint16Array(64);
  /** Field of the entries that are pushed next. */
  field = 0;
  /** What each entry is, before it is folded into a slot; interactions are made of these. */
  hashes: Uint32Array = new Uint32Array(64);

  clear(): void {
    this.count = 0;
  }

  push(index: number, value: number, hash: number): void {
    if (this.count === this.indices.length) this.#grow();
    const at = this.count++;
    this.indices[at] = index;
    this.values[at] = value;
    this.fields[at] = this.field;
    this.hashes[at] = hash;
  }

  #grow(): void {
    const indices = new Uint32Array(this.count * 2);
    const values = new Float64Array(this.count * 2);
    const fields = new Uint16Array(this.count * 2);
    const hashes = new Uint32Array(this.count * 2);
    indices.set(this.indices);
    values.set(this.values);
    fields.set(this.fields);
    hashes.set(this.hashes);
    this.indices = indices;
    this.values = values;
    this.fields = fields;
    this.hashes = hashes;
  }
}

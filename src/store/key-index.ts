/**
 * A hash table from SHA-256 keys to places (segment, offset) in typed arrays: 16 bytes an entry, no objects.
 * Only the first 8 bytes of a key are kept; whoever reads the place must compare the whole key, as the record
 * there holds it. Open addressing, linear probing, at most 3/4 full; entries are never removed one by one.
 */

/** Where a record lies. */
export interface Place {
  readonly segment: number;
  readonly offset: number;
}

/** See the file's head. Segments are numbered from 0, offsets below 2³². */
export class KeyIndex {
  #slots = 1024;
  #count = 0;
  /** Four words a slot: key, key, segment + 1 (0 = free), offset. */
  #table = new Uint32Array(4 * 1024);

  /** Number of entries. */
  get size(): number {
    return this.#count;
  }

  /** Sets the place of a key, replacing an earlier one. */
  set(key: Uint8Array, place: Place): void {
    if (this.#count >= this.#slots * 0.75) this.#grow();
    const [a, b] = words(key);
    const at = this.#find(a, b);
    if (this.#table[at + 2] === 0) this.#count++;
    this.#table.set([a, b, place.segment + 1, place.offset], at);
  }

  get(key: Uint8Array): Place | undefined {
    const [a, b] = words(key);
    const at = this.#find(a, b);
    const segment = this.#table[at + 2];
    return segment === 0 ? undefined : { segment: segment - 1, offset: this.#table[at + 3] };
  }

  /** Start of the slot that holds the key, or of the free one where it would stand. */
  #find(a: number, b: number): number {
    const mask = this.#slots - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const at = slot * 4;
      if (this.#table[at + 2] === 0 || (this.#table[at] === a && this.#table[at + 1] === b)) return at;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#slots *= 2;
    this.#table = new Uint32Array(4 * this.#slots);
    for (let at = 0; at < old.length; at += 4) {
      if (old[at + 2] !== 0) this.#table.set(old.subarray(at, at + 4), this.#find(old[at], old[at + 1]));
    }
  }
}

function words(key: Uint8Array): [number, number] {
  const word = (i: number) => (key[i] | (key[i + 1] << 8) | (key[i + 2] << 16) | (key[i + 3] << 24)) >>> 0;
  return [word(0), word(4)];
}

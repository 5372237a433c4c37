/**
 * Builders of parts of chunks, value by value: numbers go straight into typed arrays, so that a row leaves no garbage behind.
 * A column of numbers has NaN where a value is missing.
 */
import { emptyValidity, setPresent } from '../particle/column.ts';
import type { Field } from '../particle/schema.ts';
import type { ChunkPart } from './chunk.ts';
import type { Converted } from './convert.ts';

/** Collects the values of one column. */
export interface PartBuilder {
  push(value: Converted): void;
  /** The values so far; the next part starts anew. */
  take(): ChunkPart;
}

const FIRST_ROWS = 256;

/** The builder for the values of a field. */
export function partBuilder({ type }: Field): PartBuilder {
  if (type === 'number' || type === 'timestamp') return new NumberBuilder();
  if (type === 'boolean') return new BooleanBuilder();
  return new ListBuilder(type === 'binary' ? 'binary' : 'texts');
}

class NumberBuilder implements PartBuilder {
  #values = new Float64Array(FIRST_ROWS);
  #rows = 0;

  push(value: Converted): void {
    if (this.#rows === this.#values.length) {
      const larger = new Float64Array(2 * this.#rows);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#rows++] = value === null ? Number.NaN : (value as number);
  }

  take(): ChunkPart {
    const values = this.#values.slice(0, this.#rows);
    this.#rows = 0;
    return { kind: 'numbers', values, validity: undefined };
  }
}

class BooleanBuilder implements PartBuilder {
  #values: (number | null)[] = [];

  push(value: Converted): void {
    this.#values.push(value as number | null);
  }

  take(): ChunkPart {
    const values = new Uint8Array(this.#values.length);
    const validity = emptyValidity(values.length);
    for (let row = 0; row < values.length; row++) {
      const value = this.#values[row];
      if (value === null) continue;
      values[row] = value;
      setPresent(validity, row);
    }
    this.#values = [];
    return { kind: 'booleans', values, validity };
  }
}

class ListBuilder implements PartBuilder {
  readonly #kind: 'binary' | 'texts';
  #values: Converted[] = [];

  constructor(kind: 'binary' | 'texts') {
    this.#kind = kind;
  }

  push(value: Converted): void {
    this.#values.push(value);
  }

  take(): ChunkPart {
    const part = { kind: this.#kind, values: this.#values } as ChunkPart;
    this.#values = [];
    return part;
  }
}

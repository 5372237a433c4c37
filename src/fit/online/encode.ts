/**
 * Rows as entries for online learners. Layout of indices of linear learners:
 *
 *   0 … n − 1   numbers, one each, standardised as they come     n   the constant 1     n + 1 …   2^bits hashed slots
 *
 * Categories, words and sparse entries are hashed with their column's name as namespace (Weinberger et al., ICML 2009),
 * and so are interactions: every entry of one column times every entry of another. A missing value has no entry.
 * Trees take position f of every feature: its number, the code of its category (by first appearance), NaN where missing.
 */
import { SoraError } from '../../errors.ts';
import type { EntrySlots } from '../../kernel/online.ts';
import { combine32, hashText } from '../../random.ts';
import { PLAIN_WORDS, Words } from '../../recipe/tokens.ts';
import type { Arrays } from './learner.ts';
import { RowBuffer } from './row.ts';
import { OnlineScaler } from './scaler.ts';
import type { Features, FeatureType, Source } from './source.ts';
import { corrupt } from './state.ts';

/** How rows become entries. */
export interface Encoding {
  readonly features: Features;
  readonly standardise: boolean;
  /** Logarithm of the number of hashed slots. */
  readonly hashBits: number;
  readonly constant: boolean;
  readonly interactions: readonly (readonly [string, string])[];
}

/** An encoder: reads the source's row into `row`, and learns from it first if it is to. */
export interface RowEncoder {
  readonly row: RowBuffer;
  readonly width: number;
  /** Fields of entries: one a feature, then one an interaction, then the constant's. */
  readonly fields: number;
  readonly nominal: readonly boolean[];
  read(source: Source, learn: boolean): void;
  /** What was counted of numbers counts for the share `keep`. */
  forget(keep: number): void;
  save(): Arrays;
  restore(arrays: Arrays): void;
}

const isNumeric = (type: FeatureType) => type === 'number' || type === 'boolean' || type === 'timestamp';

/** Rows for linear learners and naive Bayes. */
export class LinearEncoder implements RowEncoder {
  readonly row = new RowBuffer();
  readonly width: number;
  readonly fields: number;
  readonly nominal: readonly boolean[] = [];
  readonly #types: readonly FeatureType[];
  readonly #spaces: readonly number[];
  /** Index of each numeric field, -1 of others. */
  readonly #positions: readonly number[];
  readonly #numbers: number;
  readonly #pairs: readonly (readonly [number, number])[];
  readonly #constant: boolean;
  readonly #mask: number;
  readonly #base: number;
  readonly #scaler: OnlineScaler | undefined;
  /** Entries of field f are [starts[f], starts[f + 1]) of the row. */
  readonly #starts: Uint32Array;
  readonly #words = new Words();

  constructor({ features, standardise, hashBits, constant, interactions }: Encoding) {
    const names = Object.keys(features);
    this.#types = Object.values(features);
    this.#spaces = names.map((name) => hashText(name));
    let numbers = 0;
    this.#positions = this.#types.map((type) => (isNumeric(type) ? numbers++ : -1));
    this.#numbers = numbers;
    this.#pairs = interactions.map(([a, b]) => [fieldOf(names, a), fieldOf(names, b)]);
    this.#constant = constant;
    this.fields = names.length + interactions.length + (constant ? 1 : 0);
    this.#mask = 2 ** hashBits - 1;
    this.#base = numbers + 1;
    const hashed = interactions.length > 0 || this.#types.some((type) => !isNumeric(type));
    this.width = this.#base + (hashed ? 2 ** hashBits : 0);
    this.#scaler = standardise ? new OnlineScaler(numbers) : undefined;
    this.#starts = new Uint32Array(names.length + 1);
  }

  read(source: Source, learn: boolean): void {
    this.row.clear();
    for (let field = 0; field < this.#types.length; field++) {
      this.#starts[field] = this.row.count;
      this.row.field = field;
      this.#readField(source, field, learn);
    }
    this.#starts[this.#types.length] = this.row.count;
    for (const [a, b] of this.#pairs) {
      this.row.field++;
      this.#cross(a, b);
    }
    this.row.field++;
    if (this.#constant) this.row.push(this.#numbers, 1, 0);
  }

  #readField(source: Source, field: number, learn: boolean): void {
    const at = this.#positions[field];
    if (at >= 0) {
      const x = source.number(field);
      if (Number.isNaN(x)) return;
      if (learn) this.#scaler?.learn(at, x);
      this.row.push(at, this.#scaler === undefined ? x : this.#scaler.scale(at, x), this.#spaces[field]);
      return;
    }
    const type = this.#types[field];
    if (type === 'sparse') source.sparse(field, (index, value) => this.#pushHashed(field, index, value));
    else this.#readText(field, type, source.text(field));
  }

  #readText(field: number, type: FeatureType, text: string | undefined): void {
    if (text === undefined) return;
    if (type === 'category') {
      this.#pushHashed(field, hashText(text), 1);
      return;
    }
    this.#words.read(text, PLAIN_WORDS);
    for (let i = 0; i < this.#words.count; i++) this.#pushHashed(field, this.#words.hashes[i], 1);
  }

  #pushHashed(field: number, what: number, value: number): void {
    const hash = combine32(this.#spaces[field], what);
    this.row.push(this.#base + (hash & this.#mask), value, hash);
  }

  #cross(a: number, b: number): void {
    const { row } = this;
    for (let i = this.#starts[a]; i < this.#starts[a + 1]; i++) {
      for (let j = this.#starts[b]; j < this.#starts[b + 1]; j++) {
        const hash = combine32(row.hashes[i], row.hashes[j]);
        row.push(this.#base + (hash & this.#mask), row.values[i] * row.values[j], hash);
      }
    }
  }

  forget(keep: number): void {
    this.#scaler?.forget(keep);
  }

  /** Whether a row is read alike for learning and for predicting: there is nothing to standardise by. */
  get steady(): boolean {
    return this.#scaler === undefined || this.#numbers === 0;
  }

  /** Where a row's entries go that are all of one sparse column, number 0; undefined of other rows. */
  get sparseSlots(): EntrySlots | undefined {
    if (this.#types.length !== 1 || this.#types[0] !== 'sparse' || this.#pairs.length > 0) return undefined;
    const constant = this.#constant ? this.#numbers : -1;
    return { space: this.#spaces[0], mask: this.#mask, base: this.#base, constant };
  }

  save(): Arrays {
    return this.#scaler?.save() ?? {};
  }

  restore(arrays: Arrays): void {
    this.#scaler?.restore(arrays);
  }
}

function fieldOf(names: readonly string[], name: string): number {
  const at = names.indexOf(name);
  if (at >= 0) return at;
  throw new SoraError(
    'bad-option',
    `Interactions name the feature "${name}"; the features are ${names.join(', ')}.`,
  );
}

/** Rows for trees: one position a feature. */
export class TreeEncoder implements RowEncoder {
  readonly row = new RowBuffer();
  readonly width: number;
  readonly fields: number;
  readonly nominal: readonly boolean[];
  readonly #codes: readonly Map<string, number>[];

  constructor({ features }: Encoding) {
    for (const [name, type] of Object.entries(features)) {
      if (isNumeric(type) || type === 'category') continue;
      throw new SoraError(
        'bad-option',
        `Feature "${name}" is of type ${type}; trees take numbers, booleans, timestamps and categories. Use a linear learner for it.`,
      );
    }
    this.nominal = Object.values(features).map((type) => !isNumeric(type));
    this.width = this.nominal.length;
    this.fields = this.width;
    this.#codes = this.nominal.map(() => new Map());
  }

  read(source: Source, learn: boolean): void {
    this.row.clear();
    for (let field = 0; field < this.width; field++) {
      const value = this.nominal[field] ? this.#code(field, source.text(field), learn) : source.number(field);
      this.row.push(field, value, 0);
    }
  }

  /** Code of a category; NaN where missing, or unknown and not to be learned. */
  #code(field: number, text: string | undefined, learn: boolean): number {
    if (text === undefined) return Number.NaN;
    const known = this.#codes[field].get(text);
    if (known !== undefined) return known;
    if (!learn) return Number.NaN;
    const code = this.#codes[field].size;
    this.#codes[field].set(text, code);
    return code;
  }

  /** Codes stay what they are. */
  forget(): void {}

  /** Categories by code, as JSON text. */
  save(): Arrays {
    const categories = this.#codes.map((codes) => [...codes.keys()]);
    return { categories: new TextEncoder().encode(JSON.stringify(categories)) };
  }

  restore({ categories }: Arrays): void {
    const saved = parseCategories(categories, this.width);
    this.#codes.forEach((codes, field) => {
      codes.clear();
      for (const text of saved[field]) codes.set(text, codes.size);
    });
  }
}

function parseCategories(
  bytes: Arrays[string] | undefined,
  features: number,
): readonly (readonly string[])[] {
  let saved: unknown;
  try {
    saved = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt('its categories cannot be read', cause);
  }
  const lists = Array.isArray(saved) && saved.length === features && saved.every(Array.isArray);
  if (!lists) throw corrupt('its categories are of other features');
  return saved as string[][];
}

/**
 * The text form of LightGBM models as named fields: a header, one block a tree, what follows. Checks that arrays have the
 * lengths they must have; what the fields mean is lightgbm.ts's concern. Format: `Tree::ToString` and
 * `GBDT::SaveModelToString` of LightGBM, versions v2 to v4.
 */
import { badModel } from './build.ts';

const DAMAGED = 'The file is damaged: save the model again.';

/** Fields of a block by name. */
export class TextBlock {
  readonly where: string;
  readonly fields: ReadonlyMap<string, string>;

  constructor(lines: readonly string[], where: string) {
    this.where = where;
    this.fields = new Map(
      lines.flatMap((line): [string, string][] => {
        const at = line.indexOf('=');
        return at < 0
          ? line.trim() === ''
            ? []
            : [[line.trim(), '']]
          : [[line.slice(0, at), line.slice(at + 1)]];
      }),
    );
  }

  has(name: string): boolean {
    return this.fields.has(name);
  }

  text(name: string): string {
    const value = this.fields.get(name);
    if (value === undefined) throw badModel(this.where, `there is no field "${name}"`, DAMAGED);
    return value;
  }

  words(name: string): string[] {
    return this.text(name)
      .split(' ')
      .filter((word) => word !== '');
  }

  /** A whole number of 0 or more. */
  count(name: string): number {
    const value = Number(this.text(name));
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw badModel(this.where, `field "${name}" is "${this.text(name)}", not a whole number`, DAMAGED);
  }

  /** `length` numbers; zeros where the field is not there and may be missing. */
  numbers(name: string, length: number, optional = false): Float64Array {
    if (optional && !this.has(name)) return new Float64Array(length);
    const values = Float64Array.from(this.words(name), numberOf);
    if (values.length === length && !values.some(Number.isNaN)) return values;
    throw badModel(this.where, `field "${name}" is not ${length} numbers (it has ${values.length})`, DAMAGED);
  }
}

function numberOf(word: string): number {
  if (/^[+-]?inf/i.test(word))
    return word.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(word);
}

/** The blocks of a model. */
export interface ModelText {
  readonly header: TextBlock;
  readonly trees: readonly TextBlock[];
  /** Names of categories of the columns that pandas knew as such, in order; undefined if there are none. */
  readonly pandasCategories?: readonly (readonly unknown[])[];
}

/** Cuts the text of a model into blocks; `where` names it in messages. */
export function parseModelText(text: string, where: string): ModelText {
  const lines = text.split(/\r?\n/);
  const end = lines.findIndex((line) => line.trim() === 'end of trees');
  if (end < 0) {
    throw badModel(
      where,
      'there is no line "end of trees", so the model is cut short',
      'Save it again (Booster.save_model), or copy the whole file.',
    );
  }
  const heads = lines.flatMap((line, at) => (at < end && /^Tree=\d+$/.test(line.trim()) ? [at] : []));
  const stops = [...heads, end];
  return {
    header: new TextBlock(lines.slice(0, stops[0]), where),
    trees: heads.map((at, i) => new TextBlock(lines.slice(at + 1, stops[i + 1]), `${where}, tree ${i}`)),
    pandasCategories: pandasCategories(lines.slice(end), where),
  };
}

function pandasCategories(lines: readonly string[], where: string): unknown[][] | undefined {
  const line = lines.find((one) => one.startsWith('pandas_categorical:'));
  if (line === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(line.slice('pandas_categorical:'.length));
    if (value === null) return undefined;
    if (Array.isArray(value) && value.every(Array.isArray)) return value.length > 0 ? value : undefined;
  } catch {
    // Falls through: the same message for what is no JSON and what is another JSON.
  }
  throw badModel(where, 'the line "pandas_categorical" is no list of lists', DAMAGED);
}

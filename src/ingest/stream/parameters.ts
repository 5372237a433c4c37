/**
 * What an address of a stream says beside where it is: `?table=events&poll=1s`. Each parameter is taken by name and
 * checked; one that nobody takes is an error, with the name that was perhaps meant. Values of others, which may be
 * secrets, are in no message.
 */
import { SoraError } from '../../errors.ts';
import { suggestion } from '../names.ts';

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Longest time that a timer of Node takes. */
const LONGEST_MS = 2 ** 31 - 1;

/** The parameters of one address. */
export class Parameters {
  readonly #values: URLSearchParams;
  readonly #where: string;
  readonly #asked = new Set<string>();

  /** `where` is how messages call the address: without secrets. */
  constructor(values: URLSearchParams, where: string) {
    this.#values = values;
    this.#where = where;
  }

  /** The text of a parameter. Throws if it is given twice, or is empty. */
  text(name: string): string | undefined {
    const all = this.all(name);
    if (all.length > 1) throw this.bad(name, 'is given twice', 'give it once');
    return all[0];
  }

  /** The texts of a parameter that may be given more than once. */
  all(name: string): string[] {
    this.#asked.add(name);
    const all = this.#values.getAll(name);
    if (all.includes('')) throw this.bad(name, 'is empty', 'give it a value or leave it out');
    return all;
  }

  /** A whole number within bounds. */
  count(name: string, fallback: number, least: number, most: number): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw this.bad(name, `is "${text}"`, `give a whole number from ${least} to ${most}`);
  }

  /** A time in milliseconds: `250ms`, `5s`, `1m`, `2h`, `1d`. */
  milliseconds(name: string, fallback: number): number {
    const text = this.text(name);
    if (text === undefined) return fallback;
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
    const value = match === null ? Number.NaN : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
    if (value <= LONGEST_MS) return value;
    throw this.bad(name, `is "${text}"`, 'give a time with its unit (250ms, 5s, 1m, 2h), at most 24d');
  }

  /** True for `true`, false for `false` or where it is not given. */
  flag(name: string): boolean {
    const text = this.text(name);
    if (text === undefined || text === 'false') return false;
    if (text === 'true') return true;
    throw this.bad(name, `is "${text}"`, 'give true or false');
  }

  /** Throws `bad-option` if there is a parameter that was not asked for and is not one of `others`. */
  done(others: readonly string[] = []): void {
    const known = [...this.#asked, ...others];
    for (const name of this.#values.keys()) {
      if (known.includes(name)) continue;
      throw new SoraError(
        'bad-option',
        `${this.#where}: there is no parameter "${name}". ${suggestion(name, [...this.#asked])}`,
        { details: { parameter: name, known } },
      );
    }
  }

  /** The error of a parameter. */
  bad(name: string, what: string, remedy: string): SoraError {
    return new SoraError('bad-option', `${this.#where}: the parameter "${name}" ${what}; ${remedy}.`, {
      details: { parameter: name },
    });
  }
}

/** The parts of an address; `bad-option` without the text, which may hold a password, if it is none. */
export function parseAddress(text: string, form: string): URL {
  // The error of URL has the text in it, so it is no cause.
  if (!URL.canParse(text)) {
    throw new SoraError('bad-option', `The address of the stream cannot be read. Write it as ${form}.`);
  }
  return new URL(text);
}

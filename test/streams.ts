/** Real streams as particles, in their order, for tests of online learners. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import settings from '../src/fit/online/fixtures/settings.json' with { type: 'json' };
import type { Features } from '../src/fit/online/source.ts';
import { createParticle } from '../src/particle/create.ts';
import type { Particle } from '../src/particle/particle.ts';
import { isThere, realPath } from './real-data.ts';

export type StreamName = keyof typeof settings.streams;

/** Where a stream lies, and what is predicted from which columns: all others where none are named. */
interface StreamFile {
  readonly file: string;
  readonly target: string;
  readonly columns?: readonly string[];
  readonly delimiter?: string;
  /** The classes are whether the target is above this number; rows without a value asked for are left out. */
  readonly above?: number;
}

export interface Stream {
  readonly particle: Particle;
  readonly features: Features;
  /** The classes in order; absent where numbers are learned. */
  readonly classes?: readonly (number | string)[];
}

/** The stream, or undefined, said on standard error, where its file is not there. Columns that are not numbers are categories. */
export function readStream(name: StreamName): Stream | undefined {
  const { file, target, columns, delimiter = ',', above }: StreamFile = settings.streams[name];
  const path = [file, file.replace(/\.gz$/, '')].find((one) => existsSync(realPath(one)));
  if (path === undefined) {
    isThere(file);
    return undefined;
  }
  const bytes = readFileSync(realPath(path));
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().replaceAll('"', '');
  const [names, ...all] = text
    .trim()
    .split(/\r?\n/)
    .map((line) => line.split(delimiter));
  const chosen = columns ?? names.filter((one) => one !== target);
  const asked = [...chosen, target].map((one) => names.indexOf(one));
  const cells = above === undefined ? all : all.filter((row) => asked.every((at) => row[at] !== ''));
  const valuesOf = (one: string) => {
    const texts = cells.map((row) => row[names.indexOf(one)]);
    const numbers = texts.map(Number);
    if (numbers.some(Number.isNaN)) return texts;
    return one === target && above !== undefined ? numbers.map((x) => (x > above ? 1 : 0)) : numbers;
  };
  const values = Object.fromEntries([...chosen, target].map((one) => [one, valuesOf(one)]));
  const isNumber = (one: string) => typeof values[one][0] === 'number';
  return {
    particle: createParticle({ columns: values, roles: { [target]: 'label' } }),
    features: Object.fromEntries(chosen.map((one) => [one, isNumber(one) ? 'number' : 'category'])),
    ...(name === 'bike' ? {} : { classes: isNumber(target) ? [0, 1] : ['no', 'yes'] }),
  };
}

/**
 * The stream of the golden scripts of drift: 2,000 values of each level, 0 and 1 at that share or numbers about it, by the
 * linear congruential generator of Numerical Recipes.
 */
export function* steppedStream(levels: readonly number[], binary: boolean): Generator<number> {
  let state = 1;
  for (let index = 0; index < 2000 * levels.length; index++) {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    const u = state / 2 ** 32;
    const level = levels[Math.floor(index / 2000)];
    yield binary ? Number(u < level) : level + 0.3 * (u - 0.5);
  }
}

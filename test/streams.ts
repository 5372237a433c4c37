/** Real streams as particles, in their order, for tests of online learners. */
import { existsSync } from 'node:fs';
import { streamColumns } from '../bench/stream/columns.mjs';
import settings from '../src/fit/online/fixtures/settings.json' with { type: 'json' };
import type { Features } from '../src/fit/online/source.ts';
import { createParticle } from '../src/particle/create.ts';
import type { Particle } from '../src/particle/particle.ts';
import { isThere, realPath } from './real-data.ts';

export type StreamName = keyof typeof settings.streams;

export interface Stream {
  readonly particle: Particle;
  readonly features: Features;
  /** The classes in order; absent where numbers are learned. */
  readonly classes?: readonly (number | string)[];
}

/** The stream, or undefined, said on standard error, where its file is not there. */
export function readStream(name: StreamName): Stream | undefined {
  const { file, ...spec } = settings.streams[name];
  const path = [file, file.replace(/\.gz$/, '')].map(realPath).find((one) => existsSync(one));
  if (path === undefined) {
    isThere(file);
    return undefined;
  }
  const { columns, roles, features, classes } = streamColumns(path, spec);
  const particle = createParticle({ columns, roles });
  return { particle, features, ...(name === 'bike' ? {} : { classes }) };
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

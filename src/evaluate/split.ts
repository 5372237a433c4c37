/**
 * Ways to keep rows from a learner so that it can be judged on them. All are pure functions of content and seed:
 * a row's side depends on the row alone, so it does not change when rows are appended or particles are recut.
 */
import { SoraError } from '../errors.ts';
import type { ParticleRef } from '../particle/particle.ts';
import { combine32 } from '../random.ts';
import type { Split } from '../summary/split.ts';

/** The two sides of a hold-out. Throws `bad-option` unless 0 < fraction < 1. */
export function holdOut(options: { readonly seed: number; readonly fraction: number }): {
  train: Split;
  test: Split;
} {
  const { seed, fraction } = options;
  if (!(fraction > 0 && fraction < 1)) {
    throw new SoraError('bad-option', `The held-out fraction is ${fraction}; it must lie between 0 and 1.`);
  }
  return { train: { seed, fraction, side: 'train' }, test: { seed, fraction, side: 'test' } };
}

/** Two disjoint halves of the test side of a split, again by row hash: together they are its rows. */
export function halves({ from = 0, fraction, ...rest }: Split): [Split, Split] {
  const middle = (from + fraction) / 2;
  return [
    { ...rest, from, fraction: middle },
    { ...rest, from: middle, fraction },
  ];
}

/** One fold: the particles to train on and those to test on, each in the order given. */
export interface Fold<P extends ParticleRef = ParticleRef> {
  readonly train: readonly P[];
  readonly test: readonly P[];
}

/**
 * k folds by particle, balanced by rows: particles, largest first and shuffled by seed among equals, go to the fold
 * with the fewest rows so far. Throws `bad-option` when there are fewer particles than folds. O(particles · k).
 */
export function kFolds<P extends ParticleRef>(particles: readonly P[], k: number, seed = 0): Fold<P>[] {
  if (!(Number.isInteger(k) && k >= 2)) {
    throw new SoraError(
      'bad-option',
      `The number of folds is ${k}; it must be a whole number of at least 2.`,
    );
  }
  if (particles.length < k) {
    throw new SoraError(
      'bad-option',
      `${k} folds need at least ${k} particles, and there ${particles.length === 1 ? 'is' : 'are'} ${particles.length}. Use fewer folds, cut the data into smaller particles, or hold out rows instead.`,
      { details: { folds: k, particles: particles.length } },
    );
  }
  const foldOf = assignFolds(particles, k, seed);
  return Array.from({ length: k }, (_, fold) => ({
    train: particles.filter((_, index) => foldOf[index] !== fold),
    test: particles.filter((_, index) => foldOf[index] === fold),
  }));
}

function assignFolds(particles: readonly ParticleRef[], k: number, seed: number): Uint32Array {
  const ranked = particles.map(({ hash, rows }, index) => ({
    index,
    rows,
    rank: combine32(seed >>> 0, Number.parseInt(hash.slice(0, 8), 16)),
  }));
  ranked.sort((a, b) => b.rows - a.rows || a.rank - b.rank || a.index - b.index);
  const load = new Float64Array(k);
  const members = new Uint32Array(k);
  const foldOf = new Uint32Array(particles.length);
  for (const { index, rows } of ranked) {
    let least = 0;
    for (let fold = 1; fold < k; fold++) {
      if (load[fold] < load[least] || (load[fold] === load[least] && members[fold] < members[least]))
        least = fold;
    }
    foldOf[index] = least;
    load[least] += rows;
    members[least]++;
  }
  return foldOf;
}

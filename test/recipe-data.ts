/** Data for tests of recipes: profiles of particles in memory, target statistics, and Adult from its file. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createParticle } from '../src/particle/create.ts';
import type { Particle } from '../src/particle/particle.ts';
import type { CsrView, DenseView } from '../src/particle/view.ts';
import { fitRecipe } from '../src/recipe/fit.ts';
import { inferLabel } from '../src/recipe/label.ts';
import type { RecipeOptions } from '../src/recipe/options.ts';
import type { Recipe } from '../src/recipe/recipe.ts';
import { type Profile, profile } from '../src/summary/profile.ts';
import type { Split } from '../src/summary/split.ts';
import { partial, type Summary } from '../src/summary/summary.ts';
import { type TargetStatistics, targets } from '../src/summary/target.ts';

/** Observes particles one by one, merges in order and reads. */
export function summarised<State, Value>(
  summary: Summary<State, Value>,
  particles: readonly Particle[],
): Value {
  const state = summary.empty();
  for (const particle of particles) summary.merge(state, partial(summary, particle));
  return summary.read(state);
}

/** The profile of particles, or of one side of them. */
export function profileOf(particles: readonly Particle[], split?: Split): Profile {
  return summarised(profile(split === undefined ? null : { split }), particles);
}

/** Target statistics of a category column, all of its levels. */
export function targetsOf(
  particles: readonly Particle[],
  name: string,
  folds = 5,
): Record<string, TargetStatistics> {
  const known = profileOf(particles);
  const label = inferLabel(particles[0].schema, known)!;
  const column = known.columns.find((one) => one.name === name);
  const levels = column?.type === 'category' ? column.values.map(({ value }) => value) : [];
  const { kind, classes } = label;
  const summary = targets({
    columns: [{ name, levels }],
    label: { column: label.column, kind, classes },
    folds,
    seed: 1,
  });
  return { [name]: summarised(summary, particles)[0] };
}

/** The features of a row, by name, without zeros. */
export function rowOf(
  view: DenseView | CsrView,
  names: readonly string[],
  row: number,
): Record<string, number> {
  const features: Record<string, number> = {};
  if (view.kind === 'dense') {
    for (let f = 0; f < view.features; f++) {
      const value = view.values[f * view.stride + row];
      if (value !== 0) features[names[f]] = value;
    }
  } else {
    for (let at = view.starts[row]; at < view.starts[row + 1]; at++) {
      features[names[view.indices[at]]] = view.values[at];
    }
  }
  return features;
}

/** The same of every row. */
export function rowsOf(view: DenseView | CsrView, names: readonly string[]): Record<string, number>[] {
  return Array.from({ length: view.rows }, (_, row) => rowOf(view, names, row));
}

/** The recipe of one particle. */
export function fitted(particle: Particle, options: RecipeOptions = {}): Recipe {
  return fitRecipe({ schema: particle.schema, profile: profileOf([particle]), options });
}

const ADULT_NAMES = [
  ...[
    'age',
    'workclass',
    'fnlwgt',
    'education',
    'education_num',
    'marital_status',
    'occupation',
    'relationship',
  ],
  ...['race', 'sex', 'capital_gain', 'capital_loss', 'hours_per_week', 'native_country', 'income'],
];
const ADULT_NUMBERS = new Set([
  'age',
  'fnlwgt',
  'education_num',
  'capital_gain',
  'capital_loss',
  'hours_per_week',
]);

/** Adult census income; undefined where the data is not at hand. */
export function adult(file: 'adult.data' | 'adult.test'): Particle | undefined {
  const root = process.env.SORA_DATA ?? fileURLToPath(new URL('../../shared/data', import.meta.url));
  const path = `${root}/adult/${file}`;
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8').split('\n');
  const rows = lines.filter((line) => line.includes(', ')).map((line) => line.replace(/\.$/, '').split(', '));
  const columns = ADULT_NAMES.map((name, index) => {
    const cells = rows.map((row) => (row[index] === '?' ? null : row[index]));
    return [name, ADULT_NUMBERS.has(name) ? cells.map(Number) : cells] as const;
  });
  return createParticle({ columns: Object.fromEntries(columns), roles: { income: 'label' } });
}

/**
 * Class weights: a factor on the weight of every row by its class. They are part of the view, so every summary of a
 * fit honours them without knowing, while evaluation looks at views without them.
 */
import { SoraError } from '../../errors.ts';
import type { Json } from '../../json.ts';
import { compiledModule, type Reference, resolveReference } from '../../run/reference.ts';
import type { ViewKind } from '../../run/session.ts';
import type { LabelTotals } from '../labels.ts';
import type { LearnerView } from './pass.ts';

/** `balanced`: every class gets the same total weight; or a factor for each class, by index. */
export type ClassWeight = 'none' | 'balanced' | readonly number[];

interface Options {
  readonly view: Reference;
  readonly factors: readonly number[];
}

/** Factors by class, or undefined when none are asked for. Throws `bad-option` on a factor that is not positive. */
export function classFactors(
  classWeight: ClassWeight,
  totals: Pick<LabelTotals, 'classes' | 'weight'>,
): number[] | undefined {
  if (classWeight === 'none') return undefined;
  const { classes, weight } = totals;
  if (classes.length === 0) {
    throw new SoraError(
      'bad-option',
      'Class weights need a label with classes; this one is a number or count.',
    );
  }
  if (classWeight === 'balanced') {
    return Array.from(classes, (own) => (own > 0 ? weight / (classes.length * own) : 1));
  }
  const valid =
    classWeight.length === classes.length && classWeight.every((w) => w > 0 && Number.isFinite(w));
  if (valid) return [...classWeight];
  throw new SoraError(
    'bad-option',
    `Class weights are [${classWeight.join(', ')}]; there must be ${classes.length} positive numbers, one a class.`,
  );
}

/** Totals of the labels as they are once rows carry their class's factor. */
export function weightedTotals(totals: LabelTotals, factors: readonly number[]): LabelTotals {
  const classes = totals.classes.map((weight, c) => weight * factors[c]);
  const weight = classes.reduce((sum, own) => sum + own, 0);
  const sum = classes.reduce((total, own, c) => total + own * c, 0);
  const m2 = classes.reduce((total, own, c) => total + own * (c - sum / weight) * (c - sum / weight), 0);
  return { ...totals, weight, sum, m2, exposure: weight, classes };
}

/** Names the view of `view` with class factors on its weights. */
export function classWeightedReference(view: Reference, factors: readonly number[]): Reference {
  const options = { view, factors } as unknown as Json;
  return { module: import.meta.url, name: 'classWeightedView', options };
}

/**
 * View kind: the inner view with `weights` multiplied by the factor of each row's class.
 * @byReference
 */
export async function classWeightedView(options: Json): Promise<ViewKind<LearnerView>> {
  const { view, factors } = options as unknown as Options;
  // Inside a worker this module is compiled, and so must be the one it names.
  const module = import.meta.url.endsWith('.ts') ? view.module : compiledModule(view.module);
  const inner = await resolveReference<ViewKind<LearnerView>>({ ...view, module });
  return {
    id: `class-weights/1 ${factors.join(' ')} ${inner.id}`,
    kept: inner.kept,
    derive(particle, memory) {
      const derived = inner.derive(particle, memory);
      const weights = Float64Array.from(
        derived.labels,
        (label, row) => factors[label] * (derived.weights?.[row] ?? 1),
      );
      return { ...derived, weights };
    },
  };
}

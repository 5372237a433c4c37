/** Every online learner by name: the one line that a new learner adds. */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { adagrad, adagradOptions } from './adagrad.ts';
import { alma, almaOptions } from './alma.ts';
import { factorizationMachine, factorizationMachineOptions } from './factorization-machine.ts';
import { fieldAwareMachine, fieldAwareMachineOptions } from './field-aware-machine.ts';
import { ftrl, ftrlOptions } from './ftrl.ts';
import type { OnlineLearner, Shape } from './learner.ts';
import {
  gaussianBayes,
  gaussianBayesOptions,
  multinomialBayes,
  multinomialBayesOptions,
} from './naive-bayes.ts';
import { passiveAggressive, passiveAggressiveOptions } from './passive-aggressive.ts';
import { adaptiveForest, adaptiveForestOptions } from './tree/adaptive-forest.ts';
import { hoeffdingTree, hoeffdingTreeOptions } from './tree/hoeffding-tree.ts';
import { leveragingBagging, leveragingBaggingOptions } from './tree/leveraging-bagging.ts';

/** How learners want rows: trees by position; the others as indices, perhaps standardised, perhaps with a constant. */
const LINEAR = { rows: 'linear', standardise: true, constant: true } as const;
/** Machines have an intercept of their own. */
const MACHINE = { rows: 'linear', standardise: true, constant: false } as const;
const BAYES = { rows: 'linear', standardise: false, constant: false } as const;
const TREE = { rows: 'tree', standardise: false, constant: false } as const;

/** Options, how rows are encoded, and the factory of each learner. */
const LEARNERS = {
  ftrl: { options: ftrlOptions, create: ftrl, ...LINEAR },
  adagrad: { options: adagradOptions, create: adagrad, ...LINEAR },
  'passive-aggressive': { options: passiveAggressiveOptions, create: passiveAggressive, ...LINEAR },
  alma: { options: almaOptions, create: alma, ...LINEAR },
  'factorization-machine': {
    options: factorizationMachineOptions,
    create: factorizationMachine,
    ...MACHINE,
  },
  'field-aware-machine': { options: fieldAwareMachineOptions, create: fieldAwareMachine, ...MACHINE },
  'gaussian-bayes': { options: gaussianBayesOptions, create: gaussianBayes, ...BAYES },
  'multinomial-bayes': { options: multinomialBayesOptions, create: multinomialBayes, ...BAYES },
  'hoeffding-tree': { options: hoeffdingTreeOptions, create: hoeffdingTree, ...TREE },
  'adaptive-forest': { options: adaptiveForestOptions, create: adaptiveForest, ...TREE },
  'leveraging-bagging': { options: leveragingBaggingOptions, create: leveragingBagging, ...TREE },
} as const;

export type OnlineLearnerName = keyof typeof LEARNERS;

/** A learner with its options; those left out take their defaults. */
export type OnlineLearnerSpec = {
  [Name in OnlineLearnerName]: z.input<(typeof LEARNERS)[Name]['options']>;
}[OnlineLearnerName];

/** A learner found by name: full options, how it wants rows, and how to make one. */
export interface FoundLearner {
  readonly spec: { readonly name: OnlineLearnerName };
  readonly rows: 'linear' | 'tree';
  readonly standardise: boolean;
  readonly constant: boolean;
  create(shape: Shape): OnlineLearner;
}

function isLearnerName(name: string): name is OnlineLearnerName {
  return Object.hasOwn(LEARNERS, name);
}

/** The learner of a name or specification; throws `bad-option` naming what is wrong. */
export function onlineLearner(asked: unknown): FoundLearner {
  const spec = typeof asked === 'string' ? { name: asked } : (asked as { name?: unknown } | null);
  const name = String(spec?.name);
  if (!isLearnerName(name)) {
    throw new SoraError(
      'bad-option',
      `There is no online learner "${name}"; choose one of ${Object.keys(LEARNERS).join(', ')} or stack.`,
    );
  }
  const { options, create, ...rest } = LEARNERS[name];
  const parsed = options.safeParse(spec);
  if (!parsed.success) {
    throw new SoraError('bad-option', `Online learner ${name}: ${z.prettifyError(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  return {
    spec: parsed.data,
    ...rest,
    create: (shape) => (create as (options: unknown, shape: Shape) => OnlineLearner)(parsed.data, shape),
  };
}

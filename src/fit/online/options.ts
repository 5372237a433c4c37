/** Options of an online model: what they are, their check, and the stage of encoders and learners that they describe. */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import type { Json } from '../../json.ts';
import { combine32 } from '../../random.ts';
import { NEW_CLASSES, type OnlineLabel } from './classes.ts';
import { DriftStage } from './drift/policy.ts';
import { driftSettings, type OnlineDriftOptions } from './drift/settings.ts';
import { type OnlineLearnerName, type OnlineLearnerSpec, onlineLearner } from './registry.ts';
import type { Features } from './source.ts';
import { StackStage, stackOptions } from './stack.ts';
import { PlainStage, type Stage, type StageContext } from './stage.ts';

/** Several learners and FTRL over what they say. */
export interface OnlineStackSpec extends Omit<z.input<typeof stackOptions>, 'members'> {
  readonly members?: readonly (OnlineLearnerName | OnlineLearnerSpec)[];
}

/** What an online model is made of. */
export interface OnlineOptions {
  readonly learner: OnlineLearnerName | OnlineLearnerSpec | 'stack' | OnlineStackSpec;
  /** Names and types of the features. */
  readonly features: Features;
  /** The classes known from the start, at least one, in the order of their shares; without them numbers are learned. */
  readonly classes?: readonly OnlineLabel[];
  /** Whether a label of another class is learned as a new class, after the others, or is an error; default: learned. */
  readonly newClasses?: (typeof NEW_CLASSES)[number];
  /** Whether linear learners see numbers in running standard deviations from their running mean; default true. */
  readonly standardise?: boolean;
  /** Categories, words, sparse entries and interactions are hashed into 2^hashBits slots; default 18. */
  readonly hashBits?: number;
  /** Pairs of features whose products linear learners see too. */
  readonly interactions?: readonly (readonly [string, string])[];
  /** Key of the random numbers; default 0. */
  readonly seed?: number;
  /** What to do about drift: a policy by name, or with a detector and options; default: nothing. */
  readonly drift?: OnlineDriftOptions['policy'] | OnlineDriftOptions;
}

const optionsShape = z.strictObject({
  learner: z.unknown(),
  features: z.record(
    z.string().min(1),
    z.enum(['number', 'boolean', 'timestamp', 'category', 'text', 'sparse']),
  ),
  classes: z
    .array(z.union([z.number(), z.string(), z.boolean()]))
    .min(1)
    .optional(),
  newClasses: z.enum(NEW_CLASSES).optional(),
  standardise: z.boolean().optional(),
  hashBits: z.int().min(1).max(28).default(18),
  interactions: z.array(z.tuple([z.string(), z.string()])).default([]),
  seed: z.int().default(0),
  drift: z.unknown().optional(),
});

/** Checked options: as they are saved, and what follows from them. */
export interface ModelParts {
  readonly saved: Json;
  readonly features: Features;
  readonly classes: readonly OnlineLabel[];
  readonly newClasses: (typeof NEW_CLASSES)[number];
  readonly stage: Stage;
  /** The same stage, if it does something about drift. */
  readonly drift?: DriftStage;
}

/** Checks options and makes what they describe. Throws `bad-option` naming what does not fit. */
export function modelParts(options: OnlineOptions): ModelParts {
  const parsed = optionsShape.safeParse(options);
  if (!parsed.success) {
    throw new SoraError('bad-option', `Online model: ${z.prettifyError(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  const { learner, classes = [], newClasses = 'learn', drift, ...rest } = parsed.data;
  if (new Set(classes).size < classes.length) {
    throw new SoraError(
      'bad-option',
      `Online model: the classes ${JSON.stringify(classes)} name one twice; name each once.`,
    );
  }
  const features = sorted(rest.features);
  // Of one class alone, the place of the second stands empty.
  const context = { ...rest, features, classes: classes.length === 1 ? 2 : classes.length };
  const { spec, stage } = stageOf(learner, context);
  const saved = { ...parsed.data, learner: spec } as unknown as { [name: string]: Json };
  const common = { features, classes, newClasses };
  if (drift === undefined) return { saved, ...common, stage };
  const settings = driftSettings(drift);
  const make = (generation: number) =>
    stageOf(spec, { ...context, seed: seedOf(context.seed, generation) }).stage;
  const watching = new DriftStage(settings, make, context.classes, context.seed);
  return {
    saved: { ...saved, drift: settings as unknown as Json },
    ...common,
    stage: watching,
    drift: watching,
  };
}

/** Key of the random numbers of the learner that was made after so many others. */
function seedOf(seed: number, generation: number): number {
  return generation === 0 ? seed : combine32(seed >>> 0, generation);
}

/** The stage of a learner, and its specification in full. Throws `bad-option` naming what does not fit. */
function stageOf(learner: unknown, context: StageContext): { spec: unknown; stage: Stage } {
  const name = typeof learner === 'string' ? learner : (learner as { name?: unknown } | null)?.name;
  if (name !== 'stack') {
    const found = onlineLearner(learner);
    return { spec: found.spec, stage: new PlainStage(found, context) };
  }
  const parsed = stackOptions.safeParse(typeof learner === 'string' ? { name } : learner);
  if (!parsed.success) {
    throw new SoraError('bad-option', `Online learner stack: ${z.prettifyError(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  const members = parsed.data.members.map((member) => onlineLearner(member).spec);
  const spec = { ...parsed.data, members };
  return { spec, stage: new StackStage(spec, context) };
}

/** Features by name, so that a model does not depend on the order they are named in. */
function sorted(features: Features): Features {
  return Object.fromEntries(Object.entries(features).sort(([a], [b]) => (a < b ? -1 : 1)));
}

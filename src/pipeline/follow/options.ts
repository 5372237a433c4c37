/** Options of `sora follow`, declared once: types of the API, flags, checks, and `docs/options.md`. */
import { z } from 'zod';
import { NEW_CLASSES } from '../../fit/online/classes.ts';
import { DRIFT_DETECTORS } from '../../fit/online/drift/detectors.ts';
import { DRIFT_POLICIES } from '../../fit/online/drift/settings.ts';
import { TEXT_FORMATS } from '../../ingest/stream/text-rows.ts';
import { atOption, readShape, roleShape } from '../options.ts';

/** `sora follow`. */
export const followShape = z.object({
  store: z
    .string()
    .optional()
    .describe('Store directory; default: the name of the file, folder, table or stream with .sora.'),
  name: z.string().optional().describe('Name of the model in the store; default: the target.'),
  target: roleShape.shape.target,
  key: roleShape.shape.key,
  time: roleShape.shape.time,
  weight: roleShape.shape.weight,
  ignore: roleShape.shape.ignore,
  types: readShape.shape.types,
  format: z
    .enum(TEXT_FORMATS)
    .optional()
    .describe('Format of a file or of those in a folder; default: by their names.'),
  delimiter: readShape.shape.delimiter,
  sampleRows: z
    .int()
    .positive()
    .max(1_000_000)
    .default(1000)
    .describe('First rows that columns, types and classes are inferred from.'),
  badRows: readShape.shape.badRows,
  task: z
    .enum(['auto', 'classes', 'numbers'])
    .default('auto')
    .describe('What the target is; auto takes two numbers, booleans and strings for classes.'),
  classes: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('Classes of the target that are known from the start; default: those of the first rows.'),
  newClasses: z
    .enum(NEW_CLASSES)
    .default('learn')
    .describe(
      'What to do with a class that comes later: learn it, or refuse it, which makes its row a bad one.',
    ),
  learner: z
    .string()
    .optional()
    .describe(
      'Online learner; default: stack for two classes and adaptive-forest for more, ftrl for numbers and with texts.',
    ),
  learnerOptions: z
    .record(z.string(), z.string())
    .optional()
    .describe('Options of the learner, e.g. alpha=0.05,l1=1; see docs/online.md.'),
  drift: z
    .enum(DRIFT_DETECTORS)
    .optional()
    .describe(
      'Watch the errors of the model with this detector; default: adwin if a policy is given, else none.',
    ),
  driftOptions: z
    .record(z.string(), z.string())
    .optional()
    .describe('Options of the detector, e.g. delta=0.001; see docs/drift.md.'),
  policy: z
    .enum(DRIFT_POLICIES)
    .optional()
    .describe(
      'What to do when errors have become larger: say so, raise step sizes, forget, or train a rival that takes over once it is better; default: warn.',
    ),
  hashBits: z
    .int()
    .min(1)
    .max(28)
    .optional()
    .describe(
      'Categories and words are hashed into 2^n slots; default: 18 with texts, else 14. Each commit holds them all.',
    ),
  seed: z.int().min(0).max(0xffff_ffff).default(0).describe('Seed of every random choice.'),
  catchUp: z
    .boolean()
    .default(false)
    .describe(
      'When following begins: learn the rows that the store has already, before those of the source.',
    ),
  particleRows: z
    .int()
    .positive()
    .max(1_000_000)
    .default(16_384)
    .describe('Rows taken from the source after which a particle is closed and committed.'),
  particleSeconds: z
    .number()
    .positive()
    .default(5)
    .describe('Seconds after which a particle is closed and committed all the same.'),
  stretch: z.int().positive().default(1000).describe('Rows of each stretch that is scored by itself.'),
  labelDelay: z
    .boolean()
    .default(false)
    .describe('Rows without a label wait for a later row with the same key and a label.'),
  waitRows: z
    .int()
    .positive()
    .max(1_000_000)
    .default(10_000)
    .describe('Delayed labels: rows of the stream after which a row waits no longer.'),
  waitSeconds: z
    .number()
    .positive()
    .optional()
    .describe('Delayed labels: seconds in the time column after which a row waits no longer.'),
  keep: z.int().positive().default(10).describe('Older versions of the model that are kept.'),
  fromCommit: atOption.describe('Commit to go back to: rows after it are taken from the source again.'),
  maxRows: z
    .int()
    .positive()
    .optional()
    .describe('End after so many rows of the stream, those before a restart included.'),
  untilIdle: z.number().positive().optional().describe('End when no row has come for so many seconds.'),
});

export type FollowOptions = z.input<typeof followShape>;
export type CheckedFollow = z.output<typeof followShape>;

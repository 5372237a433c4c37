/** Options of factorization machines, for the one schema of `sora train`. */
import { z } from 'zod';

export const factorOptions = {
  factors: z
    .int()
    .positive()
    .multipleOf(2)
    .max(256)
    .default(8)
    .describe('Factor: length of the vector of each feature, an even number.'),
  epochs: z.int().positive().default(30).describe('Factor: most passes over the data.'),
  patience: z
    .int()
    .nonnegative()
    .default(3)
    .describe('Factor: stops after this many passes that do not help rows kept back; 0 makes all passes.'),
  stepSize: z
    .number()
    .positive()
    .default(0.1)
    .describe(
      'Factor: size of the steps, each divided by the root of the squared gradients of its number so far.',
    ),
  prior: z
    .number()
    .nonnegative()
    .default(5)
    .describe('Factor: how strongly weights are held at 0, as if so many rows of each feature had said so.'),
  factorPrior: z
    .number()
    .nonnegative()
    .default(30)
    .describe('Factor: how strongly vectors are held at 0, in rows of each feature.'),
  rowBands: z
    .array(z.string())
    .optional()
    .describe(
      'Factor: categories whose levels shrink to what levels of as many rows have in common, e.g. items, which say something by how popular they are.',
    ),
};

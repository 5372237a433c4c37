/** What an online model is to do about drift: options, and their check. */
import { z } from 'zod';
import { SoraError } from '../../../errors.ts';
import { type DriftDetectorName, type DriftDetectorSpec, detectorSpec } from './detectors.ts';

/** What may be done when errors have become larger. */
export const DRIFT_POLICIES = ['warn', 'step', 'window', 'swap'] as const;

const driftOptions = z.strictObject({
  /** A detector by name or with options. */
  detector: z.unknown().default('adwin'),
  policy: z.enum(DRIFT_POLICIES).default('warn'),
  /** Step and window: share of the evidence that is kept; default: rows since the change over rows learned. */
  keep: z.number().min(0).max(1).optional(),
  /** Swap: standard errors by which the new learner's errors must be fewer. */
  better: z.number().positive().default(2),
  /** Swap: rows that both have predicted before they are first compared, and after which the new one is given up. */
  least: z.int().min(2).default(32),
  most: z.int().min(2).default(1000),
});

/** What an online model does about drift; those left out take their defaults. */
export type OnlineDriftOptions = Omit<z.input<typeof driftOptions>, 'detector'> & {
  readonly detector?: DriftDetectorName | DriftDetectorSpec;
};

/** The same in full. */
export type DriftSettings = Omit<z.output<typeof driftOptions>, 'detector'> & {
  readonly detector: ReturnType<typeof detectorSpec>;
};

/** Options checked, the detector's in full. Throws `bad-option`. */
export function driftSettings(asked: unknown): DriftSettings {
  const parsed = driftOptions.safeParse(typeof asked === 'string' ? { policy: asked } : asked);
  if (!parsed.success) {
    throw new SoraError('bad-option', `Drift of an online model: ${z.prettifyError(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  return { ...parsed.data, detector: detectorSpec(parsed.data.detector) };
}

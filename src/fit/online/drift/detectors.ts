/** Every detector by name: the one line that a new detector adds. */
import { z } from 'zod';
import { SoraError } from '../../../errors.ts';
import { AdwinDetector, adwinOptions } from './adwin-detector.ts';
import { Ddm, ddmOptions } from './ddm.ts';
import type { DriftDetector } from './detector.ts';
import { Hddm, hddmOptions } from './hddm.ts';
import { Kswin, kswinOptions } from './kswin.ts';
import { PageHinkley, pageHinkleyOptions } from './page-hinkley.ts';

const detectorOptions = z.discriminatedUnion('name', [
  adwinOptions,
  pageHinkleyOptions,
  kswinOptions,
  ddmOptions,
  hddmOptions,
]);

/** Names of all detectors. */
export const DRIFT_DETECTORS = [
  'adwin',
  'page-hinkley',
  'kswin',
  'ddm',
  'hddm-a',
] as const satisfies readonly z.infer<typeof detectorOptions>['name'][];

export type DriftDetectorName = (typeof DRIFT_DETECTORS)[number];

/** A detector with its options; those left out take their defaults. */
export type DriftDetectorSpec = z.input<typeof detectorOptions>;

type FullSpec = z.output<typeof detectorOptions>;

/** The specification in full; throws `bad-option` naming what does not fit. */
export function detectorSpec(asked: unknown): FullSpec {
  const parsed = detectorOptions.safeParse(typeof asked === 'string' ? { name: asked } : asked);
  if (parsed.success) return parsed.data;
  throw new SoraError(
    'bad-option',
    `Drift detector ${JSON.stringify(asked)}: ${z.prettifyError(parsed.error)}. There are adwin, page-hinkley, kswin, ddm and hddm-a.`,
    { cause: parsed.error },
  );
}

/**
 * A detector of change on a stream of numbers. `seed` is the key of what KSWIN draws.
 * @example
 * const detector = createDriftDetector({ name: 'adwin', delta: 0.002 });
 * if (detector.add(wasWrong ? 1 : 0) === 'drift') console.log(detector.evidence());
 */
export function createDriftDetector(asked: DriftDetectorName | DriftDetectorSpec, seed = 0): DriftDetector {
  const spec = detectorSpec(asked);
  switch (spec.name) {
    case 'adwin':
      return new AdwinDetector(spec);
    case 'page-hinkley':
      return new PageHinkley(spec);
    case 'kswin':
      return new Kswin(spec, seed);
    case 'ddm':
      return new Ddm(spec);
    default:
      return new Hddm(spec);
  }
}

/**
 * What every detector of change on a stream of numbers is: values go in one by one, a level comes out, and at a warning or
 * a drift there is evidence. After a drift it starts again with the next value, knowing nothing.
 * Laws (detectors.test.ts): saved and resumed anywhere equals not stopped, to the byte; no clock and no chance but the seed.
 */
import type { Arrays } from '../learner.ts';

export type DriftLevel = 'none' | 'warning' | 'drift';

/** What a detector has to say of the value that it took last. */
export interface DriftEvidence {
  /** What was compared with what; above the threshold there is a change. */
  readonly statistic: number;
  readonly threshold: number;
  /** Means of the values before and since the change, as far as the detector knows. */
  readonly before: number;
  readonly after: number;
  /** Estimated values since the change, this one included: how late it was found. */
  readonly delay: number;
}

export interface DriftDetector {
  /** Takes a value. Errors of classes are 0 or 1; DDM and HDDM-A want values from 0 to 1. */
  add(value: number): DriftLevel;
  /** Of the last `add`; means something where that gave a warning or a drift. */
  evidence(): DriftEvidence;
  /** As new. */
  reset(): void;
  save(): Arrays;
  /** Takes over what `save` gave, of a detector with the same options; throws `corrupt` if it cannot be that. */
  restore(arrays: Arrays): void;
}

/** ADWIN as a detector among others: one window that finds drift, and perhaps a second of a larger δ that warns. */
import { z } from 'zod';
import type { Arrays } from '../learner.ts';
import { part, prefixed } from '../state.ts';
import { Adwin } from './adwin.ts';
import type { DriftDetector, DriftEvidence, DriftLevel } from './detector.ts';

export const adwinOptions = z.strictObject({
  name: z.literal('adwin'),
  /** δ: false alarms are at most about so many a test. */
  delta: z.number().gt(0).lt(1).default(0.002),
  /** δ of warnings, larger than the other; 0: there are none. */
  warning: z.number().min(0).lt(1).default(0.05),
});

export class AdwinDetector implements DriftDetector {
  readonly #drift: Adwin;
  readonly #warning: Adwin | undefined;
  #evidence: DriftEvidence = { statistic: 0, threshold: 0, before: 0, after: 0, delay: 0 };

  constructor({ delta, warning }: z.infer<typeof adwinOptions>) {
    this.#drift = new Adwin(delta);
    this.#warning = warning > 0 ? new Adwin(warning) : undefined;
  }

  add(value: number): DriftLevel {
    const isWarning = this.#warning?.update(value) ?? false;
    if (this.#drift.update(value)) {
      this.#evidence = this.#drift.cut;
      this.reset();
      return 'drift';
    }
    if (!isWarning || this.#warning === undefined) return 'none';
    this.#evidence = this.#warning.cut;
    return 'warning';
  }

  evidence(): DriftEvidence {
    return this.#evidence;
  }

  reset(): void {
    this.#drift.reset();
    this.#warning?.reset();
  }

  save(): Arrays {
    return {
      ...prefixed(this.#drift.save(), 'drift.'),
      ...prefixed(this.#warning?.save() ?? {}, 'warning.'),
    };
  }

  restore(arrays: Arrays): void {
    this.#drift.restore(part(arrays, 'drift.'));
    this.#warning?.restore(part(arrays, 'warning.'));
  }
}

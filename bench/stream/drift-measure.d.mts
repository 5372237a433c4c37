/** What tests import of drift-measure.mjs. */
import type { createOnline } from '../../src/fit/online/online.ts';
import type { createParticle } from '../../src/particle/create.ts';
import type { DriftDetectorSpec } from '../../src/fit/online/drift/detectors.ts';

export interface DriftMeasure {
  readonly found: number | undefined;
  readonly median: number | undefined;
  readonly p95: number | undefined;
  readonly alarms: number;
}

export function measureDrift(
  sora: { readonly createOnline: typeof createOnline; readonly createParticle: typeof createParticle },
  options: {
    readonly detector: DriftDetectorSpec | DriftDetectorSpec['name'];
    readonly kind: 'abrupt' | 'gradual' | 'recurring' | 'none';
    readonly rows: number;
    readonly period: number;
  },
  seeds: number,
): DriftMeasure;

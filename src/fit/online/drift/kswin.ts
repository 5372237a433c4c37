/**
 * KSWIN: the latest values against as many drawn from those before them in a window, by the test of Kolmogorov and Smirnov.
 * Raab, Heusinger & Schleif, "Reactive Soft Prototype Computing for Concept Drift Streams", Neurocomputing 416, 2020.
 * Both samples have as many values, so the test is exact and its threshold is one number, computed once. It sees any change
 * of the distribution, not of the mean alone; α is of one test, and there is one a value. O(latest · log latest) a value.
 */
import { z } from 'zod';
import { SoraError } from '../../../errors.ts';
import { randomWord } from '../../../random.ts';
import { equalSizesDistance, ksDistance } from '../../../summary/kolmogorov.ts';
import type { Arrays } from '../learner.ts';
import { fill } from '../state.ts';
import type { DriftDetector, DriftEvidence, DriftLevel } from './detector.ts';

export const kswinOptions = z.strictObject({
  name: z.literal('kswin'),
  /** Level of a test, and of a warning. */
  alpha: z.number().gt(0).lt(1).default(0.005),
  warning: z.number().gt(0).lt(1).optional(),
  window: z.int().min(4).max(100_000).default(100),
  latest: z.int().min(2).default(30),
});

/** Distances up to this are never a change. */
const LEAST_DISTANCE = 0.1;

/** Places in the counters: values in the window, where the oldest lies, tests so far, whether the last value was a drift. */
const FILLED = 0;
const OLDEST = 1;
const TESTS = 2;
const ENDED = 3;

export class Kswin implements DriftDetector {
  readonly #latest: number;
  readonly #seed: number;
  /** Least distances that make a drift, and a warning. */
  readonly #drift: number;
  readonly #warning: number;
  /** A ring of the latest values. */
  readonly #window: Float64Array;
  readonly #counters = new Float64Array(4);
  readonly #places: Uint32Array;
  readonly #older: Float64Array;
  readonly #newer: Float64Array;
  #distance = 0;

  /** Throws `bad-option` unless two samples fit the window. */
  constructor(options: z.infer<typeof kswinOptions>, seed: number) {
    const { alpha, warning, window, latest } = options;
    if (2 * latest > window) {
      throw new SoraError(
        'bad-option',
        `Detector kswin: a window of ${window} does not hold ${latest} latest values and as many before them; make it ${2 * latest} or more.`,
      );
    }
    this.#latest = latest;
    this.#seed = seed;
    this.#drift = equalSizesDistance(latest, alpha);
    this.#warning = warning === undefined ? Number.POSITIVE_INFINITY : equalSizesDistance(latest, warning);
    this.#window = new Float64Array(window);
    this.#places = new Uint32Array(window - latest);
    this.#older = new Float64Array(latest);
    this.#newer = new Float64Array(latest);
  }

  add(value: number): DriftLevel {
    const counters = this.#counters;
    const size = this.#window.length;
    if (counters[ENDED] === 1) this.#empty();
    if (counters[FILLED] < size) this.#window[counters[FILLED]++] = value;
    else {
      this.#window[counters[OLDEST]] = value;
      counters[OLDEST] = (counters[OLDEST] + 1) % size;
    }
    if (counters[FILLED] < size) return 'none';
    this.#sample();
    this.#distance = ksDistance(this.#older, this.#newer);
    counters[TESTS]++;
    if (this.#distance <= LEAST_DISTANCE) return 'none';
    if (this.#distance >= this.#drift) {
      counters[ENDED] = 1;
      return 'drift';
    }
    return this.#distance >= this.#warning ? 'warning' : 'none';
  }

  /** Both samples, ascending; the older one drawn without replacement. */
  #sample(): void {
    const places = this.#places;
    const size = this.#window.length;
    const oldest = this.#counters[OLDEST];
    const at = (place: number) => this.#window[(oldest + place) % size];
    for (let place = 0; place < places.length; place++) places[place] = place;
    for (let i = 0; i < this.#latest; i++) {
      const word = randomWord(this.#seed, this.#counters[TESTS], i);
      const j = i + Math.floor((word / 0x1_0000_0000) * (places.length - i));
      const chosen = places[j];
      places[j] = places[i];
      places[i] = chosen;
      this.#older[i] = at(chosen);
      this.#newer[i] = at(places.length + i);
    }
    this.#older.sort();
    this.#newer.sort();
  }

  evidence(): DriftEvidence {
    const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / values.length;
    return {
      statistic: this.#distance,
      threshold: this.#drift,
      before: mean(this.#older),
      after: mean(this.#newer),
      delay: this.#latest,
    };
  }

  reset(): void {
    this.#empty();
    this.#counters[TESTS] = 0;
  }

  #empty(): void {
    const tests = this.#counters[TESTS];
    this.#window.fill(0);
    this.#counters.fill(0);
    this.#counters[TESTS] = tests;
  }

  save(): Arrays {
    return { window: this.#window, counters: this.#counters };
  }

  restore(arrays: Arrays): void {
    fill(this.#window, arrays, 'window');
    fill(this.#counters, arrays, 'counters');
  }
}

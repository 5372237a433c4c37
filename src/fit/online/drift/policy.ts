/**
 * What is done about drift, for any learner: a stage around a stage. Every row is predicted before it is learned, its
 * error goes to a detector, and when that finds that errors have become larger, the policy acts:
 *   warn     nothing but the event
 *   step     the evidence that has lowered step sizes counts for less; weights stay
 *   window   evidence from before the change is forgotten; a learner that cannot forget in part starts anew
 *   swap     from a warning on, a new learner grows beside the old one, and takes over once its errors are fewer by a test
 * Errors: 0 or 1 for classes, |e| / (|e| + mean |e| so far) for numbers. Decisions are events, kept in the state.
 */
import { SoraError } from '../../../errors.ts';
import { largest } from '../largest.ts';
import type { Arrays } from '../learner.ts';
import type { Source } from '../source.ts';
import type { Stage } from '../stage.ts';
import { fill, part, prefixed } from '../state.ts';
import type { DriftDetector, DriftLevel } from './detector.ts';
import { createDriftDetector } from './detectors.ts';
import { EventLog } from './events.ts';
import { Rivals } from './rivals.ts';
import type { DriftSettings } from './settings.ts';

/** Places in the counters: rows, rows since the learner started or forgot, number of the learner, |error| and its rows. */
const ROWS = 0;
const LEARNED = 1;
const MADE = 2;
const CURRENT = 3;
const BACKGROUND = 4;
const ERRORS = 5;

/** A stage that watches its own errors. As fast as the stage plus one prediction a row where that is not given. */
export class DriftStage implements Stage {
  readonly log = new EventLog();
  readonly #settings: DriftSettings;
  readonly #make: (generation: number) => Stage;
  readonly #classes: number;
  readonly #detector: DriftDetector;
  readonly #rivals: Rivals;
  readonly #counters = new Float64Array(6);
  readonly #guess: Float64Array;
  readonly #rival: Float64Array;
  #current: Stage;
  #background: Stage | undefined;

  /** `make` gives a stage that knows nothing; its number is a key of its random numbers. */
  constructor(settings: DriftSettings, make: (generation: number) => Stage, classes: number, seed: number) {
    this.#settings = settings;
    this.#make = make;
    this.#classes = classes;
    this.#detector = createDriftDetector(settings.detector, seed);
    this.#rivals = new Rivals(settings);
    this.#guess = new Float64Array(Math.max(1, classes));
    this.#rival = new Float64Array(Math.max(1, classes));
    this.#counters[MADE] = 1;
    this.#current = make(0);
    if (settings.policy === 'step' && this.#current.raiseStep === undefined) {
      throw new SoraError(
        'bad-option',
        'Drift of an online model: the learner has no step size to raise; take the policy window or swap.',
      );
    }
  }

  labelProblem(label: number): string | undefined {
    return this.#current.labelProblem?.(label);
  }

  predict(source: Source, out: Float64Array): void {
    this.#current.predict(source, out);
  }

  learn(source: Source, label: number, weight: number, known?: Float64Array): void {
    if (known === undefined) this.#current.predict(source, this.#guess);
    const own = this.#error(known ?? this.#guess, label);
    this.#background?.predict(source, this.#rival);
    this.#current.learn(source, label, weight);
    this.#background?.learn(source, label, weight);
    this.#judge(own, label);
    this.#counters[ROWS] += 1;
  }

  /** Whether a class is wrong, or how far a number is off. */
  #error(guess: Float64Array, label: number): number {
    return this.#classes === 0 ? Math.abs(guess[0] - label) : Number(largest(guess) !== label);
  }

  /** An error as the detector wants it. */
  #bounded(error: number): number {
    if (this.#classes > 0) return error;
    const rows = this.#counters[ROWS];
    const usual = rows === 0 ? error : this.#counters[ERRORS] / rows;
    this.#counters[ERRORS] += error;
    return error === 0 ? 0 : error / (error + usual);
  }

  #judge(own: number, label: number): void {
    this.#counters[LEARNED] += 1;
    const level = this.#detector.add(this.#bounded(own));
    if (this.#background !== undefined) this.#compare(own, label);
    if (level !== 'none') this.#found(level);
  }

  #found(level: Exclude<DriftLevel, 'none'>): void {
    const { policy, detector } = this.#settings;
    const evidence = this.#detector.evidence();
    const isWorse = evidence.after > evidence.before;
    const action = isWorse ? this.#act(level, evidence.delay) : 'none';
    // A level that lasts is said once: a warning only where it makes something happen, or is the first of its kind.
    const kind = level === 'drift' ? (isWorse ? 'drift' : 'better') : 'warning';
    const isNews = level === 'drift' || action !== 'none' || (isWorse && !this.#warned());
    if (!isNews) return;
    this.log.add({
      row: this.#counters[ROWS],
      kind,
      detector: detector.name,
      policy,
      ...evidence,
      action,
    });
  }

  /** Whether the last event is a warning that no drift has followed yet. */
  #warned(): boolean {
    return this.log.last?.kind === 'warning';
  }

  /** Does what the policy says; gives it in words. */
  #act(level: 'warning' | 'drift', delay: number): string {
    const { policy } = this.#settings;
    if (policy === 'swap') return this.#background === undefined ? this.#startBackground() : 'none';
    if (level === 'warning' || policy === 'warn') return 'none';
    const learned = this.#counters[LEARNED];
    const keep = this.#settings.keep ?? Math.min(1, delay / learned);
    this.#counters[LEARNED] = keep * learned;
    if (policy === 'step') {
      this.#current.raiseStep?.(keep);
      return 'raised the step size';
    }
    if (this.#current.forget !== undefined) {
      this.#current.forget(keep);
      return 'forgot evidence';
    }
    this.#counters[LEARNED] = 0;
    this.#current = this.#newStage(CURRENT);
    return 'started anew';
  }

  #startBackground(): string {
    this.#background = this.#newStage(BACKGROUND);
    this.#rivals.reset();
    return 'started a rival';
  }

  #newStage(role: typeof CURRENT | typeof BACKGROUND): Stage {
    this.#counters[role] = this.#counters[MADE]++;
    return this.#make(this.#counters[role]);
  }

  /** Counts a row for both learners, and swaps or gives up when that is decided. */
  #compare(own: number, label: number): void {
    const decision = this.#rivals.add(own, this.#error(this.#rival, label));
    if (decision === 'undecided') return;
    const { policy, detector } = this.#settings;
    const wins = decision === 'wins';
    this.log.add({
      row: this.#counters[ROWS],
      kind: wins ? 'swap' : 'give-up',
      detector: detector.name,
      policy,
      ...this.#rivals.evidence(),
      action: wins ? 'the rival took over' : 'the rival was dropped',
    });
    if (wins && this.#background !== undefined) {
      this.#current = this.#background;
      this.#counters[CURRENT] = this.#counters[BACKGROUND];
      this.#counters[LEARNED] = this.#rivals.rows;
      this.#detector.reset();
    }
    this.#background = undefined;
    this.#rivals.reset();
  }

  save(): Arrays {
    return this.#with((stage) => stage.save());
  }

  grown(): Arrays {
    return this.#with((stage) => stage.grown());
  }

  #with(arrays: (stage: Stage) => Arrays): Arrays {
    return {
      counters: this.#counters,
      rivals: this.#rivals.sums,
      ...prefixed(this.log.save(), 'events.'),
      ...prefixed(this.#detector.save(), 'detector.'),
      ...prefixed(arrays(this.#current), 'current.'),
      ...prefixed(this.#background === undefined ? {} : arrays(this.#background), 'background.'),
    };
  }

  restore(arrays: Arrays): void {
    fill(this.#counters, arrays, 'counters');
    fill(this.#rivals.sums, arrays, 'rivals');
    this.log.restore(part(arrays, 'events.'));
    this.#detector.restore(part(arrays, 'detector.'));
    this.#current = this.#make(this.#counters[CURRENT]);
    this.#current.restore(part(arrays, 'current.'));
    const background = part(arrays, 'background.');
    const isThere = Object.keys(background).length > 0;
    this.#background = isThere ? this.#make(this.#counters[BACKGROUND]) : undefined;
    this.#background?.restore(background);
  }
}

/** Test, then train: rows are predicted, scored and learned in the order of the stream; those that wait are predicted as they come. */
import type { OnlineModel } from '../../fit/online/online.ts';
import type { Particle } from '../../particle/particle.ts';
import type { RunningScores } from './scores.ts';
import type { FollowCounts } from './state.ts';
import type { WaitingRow } from './waiting.ts';

/** What is done with rows that wait or have waited, in order. */
export type Step =
  /** Row `row` of those that came is asked for; the answer is kept with it. */
  | { readonly ask: number; readonly waiting: WaitingRow }
  /** Row `learn` of those that are settled is scored by the answer it got when it came, or now, and learned. */
  | { readonly learn: number; readonly waiting?: WaitingRow };

export class Lessons {
  /** Label of the row that was learned last. */
  last: number;
  readonly #model: OnlineModel;
  readonly #scores: RunningScores;
  readonly #counts: FollowCounts;
  readonly #out: Float64Array;

  constructor(model: OnlineModel, scores: RunningScores, counts: FollowCounts, last: number) {
    this.#model = model;
    this.#scores = scores;
    this.#counts = counts;
    this.last = last;
    this.#out = new Float64Array(model.outputs);
  }

  /** Rows that have come with their labels. */
  teach(particle: Particle): void {
    const rows = this.#model.open(particle);
    for (let row = 0; row < particle.rows; row++) this.#learn(rows, row, undefined);
  }

  /** Goes on as after these rows, which have been learned. */
  follow(particle: Particle): void {
    const rows = this.#model.open(particle);
    for (let row = particle.rows - 1; row >= 0; row--) {
      const label = rows.label(row);
      if (label === undefined || rows.weight(row) === 0) continue;
      this.last = label;
      return;
    }
  }

  /** Rows of which some wait: `arrivals` are to be asked for, `settled` are those to learn; see {@link Step}. */
  play(arrivals: Particle, settled: Particle, steps: readonly Step[]): void {
    const came = this.#model.open(arrivals, false);
    const done = this.#model.open(settled);
    for (const step of steps) {
      if ('ask' in step) {
        came.predict(step.ask, this.#out);
        step.waiting.prediction = this.#out.slice();
        step.waiting.last = this.last;
      } else this.#learn(done, step.learn, step.waiting);
    }
  }

  #learn(rows: ReturnType<OnlineModel['open']>, row: number, waiting: WaitingRow | undefined): void {
    const label = rows.label(row);
    const weight = rows.weight(row);
    if (label === undefined || weight === 0) {
      this.#counts.unlabelled++;
      return;
    }
    if (waiting === undefined) rows.predict(row, this.#out);
    this.#scores.add(waiting?.prediction ?? this.#out, label, waiting?.last ?? this.last, weight);
    rows.learn(row);
    this.last = label;
    this.#counts.learned++;
  }
}

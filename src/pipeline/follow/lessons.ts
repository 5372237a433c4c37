/** Test, then train: rows are predicted, scored and learned in the order of the stream; those that wait are predicted as they come. */
import type { OnlineModel, OnlineRows } from '../../fit/online/online.ts';
import type { Particle } from '../../particle/particle.ts';
import type { RunningScores } from './scores.ts';
import type { ClassEvent, FollowCounts } from './state.ts';
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
  #events: ClassEvent[] = [];
  readonly #model: OnlineModel;
  readonly #scores: RunningScores;
  readonly #counts: FollowCounts;
  #out: Float64Array;

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

  /** Learns rows without scoring them, and goes on as after them. */
  catchUp(particle: Particle): void {
    const rows = this.#model.open(particle);
    for (let from = 0; from < rows.rows; ) {
      const known = this.#model.classes.length;
      from = rows.learnRange(from, rows.rows);
      this.#noteClass(known);
    }
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
        step.waiting.prediction = this.#ask(came, step.ask).slice();
        step.waiting.last = this.last;
      } else this.#learn(done, step.learn, step.waiting);
    }
  }

  /** What the model says of a row; overwritten by the next. */
  #ask(rows: OnlineRows, row: number): Float64Array {
    if (this.#out.length !== this.#model.outputs) this.#out = new Float64Array(this.#model.outputs);
    rows.predict(row, this.#out);
    return this.#out;
  }

  /** Notes the class that the row learned last brought, if there are more than were known before. */
  #noteClass(known: number): void {
    const { classes, rows } = this.#model;
    if (classes.length === known) return;
    this.#events.push({ kind: 'class', row: rows - 1, label: classes[known], classes: classes.length });
  }

  /** Classes that came since it was last asked. */
  takeEvents(): ClassEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  #learn(rows: OnlineRows, row: number, waiting: WaitingRow | undefined): void {
    const label = rows.label(row);
    const weight = rows.weight(row);
    if (label === undefined || weight === 0) {
      this.#counts.unlabelled++;
      return;
    }
    const said = waiting?.prediction ?? this.#ask(rows, row);
    this.#scores.add(said, label, waiting?.last ?? this.last, weight);
    const known = this.#model.classes.length;
    rows.learn(row);
    this.#noteClass(known);
    this.last = label;
    this.#counts.learned++;
  }
}

/**
 * What a followed stream has become so far: its model, scores and counts, the rows of the particle at hand and those
 * that wait for labels. Rows go in, in order; everything that follows from them is the same wherever they are cut,
 * and whether or not the process was another one before.
 */
import { createOnline, type OnlineModel, resumeOnline } from '../../fit/online/online.ts';
import type { OnlineOptions } from '../../fit/online/options.ts';
import type { BadRow, BadRowPolicy } from '../../ingest/bad-rows.ts';
import type { Converted } from '../../ingest/convert.ts';
import type { RowObject } from '../../ingest/inputs.ts';
import type { PlannedField } from '../../ingest/reader.ts';
import type { StreamPosition } from '../../ingest/stream/stream.ts';
import { mergeParticles } from '../../particle/merge.ts';
import type { Particle } from '../../particle/particle.ts';
import { roleIndex } from '../../particle/schema.ts';
import { Intake, plannedFields, RowsToParticle } from './intake.ts';
import { Lessons, type Step } from './lessons.ts';
import { featuresOf } from './plan.ts';
import { RunningScores } from './scores.ts';
import type { FollowCounts, FollowEvent, FollowPlan, FollowState } from './state.ts';
import { WaitingRows } from './waiting.ts';

/** What a follower goes on from: a state and the bytes of its files. */
export interface Kept {
  readonly state: FollowState;
  readonly model: Uint8Array;
  readonly waiting?: Uint8Array;
}

/** Everything that a commit is to hold. */
export interface Closed {
  /** Rows that were settled since the last one, if any were. */
  readonly particle: Particle | undefined;
  readonly model: Uint8Array;
  readonly waiting: Uint8Array | undefined;
  readonly bad: readonly BadRow[];
  /** The state but for what the store alone knows. */
  readonly state: Omit<FollowState, 'follow' | 'source' | 'model' | 'waiting'>;
}

const NO_ROWS: FollowCounts = {
  taken: 0,
  stored: 0,
  learned: 0,
  unlabelled: 0,
  bad: 0,
  joined: 0,
  expired: 0,
  unmatched: 0,
};

export class Follower {
  readonly counts: FollowCounts;
  readonly scores: RunningScores;
  readonly model: OnlineModel;
  /** Rows taken since the last commit. */
  since = 0;
  readonly #plan: FollowPlan;
  readonly #fields: readonly PlannedField[];
  readonly #intake: Intake;
  readonly #arrivals: RowsToParticle;
  readonly #settled: RowsToParticle;
  readonly #lessons: Lessons;
  readonly #waiting: WaitingRows | undefined;
  readonly #at: { readonly key: number; readonly label: number; readonly time: number };
  readonly #features: readonly number[];
  #parts: Particle[] = [];
  /** Decisions about drift and classes that came since the last commit. */
  #events: FollowEvent[] = [];

  constructor(plan: FollowPlan, source: string, badRows: BadRowPolicy, kept?: Kept) {
    const { schema, classes, stretch, wait } = plan;
    this.#plan = plan;
    this.model = kept === undefined ? createOnline(modelOptions(plan)) : resumeOnline(kept.model);
    this.#fields = plannedFields(plan, this.model, () => this.#learnRead());
    this.#intake = new Intake(this.#fields, source, badRows);
    this.#arrivals = new RowsToParticle(schema, this.#fields);
    this.#settled = new RowsToParticle(schema, this.#fields);
    this.counts = { ...(kept?.state.counts ?? NO_ROWS) };
    this.scores = new RunningScores(classes.length, stretch, kept?.state.scores);
    this.#lessons = new Lessons(this.model, this.scores, this.counts, kept?.state.last ?? 0);
    this.#at = {
      key: roleIndex(schema, 'key'),
      label: roleIndex(schema, 'label'),
      time: roleIndex(schema, 'time'),
    };
    this.#features = schema.fields.flatMap(({ role }, at) => (role === 'feature' ? [at] : []));
    if (wait === undefined) return;
    this.#waiting = new WaitingRows(wait, this.#at, kept?.state.clock);
    if (kept?.waiting !== undefined) this.#waiting.restore(kept.waiting, schema, this.model.outputs);
  }

  /** Rows that wait for their labels. */
  get waiting(): number {
    return this.#waiting?.size ?? 0;
  }

  /**
   * Takes rows in order. Throws `bad-input` for one that cannot be read where the options say so; those before it have
   * then been taken.
   */
  take(rows: readonly RowObject[]): void {
    try {
      if (this.#waiting === undefined) this.#readAll(rows);
      else this.#joinAll(rows, this.#waiting);
    } catch (error) {
      this.#learnRead();
      throw error;
    }
    this.#learnRead();
  }

  /** Learns rows of the store, which are neither scored nor stored again. */
  catchUp(particle: Particle): void {
    const { rows } = this.model;
    this.#lessons.catchUp(particle);
    this.#takeEvents();
    this.counts.caughtUp = (this.counts.caughtUp ?? 0) + this.model.rows - rows;
  }

  #steps: Step[] = [];

  #next(row: RowObject): readonly Converted[] | undefined {
    const values = this.#intake.read(row, this.counts.taken + 1);
    this.counts.taken++;
    this.since++;
    if (values === undefined) this.counts.bad++;
    return values;
  }

  #readAll(rows: readonly RowObject[]): void {
    for (const row of rows) {
      const values = this.#next(row);
      if (values !== undefined) this.#settled.push(values);
    }
  }

  /** Rows without a label wait, and labels find the rows they belong to. */
  #joinAll(rows: readonly RowObject[], waiting: WaitingRows): void {
    const { key, label, time } = this.#at;
    for (const row of rows) {
      const values = this.#next(row);
      const now = values !== undefined && time >= 0 ? values[time] : null;
      for (const late of waiting.expire(this.counts.taken, now)) {
        this.#settled.push(late.values);
        this.#steps.push({ learn: this.#settled.rows - 1, waiting: late });
        this.counts.expired++;
      }
      if (values === undefined) continue;
      if (values[label] !== null && waiting.has(values[key])) this.#join(waiting, values);
      else if (values[label] === null && values[key] !== null) this.#wait(waiting, values);
      else if (values[label] !== null && this.#features.every((at) => values[at] === null)) {
        this.counts.unmatched++;
      } else {
        this.#settled.push(values);
        this.#steps.push({ learn: this.#settled.rows - 1 });
      }
    }
  }

  #join(waiting: WaitingRows, values: readonly Converted[]): void {
    const row = waiting.take(values[this.#at.key]);
    if (row === undefined) return;
    row.values[this.#at.label] = values[this.#at.label];
    this.#settled.push(row.values);
    this.#steps.push({ learn: this.#settled.rows - 1, waiting: row });
    this.counts.joined++;
  }

  #wait(waiting: WaitingRows, values: readonly Converted[]): void {
    this.#arrivals.push(values);
    const row = { values: [...values], arrival: this.counts.taken, prediction: NOTHING, last: 0 };
    waiting.add(row);
    this.#steps.push({ ask: this.#arrivals.rows - 1, waiting: row });
  }

  /** Learns what has been read, and adds it to the particle at hand. */
  #learnRead(): void {
    const settled = this.#settled.take();
    const steps = this.#steps;
    this.#steps = [];
    if (this.#waiting === undefined) this.#lessons.teach(settled);
    else this.#lessons.play(this.#arrivals.take(), settled, steps);
    // Before the model is saved: what has been given out is part of it, and must not depend on where particles end.
    this.#takeEvents();
    if (settled.rows > 0) this.#parts.push(settled);
    this.counts.stored += settled.rows;
  }

  /** Events since it was last called, in the order of their rows. */
  #takeEvents(): void {
    const events = [...this.#lessons.takeEvents(), ...this.model.takeEvents()];
    this.#events.push(...events.sort((a, b) => a.row - b.row));
  }

  /** Ends the particle at hand; `position` and `skip` say where the source stands. */
  close(position: StreamPosition | null, skip: number): Closed {
    const particle = this.#parts.length === 0 ? undefined : mergeParticles(this.#parts);
    const bad = this.#intake.bad;
    const events = this.#events;
    this.#parts = [];
    this.#intake.bad = [];
    this.#events = [];
    this.since = 0;
    const waits = this.#waiting !== undefined && this.#waiting.size > 0;
    return {
      particle,
      model: this.model.save(),
      waiting: waits ? this.#waiting?.save(this.#plan.schema, this.model.outputs) : undefined,
      bad,
      state: {
        version: 1,
        position,
        skip,
        plan: this.#plan,
        counts: { ...this.counts },
        scores: this.scores.keep(),
        last: this.#lessons.last,
        ...(this.#waiting !== undefined && Number.isFinite(this.#waiting.clock)
          ? { clock: this.#waiting.clock }
          : {}),
        stretches: this.scores.takeEnded(),
        events,
      },
    };
  }
}

const NOTHING = new Float64Array(0);

function modelOptions(plan: FollowPlan): OnlineOptions {
  const { learner, drift, schema, classes, newClasses, hashBits, seed } = plan;
  return {
    ...(drift === undefined ? {} : { drift: drift as unknown as OnlineOptions['drift'] }),
    learner: learner as OnlineOptions['learner'],
    features: featuresOf(schema),
    ...(classes.length === 0 ? {} : { classes }),
    ...(newClasses === undefined ? {} : { newClasses }),
    hashBits,
    seed,
  };
}

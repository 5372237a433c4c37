/**
 * Plays the rounds of a fit: what workers have not followed is sent to them whole, and where they keep nothing of what
 * they know, every round carries all steps. What a round gives is the same either way.
 */
import type { Reference } from '../../run/reference.ts';
import type { Round, Session } from '../../run/session.ts';
import { isNotFollowed } from './desk.ts';
import { type Histograms, histogramsReference } from './histogram.ts';
import { leafBytesReference, leafQuantiles, type RenewRound } from './renew.ts';
import {
  encodeRound,
  type GrownTree,
  type HistogramRound,
  type MarginsAt,
  type TreeProblem,
} from './round.ts';
import { type Watched, watchReference } from './statistics.ts';

/** A round over the tree in growth, but for what it asks. */
export type TreeRound = Omit<HistogramRound, keyof MarginsAt | 'splits' | 'ask'>;

/** After so many losses in a row every round carries all steps: there is no use in trying without. */
const MOST_LOSSES = 3;

export class Player {
  readonly #session: Session;
  readonly #view: Reference;
  readonly #problem: TreeProblem;
  readonly #width: number;
  /** All steps so far. */
  readonly #steps: GrownTree[];
  /** How many of them every worker has been told of. */
  #told = 0;
  /** Rounds one after the other that workers had not followed. */
  #losses = 0;

  /** `view` is of binned rows, `width` bytes each; `steps` are those of a fit that is resumed. */
  constructor(
    session: Session,
    view: Reference,
    problem: TreeProblem,
    width: number,
    steps: readonly GrownTree[] = [],
  ) {
    this.#session = session;
    this.#view = view;
    this.#problem = problem;
    this.#width = width;
    this.#steps = [...steps];
  }

  get steps(): readonly GrownTree[] {
    return this.#steps;
  }

  /** Whether rounds are played with every step in them. */
  get replays(): boolean {
    return this.#losses >= MOST_LOSSES;
  }

  /** Adds a tree to the margins of later rounds. */
  add(step: GrownTree): void {
    this.#steps.push(step);
  }

  /** Losses and the largest slopes at the margins; `sizes`: rows by the size of their gradients as well. */
  watch(sizes: boolean): Promise<Watched> {
    return this.#play<Watched>(this.#at(), {
      summary: watchReference(this.#problem.outputs, sizes),
      coarse: true,
      label: 'trees',
    });
  }

  /** Histograms of the nodes `ask` of the tree in growth; they last until the next round. */
  histograms(tree: TreeRound, asked: Pick<HistogramRound, 'splits' | 'ask'>): Promise<Histograms> {
    const round: HistogramRound = { ...this.#at(), ...tree, ...asked };
    return this.#play<Histograms>(round, {
      summary: histogramsReference(this.#width, asked.ask.length),
      coarse: true,
      brief: true,
      label: 'trees',
    });
  }

  /** The quantile `share` of the residuals in each leaf of the tree in growth. */
  leafQuantiles(share: number, tree: TreeRound, { splits, leaves }: GrownTree): Promise<number[]> {
    const ask = leaves.map(([node]) => node);
    return leafQuantiles(share, ask, (asked) => {
      const round: RenewRound = { ...this.#at(), ...tree, splits, ...asked };
      return this.#play(round, {
        summary: leafBytesReference(asked.ask.length),
        coarse: true,
        label: 'trees',
      });
    });
  }

  #at(): MarginsAt {
    const steps = this.#steps.length;
    return { ...this.#problem, steps, news: this.#steps.slice(this.#told) };
  }

  /** Plays a round; again with every step in it where a worker had not followed. */
  async #play<Value>(at: MarginsAt, round: Omit<Round, 'view' | 'parameters'>): Promise<Value> {
    const send = async (told: MarginsAt): Promise<Value> => {
      const parameters = encodeRound(told);
      const { value } = await this.#session.reduce<unknown, Value>({
        ...round,
        view: this.#view,
        parameters,
      });
      this.#told = at.steps;
      return value;
    };
    if (!this.replays) {
      try {
        const value = await send(at);
        this.#losses = 0;
        return value;
      } catch (error) {
        if (!isNotFollowed(error)) throw error;
        this.#losses++;
      }
    }
    return send({ ...at, news: [], model: this.#steps });
  }
}

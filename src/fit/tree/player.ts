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
  type GrowingTree,
  type GrownTree,
  type GrowthRound,
  type MarginsAt,
  type TreeProblem,
} from './round.ts';
import { type Watched, watchReference } from './statistics.ts';

/** What all rounds of an iteration have in common. */
export type Iteration = Omit<GrowthRound, keyof MarginsAt | 'trees'>;

/** After so many losses in a row every round carries all steps: there is no use in trying without. */
const MOST_LOSSES = 3;

export class Player {
  readonly #session: Session;
  readonly #view: Reference;
  readonly #problem: TreeProblem;
  readonly #codes: number;
  /** All steps so far. */
  readonly #steps: GrownTree[];
  /** How many of them every worker has been told of. */
  #told = 0;
  /** How many splits, by the number of a tree that grows or has just grown. */
  readonly #splits = new Map<number, number>();
  /** Rounds one after the other that workers had not followed. */
  #losses = 0;
  /** Whether views lay in memory when they were last looked at. */
  #resident = false;

  /** `view` is of binned rows, `codes` bins each; `steps` are those of a fit that is resumed. */
  constructor(
    session: Session,
    view: Reference,
    problem: TreeProblem,
    codes: number,
    steps: readonly GrownTree[] = [],
  ) {
    this.#session = session;
    this.#view = view;
    this.#problem = problem;
    this.#codes = codes;
    this.#steps = [...steps];
  }

  get steps(): readonly GrownTree[] {
    return this.#steps;
  }

  /** Whether rounds are played with every step in them. */
  get replays(): boolean {
    return this.#losses >= MOST_LOSSES;
  }

  /**
   * Lanes of rounds that are best under way at the same time: two where workers go on while the caller is busy. Views that
   * do not stay in memory are read once a round, so that fewer rounds are better.
   */
  get lanes(): number {
    return this.#session.concurrent && this.#resident ? 2 : 1;
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

  /**
   * Histograms of the nodes that are asked of trees in growth, tree after tree; they last until the next round of the
   * same lane. Rounds of two lanes may be under way at the same time.
   */
  histograms(iteration: Iteration, trees: readonly GrowingTree[], lane: number): Promise<Histograms> {
    const round: GrowthRound = { ...this.#at(), ...iteration, trees };
    const asked = trees.reduce((sum, { ask }) => sum + ask.length, 0);
    return this.#play<Histograms>(round, {
      summary: histogramsReference(this.#codes, asked),
      coarse: true,
      lane,
      label: 'trees',
    });
  }

  /** The quantile `share` of the residuals in each leaf of a tree. */
  leafQuantiles(share: number, iteration: Iteration, grown: GrownTree): Promise<number[]> {
    const { tree, output, splits, leaves } = grown;
    const nodes = leaves.map(([node]) => node);
    return leafQuantiles(share, nodes, (ask, asked) => {
      const round: RenewRound = {
        ...this.#at(),
        ...iteration,
        trees: [{ tree, output, splits, ask }],
        ...asked,
      };
      return this.#play(round, {
        summary: leafBytesReference(ask.length),
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
  async #play<Value>(at: MarginsAt | GrowthRound, round: Omit<Round, 'view' | 'parameters'>): Promise<Value> {
    const send = async (parameters: Uint8Array): Promise<Value> => {
      const { value, resident } = await this.#session.reduce<unknown, Value>({
        ...round,
        view: this.#view,
        parameters,
      });
      this.#resident = resident;
      this.#noteTold(at);
      return value;
    };
    if (!this.replays) {
      try {
        const value = await send(encodeRound(at, this.#splits));
        this.#losses = 0;
        return value;
      } catch (error) {
        if (!isNotFollowed(error)) throw error;
        this.#losses++;
      }
    }
    return send(encodeRound({ ...at, news: [], model: this.#steps }));
  }

  #noteTold(at: MarginsAt | GrowthRound): void {
    this.#told = at.steps;
    // A tree that is added again tells all of its splits.
    for (const { tree } of at.news ?? []) this.#splits.delete(tree);
    for (const { tree, splits } of 'trees' in at ? at.trees : []) this.#splits.set(tree, splits.length);
  }
}

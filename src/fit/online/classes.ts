/**
 * The classes of an online model: those it knows, in the order they appeared in, and whether a label that is none of them
 * may become one. Whether it may depends on the model as it is when the label comes, and on nothing else.
 */
import { SoraError } from '../../errors.ts';

/** A label: a number, or one of the classes. */
export type OnlineLabel = number | string | boolean;

/** What is done about a label of no known class. */
export const NEW_CLASSES = ['learn', 'refuse'] as const;

/** Classes of a model at most that come later: a target of more is a name, not a class. */
const MOST_CLASSES = 1000;

export class Classes {
  /** In the order of their shares. */
  readonly labels: readonly OnlineLabel[];
  readonly #indices: ReadonlyMap<OnlineLabel, number>;
  readonly #refuses: boolean;
  readonly #tryLarger: () => void;
  /** Whether there is room for one more; undefined until asked. */
  #room: { readonly problem?: string } | undefined;

  /** `tryLarger` makes the model of one class more, or throws why it cannot be made. */
  constructor(
    labels: readonly OnlineLabel[],
    newClasses: (typeof NEW_CLASSES)[number],
    tryLarger: () => void,
  ) {
    this.labels = labels;
    this.#indices = new Map(labels.map((label, index) => [label, index]));
    this.#refuses = newClasses === 'refuse';
    this.#tryLarger = tryLarger;
  }

  has(label: OnlineLabel): boolean {
    return this.#indices.has(label);
  }

  /** Index of a class; that of a new one is the number of classes so far. Undefined where it cannot be one. */
  indexOf(label: OnlineLabel): number | undefined {
    return this.#indices.get(label) ?? (this.problem(label) === undefined ? this.labels.length : undefined);
  }

  /** Why a label cannot be learned from, or undefined if it can. */
  problem(label: OnlineLabel): string | undefined {
    if (this.#indices.has(label)) return undefined;
    const unknown = `none of the classes ${classList(this.labels)}`;
    if (this.#refuses) return `${unknown}, and the model refuses new ones`;
    if (typeof label !== typeof this.labels[0])
      return `${unknown}, and not a ${typeof this.labels[0]} as they are`;
    if (typeof label === 'number' && !Number.isFinite(label)) return `${unknown}, and not finite`;
    if (this.labels.length >= MOST_CLASSES) return `${unknown}, which are as many as a model may have`;
    const { problem } = this.#asked();
    return problem === undefined ? undefined : `${unknown}, and the learner can have no more: ${problem}`;
  }

  #asked(): { readonly problem?: string } {
    this.#room ??= problemOf(this.#tryLarger);
    return this.#room;
  }
}

function problemOf(run: () => void): { readonly problem?: string } {
  try {
    run();
    return {};
  } catch (error) {
    if (error instanceof SoraError && error.code === 'bad-option') return { problem: error.message };
    throw error;
  }
}

const SHOWN = 20;

function classList(labels: readonly OnlineLabel[]): string {
  const shown = labels.slice(0, SHOWN).map((label) => JSON.stringify(label));
  return `[${shown.join(',')}${labels.length > SHOWN ? `, … of ${labels.length}` : ''}]`;
}

/** Running scores of a stream: in all, and by stretches, of which those that have ended are handed on with a commit. */
import {
  addPrediction,
  emptySums,
  type PrequentialScores,
  type PrequentialSums,
  prequentialScores,
} from '../../evaluate/prequential.ts';

/** Sums that are gone on from. */
export interface KeptScores {
  readonly total: PrequentialSums;
  readonly stretch: PrequentialSums;
}

export class RunningScores {
  readonly #total: PrequentialSums;
  #part: PrequentialSums;
  #ended: PrequentialScores[] = [];
  #latest: PrequentialScores | undefined;
  readonly #stretch: number;
  readonly #classes: number;

  constructor(classes: number, stretch: number, kept?: KeptScores) {
    this.#classes = classes;
    this.#stretch = stretch;
    this.#total = { ...(kept?.total ?? emptySums()) };
    this.#part = { ...(kept?.stretch ?? emptySums()) };
  }

  /** Counts a row; see {@link addPrediction}. */
  add(out: Float64Array, label: number, last: number, weight: number): void {
    addPrediction(this.#total, out, label, last, weight, this.#classes);
    addPrediction(this.#part, out, label, last, weight, this.#classes);
    if (this.#part.rows < this.#stretch) return;
    this.#latest = prequentialScores(this.#part, this.#classes);
    this.#ended.push(this.#latest);
    this.#part = emptySums();
  }

  /** Of the whole stream. */
  get total(): PrequentialScores {
    return prequentialScores(this.#total, this.#classes);
  }

  /** Of the last stretch that ended, or of what there is of the first. */
  get latest(): PrequentialScores {
    return this.#latest ?? prequentialScores(this.#part, this.#classes);
  }

  /** The sums as they are now. */
  keep(): KeptScores {
    return { total: { ...this.#total }, stretch: { ...this.#part } };
  }

  /** Stretches that have ended since this was last asked. */
  takeEnded(): PrequentialScores[] {
    const ended = this.#ended;
    this.#ended = [];
    return ended;
  }
}

/** The score of a stretch beside that of repeating the last label. */
export function scoreText({ accuracy, mae, sameAsLast, rows }: PrequentialScores): string {
  const [name, value] = accuracy === undefined ? ['error', mae ?? 0] : ['accuracy', accuracy];
  return `last ${rows}: ${name} ${value.toPrecision(3)} (same as last ${sameAsLast.toPrecision(3)})`;
}

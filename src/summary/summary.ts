/**
 * The one idea: a statistic that can be computed piecewise. Observe particles apart, merge, then read.
 *
 * Laws (checked by `checkLaws`): merge is associative and `empty()` is its identity; observing a whole equals
 * observing its parts and merging in order; decode(encode(s)) reads like s; empty, one-row and all-missing
 * inputs are lawful. `observe` and `merge` change their first argument only, and are pure functions of both.
 * A state keeps what merges (n, mean, M2); ratios, roots and degrees of freedom belong to `read` alone.
 */
import type { Particle } from '../particle/particle.ts';

/** Bytes of a value, for workers, caches and clusters. Encoding is canonical: equal states, equal bytes. */
export interface Codec<T> {
  encode(value: T): Uint8Array;
  decode(bytes: Uint8Array): T;
}

/** Memory for states that are read before it is used again. */
export interface StateMemory {
  /** So many bytes, whatever stands in them. */
  take(bytes: number): Uint8Array;
}

/**
 * Where a summary may note what it knows of an input that does not stay in memory, to find it in a later round.
 * A cache: notes may be lost at any time, and never change a result.
 */
export interface InputNotes {
  /** Tells inputs of a session apart. */
  readonly input: string;
  /** Fills `target` with what was written under the name; false if that is gone or of another length. */
  read(name: string, target: Uint8Array): boolean;
  /** False where it cannot be kept. */
  write(name: string, bytes: Uint8Array): boolean;
}

/** A mergeable statistic over inputs: particles, or views of them. */
export interface Summary<State, Value, Input = Particle> {
  /** Name, version and options, e.g. `moments/1`. Part of every cache key: change it when results change. */
  readonly id: string;
  /** The state of nothing. A large one may lie in `memory`, where that is given. */
  empty(memory?: StateMemory): State;
  /** Map: one particle (or view) into a state. `notes` are there for an input that lies in memory for this call only. */
  observe(state: State, input: Input, notes?: InputNotes): void;
  /**
   * Several inputs in turn, for sums that come out the same in any order and any bracketing (integers): a worker then
   * has one state for all it holds, instead of one an input. Absent: one partial an input, merged on the tree.
   */
  observeAll?(state: State, inputs: readonly Input[]): void;
  /** Associative; `from` may be discarded afterwards and must not be kept by reference. */
  merge(into: State, from: State): void;
  /**
   * Makes the state that of the same rows, each of `factor` times the weight (0 < factor ≤ 1): for windows in which
   * particles weigh less with age. Absent where that means nothing: extremes, quantiles, distinct values.
   * Law: merge of scaled states is the scaled merge. A scaled state is merged, scaled and read, not encoded.
   */
  scale?(state: State, factor: number): void;
  read(state: State): Value;
  readonly codec: Codec<State>;
}

/** State of one input: the partial. */
export function partial<State, Value, Input>(summary: Summary<State, Value, Input>, input: Input): State {
  const state = summary.empty();
  summary.observe(state, input);
  return state;
}

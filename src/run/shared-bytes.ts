/**
 * Memory for the results of the rounds of one lane of a session, shared with the thread that merges them, so that
 * megabytes a round are neither copied nor allocated anew. Each state of a round has memory of its own; the next round
 * uses the same again.
 */
import type { StateMemory } from '../summary/summary.ts';

export class SharedBytes implements StateMemory {
  readonly #buffers: SharedArrayBuffer[] = [];
  #next = 0;
  #round = -1;

  /** What was taken before may be overwritten from now on; a round that is begun again keeps what it has. */
  beginRound(round: number): void {
    if (round !== this.#round) this.#next = 0;
    this.#round = round;
  }

  take(bytes: number): Uint8Array {
    const at = this.#next++;
    if (!(this.#buffers[at]?.byteLength >= bytes)) this.#buffers[at] = new SharedArrayBuffer(bytes);
    return new Uint8Array(this.#buffers[at], 0, bytes);
  }
}

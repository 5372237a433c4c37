/**
 * Where lines end: counts those that are not blank, in text that comes in pieces. The hot loop is in kernels/csv.ts
 * (7 GB/s on text in cache), its twin here.
 */
import { runKernels } from './mode.ts';

/** Counts the lines of pieces of text. A line is blank if nothing stands before its end. */
export class LineCounter {
  readonly #lineByte: number;
  readonly #blank: number;
  /** Where the last line ended, from the start of the next piece. */
  #last = -1;

  constructor(newline: '\n' | '\r' | '\r\n') {
    this.#lineByte = newline === '\r' ? 13 : 10;
    this.#blank = newline.length;
  }

  /** Whether a line has begun that has not ended at `length`, the end of the last piece. */
  get open(): boolean {
    return this.#last !== -1;
  }

  /** Takes a piece up to its `limit`-th line that is not blank; tells how many there were and where the last one taken ends. */
  take(piece: Uint8Array, limit: number): { lines: number; end: number } {
    const found = runKernels((run) => {
      if (run.wasm === undefined) return this.#plain(piece, limit);
      const text = run.place(piece);
      const state = run.zeros(Int32Array, 2);
      const { byteOffset: start, length } = text;
      const lines = run.wasm.csvLines(
        start,
        start + length,
        this.#lineByte,
        this.#blank,
        limit,
        start + this.#last,
        state.byteOffset,
      );
      return { lines, end: (state[0] >>> 0) - start, last: state[1] - start };
    });
    this.#last = found.last - found.end;
    return found;
  }

  #plain(piece: Uint8Array, limit: number): { lines: number; end: number; last: number } {
    let lines = 0;
    let last = this.#last;
    for (let at = piece.indexOf(this.#lineByte); at >= 0; at = piece.indexOf(this.#lineByte, at + 1)) {
      if (at - last > this.#blank) lines++;
      last = at;
      if (lines === limit) return { lines, end: at + 1, last };
    }
    return { lines, end: piece.length, last };
  }
}

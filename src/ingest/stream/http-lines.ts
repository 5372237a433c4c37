/**
 * Bytes of an answer as lines: complete ones as they come, each no longer than a limit, and what has no line end yet.
 * Line ends are LF or CRLF; server-sent events may have CR alone, which servers do not write.
 */
import { SoraError } from '../../errors.ts';

const LF = 10;
const CR = 13;

/** Splits bytes that come in pieces. Costs one pass over them, however small the pieces. */
export class LineSplitter {
  readonly #limit: number;
  readonly #name: string;
  #parts: Uint8Array[] = [];
  #length = 0;
  #lines = 0;

  /** `limit` in bytes; `name` is what messages call the source. */
  constructor(limit: number, name: string) {
    this.#limit = limit;
    this.#name = name;
  }

  /** The lines that are complete with this piece. Throws `bad-input` if one is longer than the limit. */
  push(piece: Uint8Array): string[] {
    const found: string[] = [];
    let start = 0;
    for (let end = piece.indexOf(LF); end >= 0; end = piece.indexOf(LF, start)) {
      this.#add(piece.subarray(start, end));
      found.push(this.#take());
      start = end + 1;
    }
    this.#add(piece.subarray(start));
    return found;
  }

  /** What came after the last line end; the splitter starts anew. */
  rest(): string {
    return this.#take();
  }

  #add(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#length += bytes.length;
    if (this.#length > this.#limit) throw tooLong(this.#name, `row ${this.#lines + 1}`, this.#limit);
    this.#parts.push(bytes);
  }

  #take(): string {
    const bytes = this.#parts.length === 1 ? Buffer.from(this.#parts[0]) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    const text = bytes.toString('utf8', 0, bytes.at(-1) === CR ? bytes.length - 1 : bytes.length);
    return this.#lines++ === 0 ? text.replace(/^\ufeff/, '') : text;
  }
}

/** The error of something that is longer than it may be. */
export function tooLong(name: string, what: string, limit: number): SoraError {
  return new SoraError(
    'bad-input',
    `${name}: ${what} is longer than ${limit} bytes. Raise the limit (limit=${2 * limit}) if that is right, or see whether the rows are in lines.`,
    { details: { limit } },
  );
}

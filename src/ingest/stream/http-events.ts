/**
 * Server-sent events (WHATWG HTML, section 9.2): lines `field: value`, an empty one after each event. An event is given
 * with its own id; ids of earlier events do not carry over, because rows that share one could not be told apart.
 */
import { tooLong } from './http-lines.ts';

/** An event: its data, its own id and its type. */
export interface ServerEvent {
  readonly data: string;
  readonly id: string | undefined;
  readonly type: string;
}

/** Puts the lines of events together. */
export class EventParser {
  readonly #limit: number;
  readonly #name: string;
  #data: string[] = [];
  #length = 0;
  #id: string | undefined;
  #type = 'message';

  /** `limit` of an event's data in bytes; `name` is what messages call the source. */
  constructor(limit: number, name: string) {
    this.#limit = limit;
    this.#name = name;
  }

  /** The event that this line ends, if it ends one that has data. */
  push(line: string): ServerEvent | undefined {
    if (line === '') return this.#end();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'event') this.#type = value || 'message';
    else if (field === 'data') {
      this.#length += value.length;
      if (this.#length > this.#limit) throw tooLong(this.#name, 'an event', this.#limit);
      this.#data.push(value);
    }
    return undefined;
  }

  #end(): ServerEvent | undefined {
    const event = { data: this.#data.join('\n'), id: this.#id, type: this.#type };
    const isEmpty = this.#data.length === 0;
    this.#data = [];
    this.#length = 0;
    this.#id = undefined;
    this.#type = 'message';
    return isEmpty ? undefined : event;
  }
}

/** The latest events of a drift policy: part of the model's state, bounded, and given out once each. */
import type { Arrays } from '../learner.ts';
import { corrupt, fill } from '../state.ts';

/** A decision, with what it was made for. */
export interface DriftEvent {
  /** Number of the event; a gap says that events were lost, since a model keeps the latest 100. */
  readonly number: number;
  /** Number of the learned row upon which it was made. */
  readonly row: number;
  /** `better`: errors have become smaller, which no policy acts on. `swap`, `give-up`: what became of a rival. */
  readonly kind: 'warning' | 'drift' | 'better' | 'swap' | 'give-up';
  readonly detector: string;
  readonly policy: string;
  readonly statistic: number;
  readonly threshold: number;
  /** Mean errors before and since the change; of a swap, of the old and the new learner over the rows both predicted. */
  readonly before: number;
  readonly after: number;
  /** Estimated rows since the change; of a swap, the rows both predicted. */
  readonly delay: number;
  /** What was done, or `none`. */
  readonly action: string;
}

/** Events that are kept. */
const MOST = 100;

export class EventLog {
  #events: DriftEvent[] = [];
  /** Events so far, and how many of them have been given out. */
  readonly #counters = new Float64Array(2);

  get last(): DriftEvent | undefined {
    return this.#events.at(-1);
  }

  add(event: Omit<DriftEvent, 'number'>): void {
    this.#events.push({ number: this.#counters[0]++, ...event });
    if (this.#events.length > MOST) this.#events.shift();
  }

  /** Those since it was last asked, oldest first. */
  take(): DriftEvent[] {
    const taken = this.#counters[1];
    this.#counters[1] = this.#counters[0];
    return this.#events.filter(({ number }) => number >= taken);
  }

  save(): Arrays {
    return { counters: this.#counters, list: new TextEncoder().encode(JSON.stringify(this.#events)) };
  }

  restore(arrays: Arrays): void {
    fill(this.#counters, arrays, 'counters');
    try {
      const list: unknown = JSON.parse(
        new TextDecoder('utf-8', { fatal: true }).decode(arrays.list as Uint8Array),
      );
      if (!Array.isArray(list)) throw new TypeError('no list');
      this.#events = list;
    } catch (cause) {
      throw corrupt('its events cannot be read', cause);
    }
  }
}

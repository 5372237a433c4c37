/**
 * Garbage collection on time. Typed arrays lie outside the JavaScript heap, and the engine lets tens of megabytes
 * of dead ones pile up in each thread before it looks: more than a small memory budget has to spare.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options?: { type: 'minor' | 'major' }) => void;

let collect: Collect | undefined;

/** The engine's collector; asking for it changes a flag of this thread's engine, nothing else. */
function collector(): Collect {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as Collect;
  }
  return collect;
}

/** Collects whenever so many bytes have been dropped since the last time. */
export class GarbageGauge {
  readonly #limit: number;
  #dropped = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  /** Notes that typed arrays of so many bytes are not needed any more. */
  dropped(bytes: number): void {
    this.#dropped += bytes;
    if (this.#dropped < this.#limit) return;
    this.#dropped = 0;
    collector()({ type: 'minor' });
  }
}

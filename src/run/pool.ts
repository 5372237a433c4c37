/**
 * A pool of worker threads for work that is not a reduce: decoding and encoding while ingesting, predicting.
 * Knows nothing of particles. Results come back in the order of the input, with bounded look-ahead.
 */
import { availableParallelism } from 'node:os';
import { SoraError } from '../errors.ts';
import type { CallBody } from './call.ts';
import { type MapOptions, mapOrdered } from './map-ordered.ts';
import type { Reference } from './reference.ts';
import { ReferenceNumbers } from './reference-numbers.ts';
import { Thread, ThreadDeath, type Transferable, threadReference } from './thread.ts';

export interface PoolOptions {
  /** Worker threads; default: the processors of the machine. Threads start when they are first needed. */
  readonly workers?: number;
  /** Limit of the JavaScript heap of each thread, in bytes (typed arrays live outside it). */
  readonly heapBytes?: number;
  /** Aborting rejects every call with `cancelled` and ends the threads. */
  readonly signal?: AbortSignal;
}

/** How often a call is tried again on a fresh thread when threads die under it. */
const TRIES = 3;

interface Call {
  readonly reference: Reference;
  readonly payload: unknown;
  readonly transfer: readonly Transferable[];
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  deaths: number;
}

interface Slot {
  readonly thread: Thread;
  readonly known: Set<number>;
}

/**
 * Worker threads that call exported functions by reference.
 * @example
 * // square.ts: export function square() { return (x: number) => x * x }
 * const pool = new WorkerPool({ workers: 2 });
 * await pool.call<number>({ module: new URL('./square.ts', import.meta.url).href, name: 'square' }, 3); // 9
 * await pool.close();
 */
export class WorkerPool {
  readonly workers: number;
  readonly #options: PoolOptions;
  readonly #idle: Slot[] = [];
  readonly #busy = new Set<Slot>();
  readonly #waiting: Call[] = [];
  readonly #numbers = new ReferenceNumbers();
  readonly #onAbort = () => this.#stop(cancelled(this.#options.signal));
  #stopped: SoraError | undefined;

  constructor(options: PoolOptions = {}) {
    this.workers = options.workers ?? availableParallelism();
    if (!Number.isInteger(this.workers) || this.workers < 1) {
      throw new SoraError('bad-option', `workers is ${this.workers}; give an integer of at least 1.`);
    }
    this.#options = options;
    if (options.signal?.aborted) this.#stopped = cancelled(options.signal);
    else options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /**
   * Runs `factory(options)(payload)` on an idle thread, waiting for one if all are busy.
   * The factory runs once a thread. The function returns its result, or `{ result, transfer }` to move buffers.
   * A call whose thread dies is tried again unless its payload was transferred away; then `worker-lost`.
   */
  call<T>(reference: Reference, payload: unknown, transfer: readonly Transferable[] = []): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#stopped !== undefined) return reject(this.#stopped);
      const call: Call = {
        reference,
        payload,
        transfer,
        resolve: resolve as (result: unknown) => void,
        reject,
        deaths: 0,
      };
      this.#waiting.push(call);
      this.#next();
    });
  }

  /**
   * Maps in parallel, yields in order: at most `ahead` items (default 2 × workers) are taken from the input
   * before their results are consumed. An error surfaces at its item's place and ends the iteration.
   */
  mapOrdered<In, Out>(
    items: Iterable<In> | AsyncIterable<In>,
    fn: (item: In, index: number) => Promise<Out> | Out,
    options: MapOptions = {},
  ): AsyncGenerator<Out, void, void> {
    return mapOrdered(items, fn, { ahead: 2 * this.workers, signal: this.#options.signal, ...options });
  }

  /** Ends the threads; calls still waiting are rejected with `cancelled`. Idempotent. */
  async close(): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    await this.#stop(new SoraError('cancelled', 'The worker pool was closed.'));
  }

  async #stop(reason: SoraError): Promise<void> {
    this.#stopped ??= reason;
    for (const call of this.#waiting.splice(0)) call.reject(this.#stopped);
    const slots = [...this.#idle.splice(0), ...this.#busy];
    await Promise.all(slots.map((slot) => slot.thread.terminate()));
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      if (this.#idle.length === 0 && this.#busy.size >= this.workers) return;
      const call = this.#waiting.shift() as Call;
      try {
        void this.#run(this.#idle.pop() ?? this.#start(), call);
      } catch (error) {
        call.reject(error);
      }
    }
  }

  #start(): Slot {
    return { thread: new Thread({ heapBytes: this.#options.heapBytes }), known: new Set() };
  }

  async #run(slot: Slot, call: Call): Promise<void> {
    this.#busy.add(slot);
    try {
      const body = this.#body(slot, call);
      call.resolve(await slot.thread.request('call', body, call.transfer));
    } catch (error) {
      this.#fail(call, error);
    }
    this.#busy.delete(slot);
    if (slot.thread.alive && this.#stopped === undefined) this.#idle.push(slot);
    this.#next();
  }

  #body(slot: Slot, call: Call): CallBody {
    const number = this.#numbers.of(call.reference);
    if (slot.known.has(number)) return { number, payload: call.payload };
    const body = { number, reference: threadReference(call.reference), payload: call.payload };
    slot.known.add(number);
    return body;
  }

  #fail(call: Call, error: unknown): void {
    if (!(error instanceof ThreadDeath)) call.reject(error);
    else if (this.#stopped !== undefined) call.reject(this.#stopped);
    else if (call.transfer.length === 0 && ++call.deaths < TRIES) this.#waiting.unshift(call);
    else call.reject(lost(call.reference, error));
  }
}

function lost({ module, name }: Reference, cause: ThreadDeath): SoraError {
  const message = `Worker threads kept dying while calling ${name} of ${module}: ${cause.message}`;
  return new SoraError('worker-lost', message, { cause, details: { module, name } });
}

function cancelled(signal: AbortSignal | undefined): SoraError {
  return new SoraError('cancelled', 'Stopped on request.', { cause: signal?.reason });
}

/**
 * One worker thread and the requests in flight on it: ask, answer, death. Nothing of tasks or sessions.
 * Requests are answered in the order in which they were sent. A thread without requests does not keep
 * the process alive.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ResourceLimits, type Transferable, Worker } from 'node:worker_threads';
import { SoraError } from '../errors.ts';
import { compiledModule, type Reference } from './reference.ts';
import { type PackedError, unpackError } from './wire.ts';

export type { Transferable };

/** What a thread is sent: `kind` names a handler of worker.ts, `body` is its argument; `id` -1 wants no answer. */
export interface ThreadRequest {
  readonly id: number;
  readonly kind: string;
  readonly body: unknown;
}

/** What a thread answers; `id` -1 is a notice that nobody asked for (progress). */
export interface ThreadReply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: PackedError;
}

/** The thread ended before it answered: by `process.exit`, an uncaught error, or for want of memory. */
export class ThreadDeath extends Error {
  override readonly name = 'ThreadDeath';
}

export interface ThreadOptions {
  /** Limit of the JavaScript heap of the thread, in bytes (typed arrays live outside it). */
  readonly heapBytes?: number;
  /** Most bytes of that heap for objects that are still young; default: that of the engine, 48 MiB. */
  readonly youngBytes?: number;
  /** Receives notices. */
  readonly onNotice?: (notice: unknown) => void;
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A worker thread; started by the constructor. */
export class Thread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #onNotice: ((notice: unknown) => void) | undefined;
  #nextId = 0;
  #death: Error | undefined;

  constructor(options: ThreadOptions = {}) {
    this.#onNotice = options.onNotice;
    this.#worker = new Worker(new URL(workerEntry()), {
      resourceLimits: resourceLimits(options),
      execArgv: inheritedFlags(),
    });
    this.#worker.unref();
    this.#worker.on('message', (reply: ThreadReply) => this.#receive(reply));
    this.#worker.on('messageerror', (error: Error) => this.#die(error));
    this.#worker.on('error', (error: Error) => this.#die(error));
    this.#worker.on('exit', (code: number) => this.#die(new Error(`It ended with exit code ${code}.`)));
  }

  /** Whether it can still be asked. */
  get alive(): boolean {
    return this.#death === undefined;
  }

  /** Requests sent and not answered yet. */
  get inFlight(): number {
    return this.#pending.size;
  }

  /** Sends a request; rejects with the handler's error, or with {@link ThreadDeath}. */
  request<T>(kind: string, body: unknown, transfer: readonly Transferable[] = []): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#death !== undefined) return reject(this.#death);
      const id = this.#nextId++;
      this.#worker.postMessage({ id, kind, body } satisfies ThreadRequest, transfer);
      if (this.#pending.size === 0) this.#worker.ref();
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject });
    });
  }

  /** Sends a request that has no answer; what goes wrong shows in later requests. */
  notify(kind: string, body: unknown): void {
    if (this.alive) this.#worker.postMessage({ id: -1, kind, body } satisfies ThreadRequest);
  }

  /** Ends the thread at once, whatever it is doing; requests in flight are rejected now. */
  async terminate(): Promise<void> {
    this.#die(new Error('It was terminated.'));
    await this.#worker.terminate();
  }

  #receive(reply: ThreadReply): void {
    if (reply.id < 0) {
      this.#onNotice?.(reply.result);
      return;
    }
    const pending = this.#pending.get(reply.id);
    if (pending === undefined) return;
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if (reply.error !== undefined) pending.reject(unpackError(reply.error));
    else pending.resolve(reply.result);
  }

  #die(cause: Error): void {
    if (this.#death !== undefined) return;
    this.#death = new ThreadDeath(`A worker thread died. ${cause.message}`, { cause });
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#worker.unref();
    for (const { reject } of pending) reject(this.#death);
  }
}

/** Heap limits of a thread; without them a worker may grow to the default heap of the whole process. */
function resourceLimits({ heapBytes, youngBytes }: ThreadOptions): ResourceLimits {
  const mebibytes = (bytes: number): number => Math.ceil(bytes / 2 ** 20);
  return {
    ...(heapBytes === undefined ? {} : { maxOldGenerationSizeMb: mebibytes(heapBytes) }),
    ...(youngBytes === undefined ? {} : { maxYoungGenerationSizeMb: mebibytes(youngBytes) }),
  };
}

/** Undefined: those of the process. A script given on the command line has flags that no file may be run with. */
function inheritedFlags(): string[] | undefined {
  return process.execArgv.some((flag) => flag.startsWith('--input-type')) ? [] : undefined;
}

/** URL of the compiled worker entry; throws `internal` where the package has not been built. */
function workerEntry(): string {
  return loadableModule(import.meta.url.replace(/thread\.([jt]s)$/, 'worker.$1'));
}

/** The reference with a module that a worker thread can import; same object if nothing changes. */
export function threadReference(reference: Reference): Reference {
  const module = loadableModule(reference.module);
  return module === reference.module ? reference : { ...reference, module };
}

/** The compiled twin of a TypeScript module if there is one, else the module itself where Node can run it. */
function loadableModule(url: string): string {
  if (!url.endsWith('.ts')) return url;
  const compiled = compiledModule(url);
  if (existsSync(fileURLToPath(compiled))) return compiled;
  if ('typescript' in process.features && process.features.typescript && !url.includes('/run/worker.ts'))
    return url;
  throw new SoraError(
    'internal',
    `Worker threads run JavaScript, and ${compiled} does not exist: run npm run build first.`,
    { details: { module: url, compiled } },
  );
}

/**
 * The entry of every worker thread: takes requests one after the other and answers them.
 * What a thread can do is the table of handlers; it knows nothing of who asks.
 */
import { parentPort, type Transferable } from 'node:worker_threads';
import { SoraError } from '../errors.ts';
import { callHandler } from './call.ts';
import type { ThreadReply, ThreadRequest } from './thread.ts';
import { packError } from './wire.ts';

/** Answers one kind of request; may list buffers of the answer that move instead of being copied. */
export type Handler = (body: never) => Promise<Answer> | Answer;

export interface Answer {
  readonly result: unknown;
  readonly transfer?: readonly Transferable[];
}

const handlers: Readonly<Record<string, Handler>> = {
  call: callHandler(),
};

const port = parentPort;
if (port === null) throw new SoraError('internal', 'worker.ts is the entry of worker threads only.');

async function answer(request: ThreadRequest): Promise<void> {
  try {
    const { result, transfer = [] } = await handlers[request.kind](request.body as never);
    port?.postMessage({ id: request.id, result } satisfies ThreadReply, transfer as Transferable[]);
  } catch (thrown) {
    port?.postMessage({ id: request.id, error: packError(thrown) } satisfies ThreadReply);
  }
}

let last: Promise<void> = Promise.resolve();
port.on('message', (request: ThreadRequest) => {
  last = last.then(() => answer(request));
});

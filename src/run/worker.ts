/**
 * The entry of every worker thread: takes requests one after the other and answers them.
 * What a thread can do is the table of handlers; it knows nothing of who asks.
 */
import { parentPort, type Transferable } from 'node:worker_threads';
import { SoraError } from '../errors.ts';
import { configureMemory } from '../kernel/memory.ts';
import { callHandler } from './call.ts';
import { TaskHost } from './host.ts';
import type { SessionBody, TaskBody } from './messages.ts';
import type { ThreadReply, ThreadRequest } from './thread.ts';
import { packError } from './wire.ts';

/** Answers one kind of request; may list buffers of the answer that move instead of being copied. */
type Handler = (body: never) => Promise<Answer> | Answer;

interface Answer {
  readonly result: unknown;
  readonly transfer?: readonly Transferable[];
}

const port = parentPort;
if (port === null) throw new SoraError('internal', 'worker.ts is the entry of worker threads only.');

const NOTHING: Answer = { result: undefined };
let host = new TaskHost();

const handlers: Readonly<Record<string, Handler>> = {
  call: callHandler(),
  configure: ({ bytes }: { bytes: number }) => {
    configureMemory({ bytes });
    host = new TaskHost({
      bytes,
      shares: true,
      onProgress: (progress) => port.postMessage({ id: -1, result: progress }),
    });
    return NOTHING;
  },
  session: (body: SessionBody) => {
    host.openSession(body);
    return NOTHING;
  },
  task: async (body: TaskBody) => {
    const result = await host.runTask(body);
    const buffers = [result, ...result.nodes].map(({ bytes }) => bytes.buffer);
    return { result, transfer: buffers.filter((buffer) => buffer instanceof ArrayBuffer) };
  },
  close: async (session: number) => {
    await host.closeSession(session);
    return NOTHING;
  },
};

async function answer({ id, kind, body }: ThreadRequest): Promise<void> {
  try {
    const { result, transfer = [] } = await handlers[kind](body as never);
    if (id >= 0) port?.postMessage({ id, result } satisfies ThreadReply, transfer as Transferable[]);
  } catch (thrown) {
    if (id < 0) throw thrown;
    port?.postMessage({ id, error: packError(thrown) } satisfies ThreadReply);
  }
}

let last: Promise<void> = Promise.resolve();
port.on('message', (request: ThreadRequest) => {
  last = last.then(() => answer(request));
});

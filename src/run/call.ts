/**
 * The `call` request of a worker thread: run a function named by a reference on a payload.
 * The function is made once a thread from its factory and options, and kept.
 */
import { type Reference, resolveReference } from './reference.ts';
import type { Transferable } from './thread.ts';

/** A call: `reference` is sent along the first time a thread meets `number`, and known from then on. */
export interface CallBody {
  readonly number: number;
  readonly reference?: Reference;
  readonly payload: unknown;
}

/** What a called function may return to move buffers instead of copying them. */
export interface Transferring<T> {
  readonly result: T;
  readonly transfer: readonly Transferable[];
}

type Callee = (payload: unknown) => unknown;

/** A handler with a memory of the functions it has made. */
export function callHandler(): (
  body: CallBody,
) => Promise<{ result: unknown; transfer?: readonly Transferable[] }> {
  const callees = new Map<number, Promise<Callee>>();
  return async ({ number, reference, payload }) => {
    if (reference !== undefined) callees.set(number, resolveReference<Callee>(reference));
    const callee = await (callees.get(number) as Promise<Callee>);
    const returned = await callee(payload);
    return isTransferring(returned) ? returned : { result: returned };
  };
}

function isTransferring(value: unknown): value is Transferring<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'result' in value &&
    'transfer' in value &&
    Array.isArray(value.transfer)
  );
}

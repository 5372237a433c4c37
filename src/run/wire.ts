/**
 * Errors across threads. Structured cloning keeps neither class, code nor details of an error;
 * this packs what a reader needs into plain values and builds the same error again on the other side.
 */
import { ERRORS, type ErrorCode, type ErrorDetails, SoraError } from '../errors.ts';

/** An error as plain cloneable values. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Set for a {@link SoraError}. */
  readonly code?: string;
  readonly details?: ErrorDetails;
  readonly cause?: PackedError;
}

/** Deepest chain of causes that is kept. */
const CAUSE_DEPTH = 4;

/** Plain values of anything thrown. */
export function packError(thrown: unknown, depth = 0): PackedError {
  if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown) };
  const { name, message, stack } = thrown;
  const cause =
    thrown.cause === undefined || depth >= CAUSE_DEPTH ? undefined : packError(thrown.cause, depth + 1);
  const packed = { name, message, stack, cause };
  return isSoraError(thrown)
    ? { ...packed, code: thrown.code, details: cloneableDetails(thrown.details) }
    : packed;
}

/** The error again: a {@link SoraError} with its code and details, or an `Error` of the same name. */
export function unpackError(packed: PackedError): Error {
  const cause = packed.cause && unpackError(packed.cause);
  const error =
    packed.code !== undefined && packed.code in ERRORS
      ? new SoraError(packed.code as ErrorCode, packed.message, { cause, details: packed.details })
      : new Error(packed.message, cause && { cause });
  error.name = packed.name;
  if (packed.stack !== undefined) error.stack = packed.stack;
  return error;
}

/** By shape, not class: a worker may hold another copy of the class than the module that threw. */
function isSoraError(error: Error): error is SoraError {
  return error.name === 'SoraError' && 'code' in error && typeof error.code === 'string';
}

/** Details as they are if they can be cloned, else each value that cannot as text. */
function cloneableDetails(details: ErrorDetails): ErrorDetails {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => {
      try {
        return [key, structuredClone(value)];
      } catch {
        return [key, String(value)];
      }
    }),
  );
}

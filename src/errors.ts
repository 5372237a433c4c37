/**
 * One table of error codes, one error class.
 * Exit codes of the command line and HTTP statuses are read from this table and nowhere else;
 * `docs/errors.md` documents every row, and a test holds the two together.
 */

/** What each code means to a shell (`exit`) and to an HTTP client (`status`). */
export const ERRORS = {
  'bad-option': {
    exit: 2,
    status: 400,
    meaning: 'an option or argument is unknown, missing or out of range',
  },
  'not-found': { exit: 3, status: 404, meaning: 'a file, store, commit, model or column does not exist' },
  'bad-input': { exit: 4, status: 422, meaning: 'input data could not be read as it was declared' },
  'unsupported-format': {
    exit: 4,
    status: 415,
    meaning: 'the format of the input is not one that can be read',
  },
  'bad-data': {
    exit: 4,
    status: 422,
    meaning: 'the data cannot be learned from: no rows, one class, labels out of range',
  },
  'schema-mismatch': {
    exit: 4,
    status: 422,
    meaning: 'columns do not agree with the schema of the store or model',
  },
  corrupt: { exit: 5, status: 500, meaning: 'bytes read back do not agree with their hash' },
  'newer-format': { exit: 5, status: 500, meaning: 'the store or model was written by a newer version' },
  conflict: { exit: 6, status: 409, meaning: 'another writer committed first' },
  'over-budget': { exit: 7, status: 507, meaning: 'the work cannot fit the memory budget it was given' },
  'worker-lost': { exit: 8, status: 500, meaning: 'worker threads kept dying on the same task' },
  'io-failed': { exit: 8, status: 500, meaning: 'the operating system refused a read or a write' },
  cancelled: { exit: 130, status: 499, meaning: 'the work was stopped on request' },
  internal: { exit: 70, status: 500, meaning: 'a defect in Sora itself' },
} as const;

/** One of the codes in {@link ERRORS}. */
export type ErrorCode = keyof typeof ERRORS;

/** Facts of an error that a program can read: where, the value, the limit. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * Every error that Sora throws on purpose.
 * The message says what, where, the value, the limit and the remedy, in that order.
 */
export class SoraError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; details?: ErrorDetails } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SoraError';
    this.code = code;
    this.details = options.details ?? {};
  }

  /** Exit code of the command line for this error. */
  get exit(): number {
    return ERRORS[this.code].exit;
  }

  /** HTTP status for this error. */
  get status(): number {
    return ERRORS[this.code].status;
  }
}

/** Throws `cancelled` if the signal has been aborted; called between units of work. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new SoraError('cancelled', 'Stopped on request.', { cause: signal.reason });
}

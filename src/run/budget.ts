/**
 * The memory model of the thread executor (docs/decisions/003-run.md): how a budget for the whole process becomes
 * a number of workers and a share of each. Shares decide what stays in memory, never what is computed.
 *
 *     budget = this process as it stands + slack + workers × (WORKER_BASE + share)
 */
import { totalmem } from 'node:os';
import { SoraError } from '../errors.ts';
import { MAX_MEMORY_BYTES } from '../kernel/memory.ts';

const MIB = 2 ** 20;
/**
 * What the calling thread may add to what the process holds now: results, blobs, garbage between collections; and
 * in a process that has done little yet, code and heap of what it is about to do. Measured in training, Node 20: a
 * process that began with 55 MiB, or with 98, came to {@link GROWN_PROCESS}; after an ingest, which leaves more than it
 * needs, hardly anything is added.
 */
const LEAST_SLACK = 24 * MIB;
/** What a process that trains has come to hold in its calling thread. */
const GROWN_PROCESS = 146 * MIB;
/**
 * What a worker thread takes besides its share: isolate, code, heap, memory of the compiler, and what the allocator
 * keeps of freed blocks. Measured in training, Node 20: 30–42 MiB.
 */
const WORKER_BASE = 44 * MIB;
/** What stays with the process of a worker thread that has ended. Measured with Node 20. */
export const ENDED_THREAD = 12 * MIB;
/** Least share that is worth a thread. */
const MIN_SHARE = 16 * MIB;
/** Without a budget: this part of the machine's (or container's) memory. */
const DEFAULT_FRACTION = 0.5;

/** How many workers run, and what each may hold in views, decoded particles and kernel scratch. */
export interface Shares {
  readonly workers: number;
  readonly shareBytes: number;
}

/** Memory of the machine or, if less, of the container. */
function machineBytes(): number {
  const constrained = process.constrainedMemory?.() ?? 0;
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/**
 * As many of the wanted workers as the budget allows, each with at least `needBytes`.
 * Throws `over-budget` with the need and the limit if not even one fits.
 */
export function divideMemory(
  wanted: number,
  memory: number | undefined,
  processBytes = process.memoryUsage.rss(),
  needBytes = MIN_SHARE,
): Shares {
  const limit = memory ?? processBytes + machineBytes() * DEFAULT_FRACTION;
  const slack = Math.max(LEAST_SLACK, GROWN_PROCESS - processBytes);
  const left = limit - processBytes - slack;
  const need = WORKER_BASE + Math.max(needBytes, MIN_SHARE);
  const workers = Math.min(wanted, Math.floor(left / need));
  if (workers < 1) throw tooSmall(limit, processBytes + slack + need);
  return { workers, shareBytes: Math.min(MAX_MEMORY_BYTES, Math.floor(left / workers) - WORKER_BASE) };
}

/** Limit of a worker's JavaScript heap: text columns live there, typed arrays do not. */
export function heapLimit(shareBytes: number): number {
  return Math.max(64 * MIB, shareBytes);
}

/** Of it, what young objects may take: without a limit it grows to 32 MiB a thread and stays there. */
export function youngLimit(shareBytes: number): number {
  return Math.min(48 * MIB, Math.max(6 * MIB, shareBytes / 8));
}

function tooSmall(limitBytes: number, needBytes: number): SoraError {
  const mib = (bytes: number): string => `${Math.ceil(bytes / MIB)} MiB`;
  return new SoraError(
    'over-budget',
    `One worker needs a memory budget of ${mib(needBytes)} here, and it is ${mib(limitBytes)}. ` +
      'Give a larger budget, or ingest with smaller particles.',
    { details: { needBytes, limitBytes } },
  );
}

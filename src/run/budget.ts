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
/** What the calling thread may add to what it holds now: results, blobs, garbage between collections. */
const MAIN_SLACK = 24 * MIB;
/** What a worker thread takes before it has done anything: isolate, code, heap. Measured with a store, Node 20: 17–27 MiB. */
const WORKER_BASE = 30 * MIB;
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
  const left = limit - processBytes - MAIN_SLACK;
  const need = WORKER_BASE + Math.max(needBytes, MIN_SHARE);
  const workers = Math.min(wanted, Math.floor(left / need));
  if (workers < 1) throw tooSmall(limit, processBytes + MAIN_SLACK + need);
  return { workers, shareBytes: Math.min(MAX_MEMORY_BYTES, Math.floor(left / workers) - WORKER_BASE) };
}

/** Limit of a worker's JavaScript heap: text columns live there, typed arrays do not. */
export function heapLimit(shareBytes: number): number {
  return Math.max(64 * MIB, shareBytes);
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

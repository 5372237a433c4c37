/** What the machine may be used for: options turned into an executor, and the peak memory of the process. */
import { availableParallelism, freemem } from 'node:os';
import { SoraError } from '../errors.ts';
import { inlineExecutor } from '../run/inline.ts';
import type { Executor } from '../run/session.ts';
import { threadExecutor } from '../run/threads.ts';

const UNITS: Record<string, number> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
};

export interface ResourceOptions {
  readonly workers?: number;
  /** Bytes as people write them, e.g. `512MB`. */
  readonly memory?: string;
}

/** Bytes of `512MB`, `2 GiB` and the like; throws `bad-option`. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmg]?i?b)?$/i.exec(text.trim());
  const unit = UNITS[(match?.[2] ?? '').toLowerCase()];
  if (!match || unit === undefined) {
    throw new SoraError(
      'bad-option',
      `"${text}" is not a size: write a number and B, KB, MB, GB, KiB, MiB or GiB.`,
    );
  }
  return Math.floor(Number(match[1]) * unit);
}

/** Memory budget in bytes: as asked, or half of what is free. */
export function memoryBudget(options: ResourceOptions): number {
  return options.memory === undefined ? Math.floor(freemem() / 2) : parseBytes(options.memory);
}

/** Worker threads: as asked, or one per core; 0 means inline. */
export function workerCount(options: ResourceOptions): number {
  return options.workers ?? availableParallelism();
}

/** Particles of so many bytes, compressed, are done with on the calling thread before others have started. */
const INLINE_BYTES = 1 << 20;

/** The same of so many cells where the work is many short rounds, as trees are: from about 5M two threads pay. */
const INLINE_CELLS = 4_000_000;

/** How much there is to work on. */
export interface Workload {
  /** Of particles, compressed. */
  readonly bytes: number;
  /** Rows times columns, where the work is many short rounds. */
  readonly cells?: number;
}

/** The executor that the options ask for; when they do not say, one that suits the work. */
export function openExecutor(options: ResourceOptions, { bytes, cells }: Workload): Executor {
  const isAsked = options.workers !== undefined || options.memory !== undefined;
  const isSmall = !isAsked && (bytes <= INLINE_BYTES || (cells !== undefined && cells <= INLINE_CELLS));
  const workers = isSmall ? 0 : workerCount(options);
  return workers === 0 ? inlineExecutor() : threadExecutor({ workers, memory: memoryBudget(options) });
}

/** Largest resident size of this process so far, in bytes. */
export function peakMemory(): number {
  return process.resourceUsage().maxRSS * 1024;
}

/**
 * What a training that is interrupted goes on from: a file in `tmp/` of the store, its own hash before it, replaced
 * whole. A file that is gone or damaged reads as absent; losing it costs the rounds in it.
 *
 *     sha256 of the rest, hexadecimal | newline | bytes
 */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { attempt, replaceFile } from './cache-files.ts';
import { TEMPORARY } from './directory.ts';

const HASH_LENGTH = 64;

/** Checkpoints of trainings on one store, by the identity of what is fitted. */
export interface CheckpointFiles {
  load(identity: string): Uint8Array | undefined;
  /** False where it could not be written: training goes on without. */
  save(identity: string, bytes: Uint8Array): boolean;
  remove(identity: string): void;
}

/** Those of the store at `root`. */
export function checkpointFiles(root: string): CheckpointFiles {
  const pathOf = (identity: string): string => join(root, TEMPORARY, `checkpoint-${identity}`);
  return {
    load(identity) {
      const file = attempt(() => readFileSync(pathOf(identity)));
      const bytes = file?.subarray(HASH_LENGTH + 1);
      const isWhole = bytes && hashOf(bytes) === file?.subarray(0, HASH_LENGTH).toString();
      return isWhole ? bytes : undefined;
    },
    save(identity, bytes) {
      const parts = [Buffer.from(`${hashOf(bytes)}\n`), bytes];
      const written = attempt(() => {
        replaceFile(root, pathOf(identity), parts);
        return true;
      });
      return written === true;
    },
    remove: (identity) => void attempt(() => rmSync(pathOf(identity), { force: true })),
  };
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

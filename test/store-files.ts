/** What whole-system tests look at from outside: the files of a store, and damage done to them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { randomWord } from '../src/random.ts';
import { ADULT } from './cli.ts';

/** Paths of all files under a folder, relative to it, sorted. */
export function filesIn(folder: string, inside = ''): string[] {
  return readdirSync(join(folder, inside), { withFileTypes: true })
    .flatMap((entry) => {
      const file = join(inside, entry.name);
      return entry.isDirectory() ? filesIn(folder, file) : [file];
    })
    .sort();
}

/** The bytes of a model that must not differ between two trainings, as one text. */
export function modelBytes(directory: string): string {
  return ['model.json', 'parameters.safetensors']
    .map((file) => readFileSync(join(directory, file)).toString('base64'))
    .join('\n');
}

/** A few places in a file of `size` bytes: its ends, and others that depend on the seed. */
export function placesIn(size: number, seed: number, count: number): number[] {
  const random = Array.from({ length: count }, (_, i) => randomWord(seed, 1, i) % size);
  return [...new Set([0, size - 1, ...random])];
}

/** The bytes with one bit of the byte at `at` changed. */
export function flipped(bytes: Buffer, at: number): Buffer {
  const damaged = Buffer.from(bytes);
  damaged[at] ^= 1 << (randomWord(2, 1, at) & 7);
  return damaged;
}

/** The census data as CSV text: header, then rows. */
export function adultLines(): { readonly header: string; readonly rows: readonly string[] } {
  const [header, ...rows] = gunzipSync(readFileSync(ADULT)).toString('utf8').trimEnd().split('\n');
  return { header, rows };
}

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/cli.ts';
import { checkpointFiles } from './checkpoint-file.ts';

const root = temporaryFolder();

it('gives back what was saved last under the identity, and nothing after it is removed', () => {
  const files = checkpointFiles(join(root, 'a.sora'));
  expect(files.load('x')).toBeUndefined();
  expect(files.save('x', Uint8Array.of(1, 2, 3))).toBe(true);
  expect(files.save('x', Uint8Array.of(4, 5))).toBe(true);
  expect(files.save('y', Uint8Array.of())).toBe(true);
  expect([...(files.load('x') as Uint8Array)]).toEqual([4, 5]);
  expect([...(files.load('y') as Uint8Array)]).toEqual([]);
  files.remove('x');
  files.remove('x');
  expect(files.load('x')).toBeUndefined();
  expect(readdirSync(join(root, 'a.sora', 'tmp'))).toEqual(['checkpoint-y']);
});

it('reads a damaged or cut file as absent', () => {
  const files = checkpointFiles(join(root, 'b.sora'));
  files.save('x', Uint8Array.of(1, 2, 3));
  const path = join(root, 'b.sora', 'tmp', 'checkpoint-x');
  const whole = readFileSync(path);
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(path, whole.subarray(0, length));
    expect(files.load('x')).toBeUndefined();
  }
  for (let at = 0; at < whole.length; at++) {
    const changed = Buffer.from(whole);
    changed[at] ^= 1;
    writeFileSync(path, changed);
    // The line end is no part of what is read.
    if (at !== 64) expect(files.load('x')).toBeUndefined();
  }
});

it('says so where nothing can be written', () => {
  const place = join(root, 'c.sora');
  mkdirSync(place);
  writeFileSync(join(place, 'tmp'), 'a file');
  expect(checkpointFiles(place).save('x', Uint8Array.of(1))).toBe(false);
});

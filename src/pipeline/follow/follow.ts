/**
 * Following a stream: rows become particles of a store, and an online model is asked and taught each of them. With every
 * particle one commit takes the rows, the model, its scores and the place in the source, so that a process killed at any
 * moment goes on as if it had not been.
 */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { openStream } from '../../ingest/stream/registry.ts';
import { openStore } from '../../store/store.ts';
import { removeUnused } from '../data.ts';
import { checkOptions } from '../options.ts';
import { followStream } from './following.ts';
import { type FollowOptions, followShape } from './options.ts';
import type { FollowHooks, FollowResult } from './result.ts';

/**
 * Follows a source until it ends, is idle for as long as the options say, or the signal aborts; then what was taken is
 * committed. Called again with the same store it goes on where the last commit stands. Throws what the source throws,
 * after what came before has been committed.
 * @example
 * await follow('events.ndjson', { target: 'clicked', untilIdle: 10 });
 */
export async function follow(source: string, given: FollowOptions & FollowHooks): Promise<FollowResult> {
  const { signal, onProgress, onNote, onCommit, onOutage, ...plain } = given;
  const options = checkOptions(followShape, plain);
  const { format, delimiter } = options;
  const stream = await openStream(source, { format, delimiter });
  const directory = options.store ?? storeName(source);
  const isNew = !existsSync(directory);
  const store = await openStore(directory, { create: true });
  try {
    return await followStream(store, stream, options, { signal, onProgress, onNote, onCommit, onOutage });
  } catch (error) {
    if (isNew) await removeUnused(store);
    throw error;
  } finally {
    await stream.close();
    store.close();
  }
}

/**
 * Store of a source when none is given: its last part without extensions; of a URL the table or stream that it names, else
 * the last part of its path, and no password.
 */
function storeName(source: string): string {
  if (source === '-') return 'stdin.sora';
  const named = /^[a-z]+:\/\/.*[?&](?:table|stream)=(?:[^&#]*\.)?([\p{L}\p{N}_-]+)(?:[&#]|$)/iu.exec(
    source,
  )?.[1];
  if (named !== undefined) return `${named}.sora`;
  const plain = source
    .replace(/\/\/[^/]*@/, '//')
    .replace(/[?#].*$/, '')
    .replace(/\/+$/, '');
  const name = basename(plain).replace(/(\.[A-Za-z0-9]+){1,2}$/, '');
  return `${name.replace(/[^\p{L}\p{N}._-]+/gu, '-') || 'stream'}.sora`;
}

/** Preloaded into a process (`--import`): kills it in front of its file operation number SORA_KILL_AT, from 1. */
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

let left = Number(process.env.SORA_KILL_AT);
if (isMainThread) {
  for (const name of ['rename', 'link', 'unlink']) {
    const original = promises[name];
    promises[name] = (...words) => {
      if (--left === 0) process.kill(process.pid, 'SIGKILL');
      return original(...words);
    };
  }
  syncBuiltinESMExports();
}

/** Verification of a store, for the command line and the API. */
import { openStore } from '../store/store.ts';
import type { VerifyReport } from '../store/verify.ts';
import type { Hooks } from './data.ts';

/** Reads every byte of the store in `directory` and names what is damaged; see docs/store-format.md. */
export async function verify(
  directory: string,
  options: Hooks & { readonly repair?: boolean } = {},
): Promise<VerifyReport> {
  const { signal, onProgress, repair } = options;
  const store = await openStore(directory);
  return store.verify({
    repair,
    signal,
    onProgress: ({ bytes, totalBytes }) =>
      onProgress?.({ stage: 'verifying', done: bytes, total: totalBytes, unit: 'bytes' }),
  });
}

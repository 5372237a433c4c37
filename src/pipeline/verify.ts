/** Verification of a store, for the command line and the API. */
import { type VerifyReport, verifyStore } from '../store/verify.ts';
import type { Hooks } from './data.ts';

/** Reads every byte of the store in `directory`, also of one that cannot be opened, and names what is damaged. */
export async function verify(
  directory: string,
  options: Hooks & { readonly repair?: boolean } = {},
): Promise<VerifyReport> {
  const { signal, onProgress, repair } = options;
  return verifyStore(directory, {
    repair,
    signal,
    onProgress: ({ bytes, totalBytes }) =>
      onProgress?.({ stage: 'verifying', done: bytes, total: totalBytes, unit: 'bytes' }),
  });
}

/** What an update gives back: what was done, what was looked at, how good the model was and is. */
import type { Model } from '../model/model.ts';
import type { HeldInput } from './append-once.ts';
import type { UpdateEvaluation } from './update-evaluate.ts';

/** What an update did. */
export interface UpdateResult extends Partial<UpdateEvaluation> {
  /** Model directory, and where the model before is now; absent where it was not moved or nothing was done. */
  readonly directory: string;
  readonly previous?: string;
  /** HTML report. */
  readonly report?: string;
  readonly store: string;
  /** First and last commit of the new rows; absent when there were none, and nothing was written. */
  readonly commits?: readonly [number, number];
  /** Inputs that were not appended, since that commit had brought the same content. */
  readonly held?: readonly HeldInput[];
  /** What was done, in a few words. */
  readonly how: string;
  readonly particles: { readonly old: number; readonly new: number };
  /** Most particles that a round of the fit looked at, of those before and of the new ones. */
  readonly observed: { readonly old: number; readonly new: number };
  readonly rows: { readonly learned: number; readonly new: number };
  readonly fit?: { readonly converged: boolean; readonly reason: string; readonly rounds: number };
  /** How the new rows differ from those before. */
  readonly changes: readonly string[];
  readonly seconds: Readonly<Record<'append' | 'fit' | 'evaluate', number>>;
  readonly model: Model;
}

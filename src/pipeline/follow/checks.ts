/** What is refused before a stream is followed: no name, a name that is taken, a commit without a state, other options than before. */
import { SoraError } from '../../errors.ts';
import { canonicalJson, type Json } from '../../json.ts';
import type { LoggedCommit } from '../../store/commit.ts';
import { resolveAt } from '../../store/snapshot.ts';
import { type CheckedFollow, followShape } from './options.ts';
import { givenOptions } from './plan.ts';
import { type CommittedState, followedNames, stateOf } from './state.ts';

/** Name of the model: as given, else that of the target, or of the one model that the store follows. Throws `bad-option`. */
export function nameOf(log: readonly LoggedCommit[], { name, target }: CheckedFollow): string {
  const [known, more] = followedNames(log);
  const found = name ?? target ?? (more === undefined ? known : undefined);
  if (found !== undefined) return found;
  throw new SoraError(
    'bad-option',
    more === undefined
      ? 'Name the column to learn with --target.'
      : `The store follows ${followedNames(log).join(', ')}: choose one with --name, or begin another with --target.`,
  );
}

/** The error of a name that a trained model has. */
export function modelThere(name: string): SoraError {
  return new SoraError(
    'conflict',
    `models/${name} holds a trained model, which following would stand beside: give the followed one another --name.`,
  );
}

/** The state of the commit that is to be gone back to. Throws `not-found`, naming those that have one. */
export function stateBack(
  log: readonly LoggedCommit[],
  name: string,
  fromCommit: CheckedFollow['fromCommit'],
): CommittedState {
  const commit = log[resolveAt(log, fromCommit) - 1];
  const state = stateOf(commit, name);
  if (state !== undefined) return { commit, state };
  const numbers = log.filter((one) => stateOf(one, name) !== undefined).map((one) => one.commit);
  throw new SoraError(
    'not-found',
    `Commit ${commit.commit} holds no state of "${name}"; those that do: ${numbers.slice(-20).join(', ') || 'none'}.`,
  );
}

/** Throws `bad-option` for an option that says something else than when the stream began. */
export function checkSame(
  given: Json,
  before: string,
  source: string,
  options: CheckedFollow,
  name: string,
): void {
  const usual = givenOptions(followShape.parse({}));
  const pinned = given as Record<string, Json>;
  const now = givenOptions(options);
  for (const [key, value] of Object.entries(now)) {
    const text = canonicalJson(value);
    if (text === canonicalJson(usual[key] ?? null) || text === canonicalJson(pinned[key] ?? null)) continue;
    const flag = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new SoraError(
      'bad-option',
      `Option --${flag} is ${text}, and "${name}" was begun with ${key in pinned ? canonicalJson(pinned[key]) : 'none'}: leave it out to go on, or begin another model with --name.`,
      { details: { option: key } },
    );
  }
  if (before === source) return;
  throw new SoraError(
    'bad-option',
    `"${name}" follows ${before}, and the source is ${source}: give the same one, or begin another model with --name.`,
    { details: { before, source } },
  );
}

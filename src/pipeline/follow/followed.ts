/** A followed model as others use it: found by its folder in a store, as of the newest commit or an earlier one. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SoraError } from '../../errors.ts';
import { largest } from '../../fit/online/largest.ts';
import { type OnlineModel, resumeOnline } from '../../fit/online/online.ts';
import { MODEL_FILE } from '../../model/model.ts';
import type { Predictions } from '../../model/predict.ts';
import type { Particle } from '../../particle/particle.ts';
import { type At, resolveAt } from '../../store/snapshot.ts';
import { openStore } from '../../store/store.ts';
import { checkedFile } from './keeper.ts';
import { type CommittedState, followedNames, newestState } from './state.ts';

/** A followed model, and the state that it is part of. */
export interface FollowedModel extends CommittedState {
  readonly store: string;
  readonly name: string;
  readonly model: OnlineModel;
}

/** What is said of the rows of a particle: as of other models, but for margins, which online learners need not have. */
export type Answers = Omit<Predictions, 'margins' | 'kind' | 'outputs'>;

/** Store and name of a folder `<store>/models/<name>` without a trained model in it. */
function placeOf(directory: string): { readonly store: string; readonly name: string } | undefined {
  const path = resolve(directory);
  const models = dirname(path);
  const store = dirname(models);
  const fits = basename(models) === 'models' && existsSync(join(store, 'store.json'));
  return fits && !existsSync(join(path, MODEL_FILE)) ? { store, name: basename(path) } : undefined;
}

/** Whether a folder is that of a followed model. */
export async function isFollowed(directory: string): Promise<boolean> {
  const place = placeOf(directory);
  if (place === undefined) return false;
  const store = await openStore(place.store);
  const names = followedNames(await store.log());
  store.close();
  return names.includes(place.name);
}

/**
 * The followed model in `<store>/models/<name>`, every byte checked; `at` is a commit, steps back from the newest, or a time.
 * Throws `not-found` where there is none, or where that version is not kept any more.
 * @example
 * const { model } = await openFollowed('clicks.sora/models/clicked');
 * model.predictOne({ page: 'home' });
 */
export async function openFollowed(directory: string, at?: At): Promise<FollowedModel> {
  const place = placeOf(directory);
  if (place === undefined) {
    throw new SoraError(
      'not-found',
      `${directory} is not the folder of a followed model, <store>/models/<name>.`,
    );
  }
  const store = await openStore(place.store);
  const log = await store.log();
  const found = newestState(log.slice(0, resolveAt(log, at)), place.name);
  if (found === undefined) {
    throw new SoraError(
      'not-found',
      `${directory}: no commit${at === undefined ? '' : ` up to ${at}`} follows "${place.name}".`,
    );
  }
  const { model } = found.state;
  const bytes = checkedFile(found.commit, model, await store.storage.get(model), place.name);
  store.close();
  return { ...found, ...place, model: resumeOnline(bytes) };
}

/** Predicts particles with a followed model. */
export function followedPredictor({ model }: FollowedModel): (particle: Particle) => Answers {
  const classes = model.classes.map(String);
  return (particle) => {
    const out = model.predictMany(particle);
    const common = { rows: particle.rows, imputed: {}, unknown: {} };
    if (classes.length === 0) return { ...common, values: out };
    const classIndices = Uint32Array.from({ length: particle.rows }, (_, row) =>
      largest(out, row * classes.length, classes.length),
    );
    return { ...common, classes, probabilities: out, classIndices };
  };
}

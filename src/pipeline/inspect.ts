/**
 * What is in a store, a model, a particle file or a data file: facts only, nothing is changed.
 * A data file is read into a temporary store first, so that every kind of data is profiled the same way.
 */
import { existsSync } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { SoraError } from '../errors.ts';
import { type PrequentialScores, prequentialScores } from '../evaluate/prequential.ts';
import type { ColumnStrength } from '../explain/contribution.ts';
import { type ForestSize, forestSize, gainShares, splitShares } from '../explain/importance.ts';
import type { OnlineLabel } from '../fit/online/classes.ts';
import { loadModel } from '../model/files.ts';
import { MODEL_FILE, type Model, modelForest, PARAMETERS_FILE } from '../model/model.ts';
import { decodeParticle, isSealed } from '../particle/decode.ts';
import { describeParticle } from '../particle/describe.ts';
import { hashParticle } from '../particle/hash.ts';
import type { Particle } from '../particle/particle.ts';
import type { Session } from '../run/session.ts';
import type { LoggedCommit } from '../store/commit.ts';
import { STORE_FILE } from '../store/format.ts';
import type { Snapshot } from '../store/snapshot.ts';
import type { Store } from '../store/store.ts';
import { type SummaryName, summaryNamed, summaryReference } from '../summary/catalog.ts';
import type { Profile } from '../summary/profile.ts';
import { partial } from '../summary/summary.ts';
import { type Data, type Hooks, openData, openSession, storeOf } from './data.ts';
import { type FollowedModel, isFollowed, openFollowed } from './follow/followed.ts';
import { type FollowState, followedNames } from './follow/state.ts';
import { checkOptions, type InspectOptions, inspectShape } from './options.ts';
import { openExecutor } from './resources.ts';
import { temporaryStore } from './temporary.ts';

/** What was found, by kind. */
export type Inspection =
  | {
      readonly kind: 'model';
      readonly path: string;
      readonly model: Model;
      /** Size of a model of trees, and each column's share of the gain of all splits and of their number. */
      readonly forest?: ForestSize & {
        readonly importance: readonly ColumnStrength[];
        readonly splits: readonly ColumnStrength[];
      };
    }
  | {
      readonly kind: 'followed';
      readonly path: string;
      /** The commit that the state is in. */
      readonly commit: number;
      readonly state: FollowState;
      /** Classes that the model knows; empty where it learns numbers. */
      readonly classes: readonly OnlineLabel[];
      readonly scores: PrequentialScores;
    }
  | {
      readonly kind: 'particle';
      readonly path: string;
      readonly hash: string;
      readonly text: string;
      readonly summary?: SummaryRead;
    }
  | {
      readonly kind: 'data';
      readonly path: string;
      readonly isStore: boolean;
      readonly snapshot: Snapshot;
      readonly commits: readonly LoggedCommit[];
      /** Names of the models in the store. */
      readonly models: readonly string[];
      readonly notes: readonly string[];
      readonly profile: Profile;
      readonly summary?: SummaryRead;
    };

/** Value of the summary that was asked for. */
interface SummaryRead {
  readonly name: string;
  readonly value: unknown;
}

/**
 * Looks at a path and says what it is and holds.
 * @example
 * const found = await inspect('people.sora');
 */
export async function inspect(given: string, options: InspectOptions & Hooks = {}): Promise<Inspection> {
  const { signal, onProgress, onNote, ...plain } = options;
  const hooks = { signal, onProgress, onNote };
  const checked = checkOptions(inspectShape, plain);
  const summary = checked.summary === undefined ? undefined : requireSummary(checked.summary);
  const path = ownFolder(given);
  if (existsSync(join(path, MODEL_FILE))) {
    refuse(checked, ['at', 'summary'], `${given} is a model`);
    return inspectModel(path, await loadModel(path));
  }
  if (await isFollowed(path)) {
    refuse(checked, ['summary'], `${given} is a model`);
    return inspectFollowed(path, await openFollowed(path, checked.at));
  }
  if (await isParticleFile(path)) {
    refuse(checked, ['at'], `${given} is a particle`);
    const particle = await decodeFile(path);
    const facts = { hash: hashParticle(particle), text: describeParticle(particle) };
    const read = summary && { name: summary.name, value: summary.of.read(partial(summary.of, particle)) };
    return { kind: 'particle', path, ...facts, ...(read ? { summary: read } : {}) };
  }
  if (storeOf(path) !== undefined)
    return inspectData(path, await openData(path, checked, hooks), checked, hooks);
  const temporary = await temporaryStore();
  try {
    const data = await openData(path, { ...checked, store: temporary.directory }, hooks);
    return await inspectData(path, data, checked, hooks);
  } finally {
    await temporary.dispose();
  }
}

function inspectModel(path: string, model: Model): Inspection {
  if (model.learner.name !== 'trees') return { kind: 'model', path, model };
  const forest = modelForest(model);
  const importance = gainShares(model.recipe, forest);
  const splits = splitShares(model.recipe, forest);
  return { kind: 'model', path, model, forest: { ...forestSize(forest), importance, splits } };
}

function inspectFollowed(path: string, { commit, state, model }: FollowedModel): Inspection {
  const scores = prequentialScores(state.scores.total, state.plan.classes.length);
  return { kind: 'followed', path, commit: commit.commit, state, classes: model.classes, scores };
}

async function decodeFile(path: string): Promise<Particle> {
  try {
    return decodeParticle(await readFile(path));
  } catch (error) {
    if (!(error instanceof SoraError)) throw error;
    const { code, message, details } = error;
    throw new SoraError(code, `${path}: ${message}`, { cause: error, details: { ...details, path } });
  }
}

/** The folder of a store or model whose own file was named; else the path as it is. */
function ownFolder(path: string): string {
  return [STORE_FILE, MODEL_FILE].includes(basename(path)) && isOwn(path) ? dirname(path) : path;
}

function isOwn(path: string): boolean {
  const folder = dirname(path);
  return storeOf(folder) !== undefined || existsSync(join(folder, PARAMETERS_FILE));
}

/** The summary of this name; throws `bad-option` before any data is read if there is none, or if it needs options. */
function requireSummary(name: string) {
  return { name, of: summaryNamed({ name, options: null }) };
}

function refuse(options: InspectOptions, names: readonly ('at' | 'summary')[], because: string): void {
  const name = names.find((one) => options[one] !== undefined);
  if (name === undefined) return;
  throw new SoraError('bad-option', `Option --${name} is for data, and ${because}: leave it out.`);
}

/** Name of a particle in a store: its file is one even when damaged. */
const HASH_NAME = /^[0-9a-f]{64}\.arrow$/;

/** Whether the file is one of Sora's particles: an Arrow file with a seal before its footer. Reads a few bytes. */
async function isParticleFile(path: string): Promise<boolean> {
  if (extname(path) !== '.arrow' || !existsSync(path)) return false;
  if (HASH_NAME.test(basename(path))) return true;
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const read = async (from: number, to: number) => {
      const bytes = Buffer.alloc(Math.max(0, to - from));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, Math.max(0, from));
      return bytes.subarray(0, bytesRead);
    };
    return await isSealed(size, read);
  } finally {
    await file.close();
  }
}

async function inspectData(
  path: string,
  data: Data,
  options: InspectOptions,
  hooks: Hooks,
): Promise<Inspection> {
  const executor = openExecutor(options, data.snapshot);
  try {
    const session = await openSession(executor, data, hooks, true);
    const { value: profile } = await session.reduce<unknown, Profile>({
      summary: summaryReference('profile'),
      keep: 'nodes',
      label: 'profile',
    });
    const { summary: name } = options;
    const summary = name === undefined ? undefined : { name, value: await summaryValue(session, name) };
    await session.close();
    const isStore = storeOf(path) !== undefined;
    const commits = isStore ? await data.store.log() : [];
    const models = isStore ? [...(await modelsIn(data.store)), ...followedNames(commits)] : [];
    return {
      kind: 'data',
      path,
      isStore,
      snapshot: data.snapshot,
      commits,
      models,
      notes: data.notes,
      profile,
      summary,
    };
  } finally {
    await executor.close();
  }
}

/** Names of the folders under `models/` that hold a model. */
async function modelsIn({ storage }: Store): Promise<string[]> {
  const names: string[] = [];
  for await (const { key } of storage.list('models/')) {
    const parts = key.split('/');
    if (parts.at(-1) === MODEL_FILE) names.push(parts.slice(1, -1).join('/'));
  }
  return names;
}

async function summaryValue(session: Session, name: string): Promise<unknown> {
  const summary = summaryReference(name as SummaryName);
  const { value } = await session.reduce({ summary, keep: 'nodes', label: name });
  return value;
}

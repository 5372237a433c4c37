/**
 * What is in a store, a model, a particle file or a data file: facts only, nothing is changed.
 * A data file is read into a temporary store first, so that every kind of data is profiled the same way.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { ColumnStrength } from '../explain/contribution.ts';
import { type ForestSize, forestSize, gainShares } from '../explain/importance.ts';
import { loadModel } from '../model/files.ts';
import { MODEL_FILE, type Model, modelForest } from '../model/model.ts';
import { decodeParticle } from '../particle/bytes.ts';
import { describeParticle } from '../particle/describe.ts';
import { hashParticle } from '../particle/hash.ts';
import type { Session } from '../run/session.ts';
import type { LoggedCommit } from '../store/commit.ts';
import type { Snapshot } from '../store/snapshot.ts';
import { openStore } from '../store/store.ts';
import { type SummaryName, summaryReference } from '../summary/catalog.ts';
import type { Profile } from '../summary/profile.ts';
import { type Data, type Hooks, openData, openSession, storeOf } from './data.ts';
import { checkOptions, type InspectOptions, inspectShape } from './options.ts';
import { openExecutor } from './resources.ts';
import { temporaryStore } from './temporary.ts';

/** What was found, by kind. */
export type Inspection =
  | {
      readonly kind: 'model';
      readonly path: string;
      readonly model: Model;
      /** Size of a model of trees, and how much each column helped it. */
      readonly forest?: ForestSize & { readonly importance: readonly ColumnStrength[] };
    }
  | { readonly kind: 'particle'; readonly path: string; readonly hash: string; readonly text: string }
  | {
      readonly kind: 'data';
      readonly path: string;
      readonly isStore: boolean;
      readonly snapshot: Snapshot;
      readonly commits: readonly LoggedCommit[];
      readonly notes: readonly string[];
      readonly profile: Profile;
      /** Value of the summary that was asked for. */
      readonly summary?: { readonly name: string; readonly value: unknown };
    };

/**
 * Looks at a path and says what it is and holds.
 * @example
 * const found = await inspect('people.sora');
 */
export async function inspect(path: string, given: InspectOptions & Hooks = {}): Promise<Inspection> {
  const { signal, onProgress, onNote, ...plain } = given;
  const hooks = { signal, onProgress, onNote };
  const options = checkOptions(inspectShape, plain);
  if (existsSync(join(path, MODEL_FILE))) return inspectModel(path, await loadModel(path));
  if (await isParticleFile(path)) {
    const particle = decodeParticle(await readFile(path));
    return { kind: 'particle', path, hash: hashParticle(particle), text: describeParticle(particle) };
  }
  if (storeOf(path) !== undefined)
    return inspectData(path, await openData(path, options, hooks), options, hooks);
  const temporary = await temporaryStore();
  try {
    const data = await openData(path, { ...options, store: temporary.directory }, hooks);
    return await inspectData(path, data, options, hooks);
  } finally {
    await temporary.dispose();
  }
}

function inspectModel(path: string, model: Model): Inspection {
  if (model.learner.name !== 'trees') return { kind: 'model', path, model };
  const forest = modelForest(model);
  const importance = gainShares(model.recipe, forest);
  return { kind: 'model', path, model, forest: { ...forestSize(forest), importance } };
}

/** Whether the file is one of Sora's particles: an Arrow file that carries its schema in the metadata. */
async function isParticleFile(path: string): Promise<boolean> {
  if (extname(path) !== '.arrow' || !existsSync(path)) return false;
  return (await readFile(path)).includes('sora.schema');
}

async function inspectData(
  path: string,
  data: Data,
  options: InspectOptions,
  hooks: Hooks,
): Promise<Inspection> {
  const executor = openExecutor(options, data.snapshot.bytes);
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
    const commits = isStore ? await (await openStore(path)).log() : [];
    return {
      kind: 'data',
      path,
      isStore,
      snapshot: data.snapshot,
      commits,
      notes: data.notes,
      profile,
      summary,
    };
  } finally {
    await executor.close();
  }
}

async function summaryValue(session: Session, name: string): Promise<unknown> {
  const summary = summaryReference(name as SummaryName);
  const { value } = await session.reduce({ summary, keep: 'nodes', label: name });
  return value;
}

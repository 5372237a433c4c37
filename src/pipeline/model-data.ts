/**
 * Data for a model that is there already: read under the model's schema. Files become a store in a temporary folder,
 * so that evaluation runs like any other round, and the folder goes away afterwards.
 */
import { carriedState } from '../model/history.ts';
import type { Model } from '../model/model.ts';
import { openStore } from '../store/store.ts';
import { type Data, type Hooks, type Inputs, openData, storeOf } from './data.ts';
import { withHistory } from './history.ts';
import type { ReadOptions } from './options.ts';
import type { ResourceOptions } from './resources.ts';
import { withRoles } from './source.ts';
import { temporaryStore } from './temporary.ts';

/** Data that may have to be cleaned up. */
export interface ModelData extends Data {
  readonly temporary: boolean;
  dispose(): Promise<void>;
}

/** Opens a store, or reads inputs into a temporary one, under the schema of the model. */
export async function openForModel(
  model: Model,
  inputs: Inputs,
  options: ReadOptions & ResourceOptions & { readonly at?: string },
  hooks: Hooks,
): Promise<ModelData> {
  const start = carriedState(model);
  const derived = async (data: Data): Promise<Data> => {
    if (model.history === undefined || start === undefined) return data;
    const task = { spec: model.history.spec, start, cached: true };
    return (await withHistory(data, task, { ...hooks, resources: options })).data;
  };
  const roles = Object.fromEntries(model.schema.fields.map((field) => [field.name, field.role]));
  const existing = options.sql === undefined ? storeOf(inputs) : undefined;
  if (existing !== undefined) {
    const store = await openStore(existing);
    const snapshot = await store.snapshot(options.at);
    const schema = withRoles(snapshot.schema, roles);
    const data = { store, snapshot, schema, notes: [] };
    return { ...(await derived(data)), temporary: false, dispose: async () => {} };
  }
  const { directory, dispose } = await temporaryStore();
  try {
    const data = await openData(inputs, { ...options, schema: model.schema, store: directory }, hooks);
    return { ...(await derived(data)), temporary: true, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

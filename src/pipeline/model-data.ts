/**
 * Data for a model that is there already: read under the model's schema. Files become a store in a temporary folder,
 * so that evaluation runs like any other round, and the folder goes away afterwards.
 */
import type { Model } from '../model/model.ts';
import { openStore } from '../store/store.ts';
import { type Data, type Hooks, type Inputs, openData, storeOf } from './data.ts';
import type { ReadOptions } from './options.ts';
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
  options: ReadOptions & { readonly at?: string },
  hooks: Hooks,
): Promise<ModelData> {
  const roles = Object.fromEntries(model.schema.fields.map((field) => [field.name, field.role]));
  const existing = options.sql === undefined ? storeOf(inputs) : undefined;
  if (existing !== undefined) {
    const store = await openStore(existing);
    const snapshot = await store.snapshot(options.at);
    const schema = withRoles(snapshot.schema, roles);
    return { store, snapshot, schema, notes: [], temporary: false, dispose: async () => {} };
  }
  const { directory, dispose } = await temporaryStore();
  try {
    const data = await openData(inputs, { ...options, schema: model.schema, store: directory }, hooks);
    return { ...data, temporary: true, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

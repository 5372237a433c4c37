/**
 * Features over time of a model: their spec and, so that the first row to predict is told of the last rows of training,
 * what is carried of these. Names stand in model.json, numbers in the tensor `history` beside the parameters.
 */
import { z } from 'zod';
import { SoraError } from '../errors.ts';
import type { Particle } from '../particle/particle.ts';
import { fieldIndex } from '../particle/schema.ts';
import { History, OutOfOrder } from '../recipe/history/history.ts';
import { orderOf } from '../recipe/history/order.ts';
import { type HistorySpec, historyFields, historyShape } from '../recipe/history/spec.ts';
import { checkState, type HistoryState } from '../recipe/history/state.ts';
import type { Tensors } from './safetensors.ts';

/** What model.json says. */
export const modelHistoryShape = z.object({
  spec: historyShape,
  series: z.array(z.string()),
  lengths: z.array(z.int().nonnegative()),
  levels: z.array(z.string()),
});

export type ModelHistory = Readonly<z.infer<typeof modelHistoryShape>>;

/** Name of the tensor. */
const TENSOR = 'history';

/** Spec and state as a model keeps them. */
export function keptHistory(
  spec: HistorySpec,
  { series, lengths, levels, numbers }: HistoryState,
): { readonly history: ModelHistory; readonly tensors: Tensors } {
  return {
    history: { spec, series: [...series], lengths: [...lengths], levels: [...levels] },
    tensors: { [TENSOR]: { shape: [numbers.length], values: numbers } },
  };
}

/** A model, as far as its history goes. */
interface WithHistory {
  readonly history?: ModelHistory;
  readonly tensors: Tensors;
}

/** What a model carries; undefined without features over time. Throws `corrupt` where numbers are missing. */
export function carriedState(
  { history, tensors }: WithHistory,
  where = 'the model',
): HistoryState | undefined {
  if (history === undefined) return undefined;
  const { spec, ...names } = history;
  const values = tensors[TENSOR]?.values;
  const state = { ...names, numbers: values instanceof Float64Array ? values : new Float64Array(0) };
  const columns = new Set(spec.features.map(({ column }) => column)).size;
  checkState(state, columns, spec.features.filter(({ kind }) => kind === 'since').length, where);
  return state;
}

/**
 * Particles with the columns that features over time add. `following`: each continues those before it, which have to be
 * in order of time; else each continues the rows of training alone. Rows of one particle may stand in any order. A particle
 * that has the columns already stays as it is.
 */
export function historyAdder(
  model: WithHistory,
  { following = false } = {},
): (particle: Particle) => Particle {
  const state = carriedState(model);
  if (model.history === undefined || state === undefined) return (particle) => particle;
  const { spec } = model.history;
  const fields = historyFields(spec);
  let followed = new History(spec, state, true);
  const isThere = ({ schema }: Particle) => fields.every(({ name }) => fieldIndex(schema, name) >= 0);
  return (particle) => {
    if (isThere(particle)) return particle;
    if (!following) followed = new History(spec, state, true);
    const rows = followed.extract(particle);
    for (const [column, values] of [[spec.by, rows.series] as const, [spec.time, rows.times] as const]) {
      if (column === undefined || rows.rows === 0 || values?.some((value) => value >= 0 || value < -1))
        continue;
      throw new SoraError(
        'bad-data',
        `Column "${column}", which features over time go by, is missing in all rows: give it, in this order of time and series.`,
        { details: { column } },
      );
    }
    try {
      const features = followed.columns(followed.follow(rows, orderOf(rows)));
      return {
        schema: { fields: [...particle.schema.fields, ...fields] },
        rows: particle.rows,
        columns: [...particle.columns, ...features],
      };
    } catch (error) {
      if (!(error instanceof OutOfOrder)) throw error;
      throw new SoraError(
        'bad-data',
        `Rows are not in order of "${spec.time ?? ''}": one is earlier than a row of its series before it. Sort the input by time, or make it a store first (sora ingest), which may be in any order.`,
        { cause: error },
      );
    }
  };
}

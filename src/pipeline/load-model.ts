/** A saved model in process: objects in, answers out, with the same rules for bad input as files have. */
import { objectsToParticle } from '../ingest/objects.ts';
import { loadModel as readModel } from '../model/files.ts';
import type { Model } from '../model/model.ts';
import { type Predictions, particlePredictor } from '../model/predict.ts';
import type { Particle } from '../particle/particle.ts';

/** What is said of one row. */
export interface Answer {
  /** Class, for classes. */
  readonly label?: string;
  /** Probability of `label`. */
  readonly probability?: number;
  /** Probability of each class by name. */
  readonly probabilities?: Readonly<Record<string, number>>;
  /** Number or expected count, for those. */
  readonly value?: number;
}

/** A model ready to answer. */
export interface LoadedModel {
  readonly model: Model;
  /** One answer a row. Columns that are not given count as missing; throws `bad-input` naming row and column. */
  predict(rows: readonly Readonly<Record<string, unknown>>[]): Answer[];
  /** As `predict`, for rows that are columns already. */
  predictParticle(particle: Particle): Predictions;
}

function answerOf(predictions: Predictions, row: number): Answer {
  const { classes, probabilities, classIndices, values } = predictions;
  if (!classes || !probabilities || !classIndices) return { value: values?.[row] };
  const base = row * classes.length;
  return {
    label: classes[classIndices[row]],
    probability: probabilities[base + classIndices[row]],
    probabilities: Object.fromEntries(classes.map((name, c) => [name, probabilities[base + c]])),
  };
}

/** {@link LoadedModel} of a model that is in memory. */
export function modelPredictor(model: Model): LoadedModel {
  const score = particlePredictor(model);
  return {
    model,
    predictParticle: score,
    predict(rows) {
      const predictions = score(objectsToParticle(model.schema, rows));
      return rows.map((_, row) => answerOf(predictions, row));
    },
  };
}

/**
 * Reads a model directory, every byte checked.
 * @example
 * const model = await loadModel('people.sora/models/income');
 * const [answer] = model.predict([{ age: 38, education: 'Masters' }]);
 */
export async function loadModel(directory: string): Promise<LoadedModel> {
  return modelPredictor(await readModel(directory));
}

/** A small model of mixed columns for tests of the model format: same data, same options, same bytes. */
import { fitBaseline } from '../src/evaluate/baseline.ts';
import { evaluate } from '../src/evaluate/evaluate.ts';
import { fitGlm } from '../src/fit/glm/glm.ts';
import type { Json } from '../src/json.ts';
import { glmTensors, type Model } from '../src/model/model.ts';
import { createParticle } from '../src/particle/create.ts';
import type { Particle } from '../src/particle/particle.ts';
import { randomUniform } from '../src/random.ts';
import { prepareRecipe } from '../src/recipe/prepare.ts';
import { learnerViewReference } from '../src/recipe/view.ts';
import { inlineExecutor } from '../src/run/inline.ts';
import { memoryParticles } from '../src/run/memory-source.ts';

/** Kinds of label that {@link smallModel} fits. */
export type SmallKind = 'binary' | 'multiclass' | 'regression' | 'count';

const CITIES = ['Rome', 'Oslo', 'Lima', 'Pune'];

function labelOf(kind: SmallKind, age: number, city: string, noise: number): string | number {
  const score = age / 20 - 2 + (city === 'Rome' ? 1 : 0) + 2 * (noise - 0.5);
  if (kind === 'binary') return score > 0 ? 'yes' : 'no';
  if (kind === 'multiclass') return score > 1 ? 'high' : score > -0.5 ? 'middle' : 'low';
  return kind === 'count' ? Math.max(0, Math.floor(2 * score)) : 100 * score;
}

/** Two particles of 150 rows: a number with gaps, a category, a boolean, a label. */
export function smallParticles(kind: SmallKind): Particle[] {
  return [0, 150].map((start) => {
    const rows = Array.from({ length: 150 }, (_, i) => start + i);
    const age = rows.map((row) => (row % 17 === 0 ? null : Math.floor(20 + 60 * randomUniform(1, row, 0))));
    const city = rows.map((row) =>
      row % 23 === 0 ? null : CITIES[Math.floor(4 * randomUniform(1, row, 1))],
    );
    const member = rows.map((row) => randomUniform(1, row, 2) > 0.5);
    const label = rows.map((row, i) =>
      labelOf(kind, age[i] ?? 40, city[i] ?? 'Oslo', randomUniform(1, row, 3)),
    );
    return createParticle({
      columns: { age, city, member, label },
      roles: { label: 'label' },
      types: { city: 'category' },
    });
  });
}

const LOSS = { binary: 'logistic', multiclass: 'softmax', regression: 'squared', count: 'poisson' } as const;

/** Fits, evaluates and assembles the model, inline. */
export async function smallModel(kind: SmallKind): Promise<Model> {
  const particles = smallParticles(kind);
  const executor = inlineExecutor();
  const session = await executor.open(memoryParticles(particles));
  const { schema } = particles[0];
  const { recipe } = await prepareRecipe(session, { schema, label: { task: kind } });
  const view = learnerViewReference({ recipe });
  const classes = recipe.label?.classes?.length ?? 0;
  const shape = { loss: LOSS[kind], outputs: kind === 'multiclass' ? classes : 1, features: recipe.width };
  const baseline = await fitBaseline(session, { task: kind, classes, view });
  const result = await fitGlm(session, { ...shape, view });
  const { parameters, converged, reason, rounds, objective, gradientNorm } = result;
  const metrics = await evaluate(session, { learner: 'glm', ...shape, parameters, view, baseline });
  await session.close();
  await executor.close();
  return {
    schema,
    recipe,
    learner: { name: 'glm', ...shape, options: {}, converged, reason, rounds, objective, gradientNorm },
    baseline: baseline as unknown as Json,
    metrics: metrics as unknown as Json,
    provenance: { sora: '0.1.0', snapshot: 'small', seed: 1 },
    tensors: glmTensors(parameters, shape.outputs, shape.features),
  };
}

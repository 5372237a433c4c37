/** A small model of mixed columns for tests of the model format: same data, same options, same bytes. */
import { fitBaseline } from '../src/evaluate/baseline.ts';
import { evaluate } from '../src/evaluate/evaluate.ts';
import { fitGlm } from '../src/fit/glm/glm.ts';
import type { Json } from '../src/json.ts';
import type { LossName } from '../src/loss/registry.ts';
import { type LearnerRecord, type Model, parameterTensors } from '../src/model/model.ts';
import type { Parameters } from '../src/model/scorer.ts';
import { createParticle } from '../src/particle/create.ts';
import type { Particle } from '../src/particle/particle.ts';
import { randomUniform } from '../src/random.ts';
import { prepareRecipe } from '../src/recipe/prepare.ts';
import { learnerViewReference } from '../src/recipe/view.ts';
import { inlineExecutor } from '../src/run/inline.ts';
import { memoryParticles } from '../src/run/memory-source.ts';
import type { Reference } from '../src/run/reference.ts';
import type { Session } from '../src/run/session.ts';
import { forestOf, type Tree } from './forests.ts';

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

/** What a learner is given, and what it makes of it. */
type Fit = (
  session: Session,
  shape: { readonly loss: LossName; readonly outputs: number; readonly features: number },
  view: Reference,
) => Promise<{ readonly parameters: Parameters; readonly learner: LearnerRecord }>;

const fitLinear: Fit = async (session, shape, view) => {
  const { parameters, converged, reason, rounds, objective, gradientNorm } = await fitGlm(session, {
    ...shape,
    view,
  });
  const end = { converged, reason, rounds, objective, gradientNorm };
  return { parameters, learner: { name: 'glm', ...shape, options: {}, ...end } };
};

/** Two trees an output by hand: `age` at 50, then `city`, a category, and `member`. */
const handMade: Fit = async (_session, shape) => {
  const { outputs, features } = shape;
  const outputOf = Array.from({ length: 2 * outputs }, (_, tree) => tree % outputs);
  const trees = outputOf.map((k, tree): Tree => {
    const city: Tree = { feature: 1, among: [0, 2], missingLeft: true, gain: 3, left: 0.5 + k, right: -0.25 };
    return tree < outputs
      ? { feature: 0, at: 50, missingLeft: k % 2 === 0, gain: 5, left: -1, right: city }
      : { feature: 2, at: 0.5, gain: 2, left: 0.125, right: k };
  });
  const base = Array.from({ length: outputs }, (_, k) => 0.1 * k);
  const end = { converged: true, reason: 'early', rounds: 2, trainLoss: 0.5, holdOutLoss: 0.6 };
  return {
    parameters: forestOf(trees, { features, outputs, base, treeOutputs: outputOf }),
    learner: { name: 'trees', ...shape, options: {}, ...end },
  };
};

/** Fits, evaluates and assembles the model, inline. */
export function smallModel(kind: SmallKind): Promise<Model> {
  return assembled(kind, fitLinear, 'linear');
}

/** The same with trees by hand. */
export function smallTreeModel(kind: SmallKind): Promise<Model> {
  return assembled(kind, handMade, 'trees');
}

async function assembled(kind: SmallKind, learn: Fit, family: 'linear' | 'trees'): Promise<Model> {
  const particles = smallParticles(kind);
  const executor = inlineExecutor();
  const session = await executor.open(memoryParticles(particles));
  const { schema } = particles[0];
  const { recipe } = await prepareRecipe(session, {
    schema,
    label: { task: kind },
    options: { for: family },
  });
  const view = learnerViewReference({ recipe });
  const classes = recipe.label?.classes?.length ?? 0;
  const shape = { loss: LOSS[kind], outputs: kind === 'multiclass' ? classes : 1, features: recipe.width };
  const baseline = await fitBaseline(session, { task: kind, classes, view });
  const { parameters, learner } = await learn(session, shape, view);
  const metrics = await evaluate(session, { learner: learner.name, ...shape, parameters, view, baseline });
  await session.close();
  await executor.close();
  return {
    schema,
    recipe,
    learner,
    baseline: baseline as unknown as Json,
    metrics: metrics as unknown as Json,
    provenance: { sora: '0.1.0', snapshot: 'small', seed: 1 },
    tensors: parameterTensors(parameters, shape),
  };
}

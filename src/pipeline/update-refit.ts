/** An update that prepares columns anew: a training on all rows that starts from the coefficients there are. */
import type { ClassWeight } from '../fit/glm/class-weights.ts';
import { glmParameters, type Model } from '../model/model.ts';
import type { Tensors } from '../model/safetensors.ts';
import type { Schema } from '../particle/schema.ts';
import { featureNames, type Recipe, servingRecipe } from '../recipe/recipe.ts';
import type { Session } from '../run/session.ts';
import type { Split } from '../summary/split.ts';
import type { Hooks } from './data.ts';
import { type Fitted, fitOn } from './fit.ts';
import { checkOptions, trainShape } from './options.ts';

/** The fit of all rows of a session. Features that have kept their name start from their coefficients. */
export async function refitted(
  session: Session,
  model: Model,
  schema: Schema,
  split: Split | undefined,
  hooks: Hooks,
): Promise<Fitted & { kept: Tensors; rows: number; weight: number; how: string }> {
  const { options, loss } = model.learner;
  const { l1, l2, classWeight, tolerance, maxRounds, tweediePower } = options;
  const baseline = model.baseline as unknown as Fitted['baseline'];
  const weight = model.provenance.updates?.at(-1)?.weight ?? baseline.weight;
  const isDefault = typeof l2 !== 'number' || Math.abs(l2 * weight - 1) < 1e-9;
  const asked = checkOptions(trainShape, {
    ...{ learner: 'linear', loss, l1, tolerance, maxRounds },
    ...(isDefault ? {} : { l2 }),
    ...(typeof tweediePower === 'number' ? { tweediePower } : {}),
    classWeight: classWeight as ClassWeight,
    seed: model.provenance.seed ?? 1,
  });
  const start = (recipe: Recipe, outputs: number) =>
    startByName(model.recipe, glmParameters(model), recipe, outputs);
  const fitted = await fitOn(session, schema, { ...asked, start }, split, hooks);
  return {
    ...fitted,
    recipe: servingRecipe(fitted.recipe),
    kept: {},
    ...{ rows: fitted.baseline.rows, weight: fitted.baseline.weight },
    how: 'recipe refitted, all rows',
  };
}

/** Parameters of a recipe: those that another one has under the same name, else 0; undefined for other outputs. */
export function startByName(
  from: Recipe,
  parameters: Float64Array,
  to: Recipe,
  outputs: number,
): Float64Array | undefined {
  if (parameters.length !== outputs * (from.width + 1)) return undefined;
  const places = new Map(featureNames(from).map((name, f) => [name, f]));
  const out = new Float64Array(outputs * (to.width + 1));
  const names = featureNames(to);
  for (let k = 0; k < outputs; k++) {
    const [own, theirs] = [k * (to.width + 1), k * (from.width + 1)];
    names.forEach((name, f) => {
      const place = places.get(name);
      if (place !== undefined) out[own + f] = parameters[theirs + place];
    });
    out[own + to.width] = parameters[theirs + from.width];
  }
  return out;
}

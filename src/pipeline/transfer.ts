/**
 * Training that starts from a model of other data. The columns it knows keep their preparation, so that its coefficients
 * and splits mean what they meant; the rest is learned from nothing. Linear models are pulled to the old coefficients
 * (L2 centred there: Chelba & Acero, "Adaptation of maximum entropy capitalizer", EMNLP 2004), or learn only the new
 * columns on top of them; trees go on from the old ones' margins, whose leaves move first unless they are frozen.
 */
import { SoraError } from '../errors.ts';
import type { Baseline } from '../evaluate/baseline.ts';
import { refitForest } from '../fit/tree/refit.ts';
import { loadModel } from '../model/files.ts';
import type { Forest } from '../model/forest.ts';
import { glmParameters, type Model, modelForest, parameterTensors } from '../model/model.ts';
import type { JoinedRecipe } from '../recipe/join.ts';
import type { LabelSpec } from '../recipe/label.ts';
import type { Session } from '../run/session.ts';
import type { StoreHooks } from './data.ts';
import { fitLinear } from './fit-linear.ts';
import { fitBoosted } from './fit-trees.ts';
import { frozenReference } from './frozen-view.ts';
import type { FittedLearner, LearnerProblem } from './learner.ts';
import type { CheckedTrain } from './options.ts';

/** Rows that the coefficients of the old model weigh by default: see docs/update.md. */
const PULL = 10;
/** Share of its value that a leaf of the old trees keeps before more are added. */
const DECAY = 0.5;

type Transferring = CheckedTrain & { readonly transferModel: Model };

/** The options with the model that they name, whose kind of learner is taken over. Throws `bad-option`. */
export async function withTransfer(options: CheckedTrain): Promise<CheckedTrain> {
  const { transfer, from, learner } = options;
  if (transfer === undefined) {
    for (const option of ['map', 'pull'] as const) {
      if (options[option] !== undefined)
        refuse(option, `Option --${option} needs --transfer: the model to start from.`);
    }
    if (options.adapt !== 'tune')
      refuse('adapt', 'Option --adapt needs --transfer: the model to start from.');
    return options;
  }
  if (from !== undefined)
    refuse('from', 'Options --from and --transfer both name a model to start from: give one.');
  const transferModel = await loadModel(transfer);
  if (transferModel.learner.loss === 'own')
    refuse('transfer', `The model ${transfer} has a loss of its own, which is not in it.`);
  if (transferModel.learner.name === 'factor')
    refuse(
      'transfer',
      `The model ${transfer} is a factorization machine, and only linear models and models of trees can be started from: train without --transfer.`,
    );
  const known = transferModel.recipe.fields.map(({ name }) => name);
  const unknown = Object.keys(options.map ?? {}).find((name) => !known.includes(name));
  if (unknown !== undefined)
    refuse(
      'map',
      `Option --map names "${unknown}", which is no column of the model ${transfer}; those are: ${known.join(', ')}. Write old=new.`,
    );
  const family = transferModel.learner.name === 'glm' ? 'linear' : 'trees';
  if (learner !== 'auto' && learner !== family)
    refuse(
      'learner',
      `The learner is ${learner}, and the model ${transfer} is of ${family}: leave --learner out.`,
    );
  return { ...options, learner: family, transferModel };
}

/** Fits under the joined recipe, from what the model knows. */
export async function fitTransfer(
  session: Session,
  problem: LearnerProblem,
  options: Transferring,
  joined: JoinedRecipe,
  hooks: StoreHooks,
  baseline: Baseline,
): Promise<FittedLearner> {
  const { transferModel: model } = options;
  checkSame(model, problem, joined);
  hooks.onNote?.(describeJoin(joined));
  return model.learner.name === 'glm'
    ? transferLinear(session, problem, options, joined, hooks)
    : transferTrees(session, problem, options, joined, hooks, baseline);
}

/** What was mapped and what was not, in a sentence. */
export function describeJoin({ mapped, added, lost }: JoinedRecipe): string {
  const names = (columns: readonly string[]) => (columns.length === 0 ? 'none' : columns.join(', '));
  const pairs = mapped.map(([now, old]) => (now === old ? now : `${old} as ${now}`));
  return `transfer: ${mapped.length} columns mapped (${names(pairs)}); new here: ${names(added)}; not here: ${names(lost)}.`;
}

async function transferLinear(
  session: Session,
  problem: LearnerProblem,
  options: Transferring,
  joined: JoinedRecipe,
  hooks: StoreHooks,
): Promise<FittedLearner> {
  const { outputs, recipe } = problem;
  const start = mappedParameters(options.transferModel, joined, outputs);
  const { adapt, pull = PULL } = options;
  if (adapt === 'tune') {
    // The new columns are pulled to 0 as they always are.
    const width = recipe.width + 1;
    const strengths = start.map((_, i) => (i % width < joined.from.length ? pull : 1));
    const centre = { centre: start, strengths };
    return fitLinear(session, problem, { ...options, start: () => start, centre }, hooks);
  }
  if (outputs > 1)
    refuse(
      'adapt',
      `Option --adapt freeze is for models of one output, and this one has ${outputs}: take tune.`,
    );
  const known = joined.from.length;
  const frozen = [...start.subarray(0, known), start[start.length - 1]];
  const rest = { ...problem, recipe: { ...recipe, width: recipe.width - known } };
  const view = frozenReference(problem.view, frozen);
  const added = await fitLinear(session, { ...rest, view }, options, hooks);
  const parameters = start.slice();
  const learned = added.parameters as Float64Array;
  parameters.set(learned.subarray(0, learned.length - 1), known);
  parameters[parameters.length - 1] += learned[learned.length - 1];
  return { ...added, parameters, record: { ...added.record, features: recipe.width } };
}

/** Old coefficients where features are mapped, 0 elsewhere, and the old intercepts. */
export function mappedParameters(
  model: Model,
  { recipe, from }: JoinedRecipe,
  outputs: number,
): Float64Array {
  const parameters = glmParameters(model);
  const width = recipe.width + 1;
  const old = model.recipe.width + 1;
  const out = new Float64Array(outputs * width);
  for (let k = 0; k < outputs; k++) {
    from.forEach((feature, f) => {
      out[k * width + f] = parameters[k * old + feature];
    });
    out[(k + 1) * width - 1] = parameters[(k + 1) * old - 1];
  }
  return out;
}

async function transferTrees(
  session: Session,
  problem: LearnerProblem,
  options: Transferring,
  joined: JoinedRecipe,
  hooks: StoreHooks,
  baseline: Baseline,
): Promise<FittedLearner> {
  const { transferModel: model, adapt, transfer } = options;
  const { recipe, view, loss } = problem;
  const forest = remapped(modelForest(model), joined, transfer as string);
  const start =
    adapt === 'freeze'
      ? forest
      : {
          ...forest,
          ...(await refitForest(session, { forest, loss, view, decay: DECAY, signal: hooks.signal })),
        };
  const learner = { ...model.learner, features: recipe.width };
  const fromModel: Model = { ...model, recipe, learner, tensors: parameterTensors(start, learner) };
  return fitBoosted(session, problem, { ...options, fromModel }, hooks, baseline);
}

/** The forest by the features of the joined recipe. Throws `schema-mismatch` where a split asks a lost column. */
function remapped(forest: Forest, { recipe, from, lost }: JoinedRecipe, transfer: string): Forest {
  const places = new Map(from.map((feature, f) => [feature, f]));
  const nodeFeatures = forest.nodeFeatures.map((feature) =>
    feature < 0 ? feature : (places.get(feature) ?? -2),
  );
  if (nodeFeatures.includes(-2)) {
    throw new SoraError(
      'schema-mismatch',
      `Trees of the model ${transfer} ask columns that are not here, or of another type (${lost.join(', ')}): say what they are called (--map old=new), or train without --transfer.`,
      { details: { lost: [...lost] } },
    );
  }
  return { ...forest, features: recipe.width, nodeFeatures };
}

function checkSame(model: Model, { loss, outputs, recipe }: LearnerProblem, { mapped }: JoinedRecipe): void {
  const old = model.recipe.label as LabelSpec;
  const now = recipe.label as LabelSpec;
  if (model.learner.loss !== loss.name || model.learner.outputs !== outputs) {
    refuse(
      'transfer',
      `The model predicts ${old.column} with loss ${model.learner.loss} and ${model.learner.outputs} outputs, and this is ${loss.name} with ${outputs}: train without --transfer.`,
    );
  }
  if (now.kind === 'multiclass' && String(old.classes) !== String(now.classes))
    refuse(
      'transfer',
      `The classes of the model are ${old.classes?.join(', ')}, and here ${now.classes?.join(', ')}.`,
    );
  if (mapped.length === 0)
    refuse(
      'transfer',
      `No column of the model has the name and type of one here: say which are the same (--map old=new).`,
    );
}

function refuse(option: string, message: string): never {
  throw new SoraError('bad-option', message, { details: { option } });
}

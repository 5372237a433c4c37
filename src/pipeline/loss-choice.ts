/**
 * Which loss is minimised, and what that says of the task: options in, a loss with its parameter out. A loss of
 * amounts asks for numbers where `auto` would take a few whole numbers for classes.
 */
import { SoraError } from '../errors.ts';
import { type LossName, type LossSpec, lossOf } from '../loss/registry.ts';
import { roleIndex, type Schema } from '../particle/schema.ts';
import type { LabelSpec, Task } from '../recipe/label.ts';
import type { CheckedTrain } from './options.ts';

/** Losses of numbers with a log link: an exposure is an offset to them. */
const LOG_LINK: readonly LossName[] = ['poisson', 'gamma', 'tweedie'];
const NUMBERS: readonly LossName[] = ['squared', 'huber', 'quantile', 'lambdarank', 'own', ...LOG_LINK];

const SUITED: Record<LabelSpec['kind'], readonly LossName[]> = {
  binary: ['logistic'],
  multiclass: ['softmax'],
  number: NUMBERS,
  count: NUMBERS,
};

/** The task to ask the recipe for; undefined: what the target suggests. */
export function askedTask({ task, loss, ownLoss }: CheckedTrain, schema: Schema): Task | undefined {
  if (task !== 'auto') return task;
  if (ownLoss !== undefined) return hasExposure(schema) ? 'count' : 'regression';
  if (loss === 'poisson') return 'count';
  if (loss === 'auto' || !NUMBERS.includes(loss)) return undefined;
  return LOG_LINK.includes(loss) && hasExposure(schema) ? 'count' : 'regression';
}

/** The loss for this label. Throws `bad-option` for one that does not suit it. */
export function lossFor(
  { loss: asked, quantile, tweediePower }: CheckedTrain,
  label: LabelSpec,
  schema: Schema,
  own?: LossSpec,
): LossSpec {
  const name = own?.name ?? (asked === 'auto' ? label.loss : asked);
  if (!SUITED[label.kind].includes(name)) {
    throw new SoraError(
      'bad-option',
      `Option --loss is ${name}, and the target "${label.column}" is ${label.note}: choose ${SUITED[label.kind].join(', ')}, or another --task.`,
      { details: { option: 'loss', value: name } },
    );
  }
  if (
    label.kind === 'count' &&
    hasExposure(schema) &&
    !LOG_LINK.includes(name) &&
    !(own && lossOf(own).link === 'log')
  ) {
    throw new SoraError(
      'bad-option',
      `Option --loss is ${name}, to which an exposure means nothing: choose ${LOG_LINK.join(', ')}, or leave --exposure out.`,
      { details: { option: 'loss', value: name } },
    );
  }
  return (
    own ?? {
      name,
      ...(name === 'quantile' && quantile !== undefined ? { quantile } : {}),
      ...(name === 'tweedie' && tweediePower !== undefined ? { power: tweediePower } : {}),
    }
  );
}

/** The parameter of a loss as a learner's record holds it: `recordedLoss` of the model reads it. */
export function lossOptions(loss: LossSpec | LossName): Record<string, number | string> {
  const { parameter, name, id, link = 'identity' } = lossOf(loss as LossSpec);
  if (name === 'own') return { own: id, link };
  if (name === 'quantile') return { quantile: parameter };
  if (name === 'tweedie') return { tweediePower: parameter };
  return name === 'huber' && typeof loss === 'object' && loss.delta !== undefined ? { delta: parameter } : {};
}

const hasExposure = (schema: Schema): boolean => roleIndex(schema, 'exposure') >= 0;

/** Throws `bad-option` for a parameter of another loss than the one asked for: it would do nothing. */
export function checkLossOptions(options: CheckedTrain): void {
  for (const [key, flag, loss] of [
    ['quantile', 'quantile', 'quantile'],
    ['tweediePower', 'tweedie-power', 'tweedie'],
  ] as const) {
    if (options[key] === undefined || options.loss === loss) continue;
    throw new SoraError(
      'bad-option',
      `Option --${flag} is for loss ${loss}, and the loss is ${options.loss}: add --loss ${loss}, or leave it out.`,
      { details: { option: key, value: options[key] } },
    );
  }
}

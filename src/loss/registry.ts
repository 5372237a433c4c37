/** Every loss by name: the one line that a new loss adds. */
import { SoraError } from '../errors.ts';
import { gamma } from './gamma.ts';
import { huber } from './huber.ts';
import { lambdarank } from './lambdarank.ts';
import { logistic } from './logistic.ts';
import type { Loss } from './loss.ts';
import { type Link, linked } from './own.ts';
import { poisson } from './poisson.ts';
import { quantile } from './quantile.ts';
import { softmax } from './softmax.ts';
import { squared } from './squared.ts';
import { tweedie } from './tweedie.ts';

/** Factories of losses; the argument is the parameter of those that have one. */
export const LOSSES = {
  squared,
  huber,
  logistic,
  softmax,
  poisson,
  gamma,
  tweedie,
  quantile,
  lambdarank,
  own: () => linked(),
} as const satisfies Record<string, (parameter?: number) => Loss>;

/** Name of a loss. */
export type LossName = keyof typeof LOSSES;

/** A loss as options carry it. */
export interface LossSpec {
  readonly name: LossName;
  /** Huber: where the loss turns from squared to linear, in units of the label. */
  readonly delta?: number;
  /** Quantile: the share of labels that should lie below the prediction. */
  readonly quantile?: number;
  /** Tweedie: the power of the mean that the variance goes by. */
  readonly power?: number;
  /** A loss of the user's own: the reference that it is kept under, or, of a saved model, its link alone. */
  readonly own?: string;
  readonly link?: Link;
}

/** Losses of the user's own that are loaded in this thread, by the reference that names them. */
const loaded = new Map<string, Loss>();

/** Makes a loss of the user's own known in this thread. */
export function keepLoss(key: string, loss: Loss): void {
  loaded.set(key, loss);
}

/** Names of the losses, in order. */
export const LOSS_NAMES = Object.keys(LOSSES) as LossName[];

/** The loss of a name or specification; throws `bad-option` if there is none. */
export function lossOf(spec: LossSpec | string): Loss {
  const { name, delta, quantile, power, own, link }: LossSpec =
    typeof spec === 'string' ? { name: spec as LossName } : spec;
  const factory = Object.hasOwn(LOSSES, name) ? LOSSES[name] : undefined;
  if (factory === undefined) {
    throw new SoraError('bad-option', `There is no loss "${name}"; choose one of ${LOSS_NAMES.join(', ')}.`);
  }
  if (name === 'own') return (own === undefined ? undefined : loaded.get(own)) ?? linked(link);
  return (factory as (parameter?: number) => Loss)(delta ?? quantile ?? power);
}

/**
 * A loss of the user's own: an object of the same shape in a module of theirs, named by a reference and loaded by every
 * worker. A saved model keeps its link alone, which is all that prediction needs; without its module it has no values.
 */
import { SoraError } from '../errors.ts';
import { exp, log } from '../kernel/elementary.ts';
import type { Loss } from './loss.ts';

/** How margins become means. */
export type Link = 'identity' | 'log';

/** What a module of the user's exports: a factory of this, of JSON options. */
export type OwnLoss = Pick<Loss, 'id' | 'block'> &
  Partial<Pick<Loss, 'flat' | 'startQuantile' | 'leafQuantile' | 'labelProblem' | 'bestConstant'>> & {
    /** `identity` by default. */
    readonly link?: Link;
  };

/** The loss that learners see: link, checks and start filled in. Throws `bad-option` where it is none. */
export function completed(own: OwnLoss, where: string): Loss {
  const isLoss = typeof own?.id === 'string' && typeof own.block === 'function';
  const { link = 'identity' } = own ?? {};
  if (!isLoss || (link !== 'identity' && link !== 'log')) {
    throw new SoraError(
      'bad-option',
      `${where} is no loss: its factory must return an object with an id, a block, and, if any, a link that is identity or log.`,
    );
  }
  return {
    ...linked(link),
    labelProblem: (label) => (Number.isFinite(label) ? undefined : 'labels must be finite numbers.'),
    bestConstant({ sum, weight, exposure, quantile }) {
      if (!(weight > 0)) return Float64Array.of(0);
      if (link === 'identity') return Float64Array.of(quantile ?? sum / weight);
      return Float64Array.of(sum > 0 ? log(sum) - log(exposure) : 0);
    },
    ...own,
    name: 'own',
    parameter: 0,
    perClass: false,
  };
}

/** A loss of which only the link is known. */
export function linked(link: Link = 'identity'): Loss & { readonly link: Link } {
  return {
    id: 'own',
    name: 'own',
    perClass: false,
    parameter: 0,
    link,
    block() {
      throw new SoraError('internal', 'The module of a loss of one’s own is not loaded.');
    },
    labelProblem: () => undefined,
    toMeans(margins) {
      if (link === 'log') for (let i = 0; i < margins.length; i++) margins[i] = exp(margins[i]);
    },
    toMargins(means) {
      if (link === 'log') for (let i = 0; i < means.length; i++) means[i] = log(means[i]);
    },
    bestConstant: () => Float64Array.of(0),
  };
}

/** What a column holds and how a fit ended, in a few words: for the screens and the report. */
import { formatBytes, formatCount, formatNumber, formatPercent, formatShort } from '../explain/format.ts';
import type { LossName } from '../loss/registry.ts';
import type { LearnerRecord } from '../model/model.ts';
import type { BinaryProfile, CategoryProfile, ColumnProfile, NumberProfile } from '../summary/profile.ts';

/** Values of a column in a few words. */
export function describeValues(column: ColumnProfile): string {
  if (column.type === 'boolean') return `${formatPercent(column.trues / Math.max(1, column.present))} true`;
  if (column.type === 'category') return describeLevels(column);
  if (column.type === 'sparse')
    return `${formatCount(column.entries)} entries of ${formatCount(column.width)} features`;
  if (column.type === 'text') return `${formatNumber(column.words.mean ?? 0)} words on average`;
  if (column.type === 'binary') return describeBytes(column);
  return describeNumbers(column, column.type === 'number' ? formatNumber : formatTime);
}

function describeLevels({ distinct, values, present }: CategoryProfile): string {
  if (values.length === 1 && distinct.exact) return `always ${formatShort(values[0].value)}`;
  const top = values
    .slice(0, 3)
    .map(({ value, count }) => `${formatShort(value)} ${formatPercent(count / present)}`);
  return `${distinct.exact ? '' : 'about '}${formatCount(distinct.estimate)} levels: ${top.join(', ')}`;
}

function formatTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().slice(0, 16);
}

function describeBytes({ length, content }: BinaryProfile): string {
  const size = formatBytes(Math.round(length.mean ?? 0));
  return `${size} on average, ${formatNumber(content.mean[1] ?? 0)} bits of entropy a byte`;
}

function describeNumbers({ min, max, mean }: NumberProfile, format: (value: number) => string): string {
  if (min === null || max === null || mean === null) return 'no finite value';
  if (min === max) return `always ${format(min)}`;
  return `${format(min)} … ${format(max)}, mean ${format(mean)}`;
}

const LINEAR: Record<LossName, string> = {
  squared: 'linear regression',
  huber: 'robust linear regression',
  logistic: 'logistic regression',
  softmax: 'multinomial logistic regression',
  poisson: 'Poisson regression',
  gamma: 'gamma regression',
  tweedie: 'Tweedie regression',
  quantile: 'quantile regression',
  lambdarank: 'ranking',
  own: 'regression with a loss of one’s own',
};

/** What a learner is called. */
export function learnerName({ name, loss }: Pick<LearnerRecord, 'name' | 'loss'>): string {
  if (name === 'factor') return `factorization machine, ${loss} loss`;
  return name === 'glm' ? LINEAR[loss] : `gradient-boosted trees, ${loss} loss`;
}

/** Ends of trees, which do not converge: there is a round after which more do not help. */
const TREE_ENDS: Readonly<Record<string, string>> = {
  early: ' kept; more did not help the rows kept back',
  'no-gain': '; no further split lowers the loss',
  rounds: ', all that were asked for (--rounds)',
  epochs: ', all that were asked for (--epochs)',
  imported: ', imported',
  refit: ', their leaves refitted',
};

const ENDS: Readonly<Record<string, string>> = {
  'line-search': 'no lower point was found along the last direction',
  'not-finite': 'the objective is not finite where it starts',
};

/** How a fit ended. */
export function describeEnd(fit: {
  readonly converged: boolean;
  readonly reason: string;
  readonly rounds: number;
}): string {
  const rounds = `${formatCount(fit.rounds)} round${fit.rounds === 1 ? '' : 's'}`;
  const end = TREE_ENDS[fit.reason];
  if (end !== undefined) return `${rounds}${end}`;
  if (fit.converged) return `converged in ${rounds}`;
  if (fit.reason === 'max-rounds')
    return `not converged: ${rounds} were the limit (--max-rounds goes on, a larger --l2 converges sooner)`;
  return `not converged after ${rounds}: ${ENDS[fit.reason] ?? fit.reason}`;
}

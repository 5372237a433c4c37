/**
 * The summaries that can be asked for by name: `sora inspect --summary NAME`.
 * One line registers a new one; docs/summaries.md has a row for each, and a test holds the two together.
 */
import { SoraError } from '../errors.ts';
import type { Json } from '../json.ts';
import { bytes } from './bytes.ts';
import { counts } from './counts.ts';
import { distribution } from './distribution.ts';
import { extremes } from './extremes.ts';
import { gram } from './gram.ts';
import { histogram } from './histogram.ts';
import { labels } from './labels.ts';
import { moments } from './moments.ts';
import { profile } from './profile.ts';
import { quantiles } from './quantiles.ts';
import { sparse } from './sparse.ts';
import type { Summary } from './summary.ts';
import { targets } from './target.ts';
import { texts } from './texts.ts';

/** Where a summary is found by a worker, and its factory `(options) => Summary`. */
export const SUMMARIES = {
  bytes,
  counts,
  distribution,
  extremes,
  gram,
  histogram,
  labels,
  moments,
  profile,
  quantiles,
  sparse,
  targets,
  texts,
} as const;

export type SummaryName = keyof typeof SUMMARIES;

/** A reference, as executors take it, to the summary of this name with these options. */
export function summaryReference(name: SummaryName, options: Json = null) {
  return { module: import.meta.url, name: 'summaryNamed', options: { name, options } };
}

/** Factory behind {@link summaryReference}; throws `bad-option` on a name that is not in the table. */
export function summaryNamed(of: Json): Summary<unknown, unknown> {
  const { name, options } = of as { name: string; options: Json };
  if (!Object.hasOwn(SUMMARIES, name)) {
    const names = Object.keys(SUMMARIES).join(', ');
    throw new SoraError('bad-option', `There is no summary "${name}"; there are ${names}.`);
  }
  const factory = SUMMARIES[name as SummaryName] as (options: Json) => Summary<unknown, unknown>;
  return factory(options);
}

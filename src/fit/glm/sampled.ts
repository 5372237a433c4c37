/**
 * Gradient, curvature or a stochastic pass of some rows of every particle: a cheap look at the objective, on which a start is found
 * and curvature is measured before full passes begin (Byrd, Chin, Neveitt & Nocedal, SIAM J. Optim. 2011).
 * Which rows: see sample.ts. The sums are of the rows taken; divide by their weight.
 */
import type { Json } from '../../json.ts';
import type { Reference } from '../../run/reference.ts';
import type { Summary } from '../../summary/summary.ts';
import { type CurvatureSums, type CurvatureValue, curvature } from './curvature.ts';
import { type GradientSums, gradient } from './gradient.ts';
import type { GlmOptions, LearnerView } from './pass.ts';
import { rowsOf, sampleBlocks } from './sample.ts';
import { type SgdSums, type SgdValue, sgd } from './sgd.ts';

/** Options of the summaries. */
export interface SampledOptions extends GlmOptions {
  /** Share of the rows of each view; 1 takes all. */
  readonly share: number;
}

/** Names the summary for a round. */
export function sampledReference(
  name: 'sampledGradient' | 'sampledCurvature' | 'sampledPass',
  options: SampledOptions,
): Reference {
  return { module: import.meta.url, name, options: options as unknown as Json };
}

/** Summary of loss and gradient over a share of the rows. */
export function sampledGradient(
  options: Json,
  parameters?: Uint8Array,
): Summary<GradientSums, GradientSums, LearnerView> {
  return overBlocks(gradient(options, parameters), options as unknown as SampledOptions);
}

/** Summary of loss, gradient and Hessian over a share of the rows. */
export function sampledCurvature(
  options: Json,
  parameters?: Uint8Array,
): Summary<CurvatureSums, CurvatureValue, LearnerView> {
  return overBlocks(curvature(options, parameters), options as unknown as SampledOptions);
}

/** Summary of an averaged stochastic pass over one window of every view: steps follow one another. */
export function sampledPass(options: Json, parameters?: Uint8Array): Summary<SgdSums, SgdValue, LearnerView> {
  const { share } = options as unknown as SampledOptions;
  const summary = sgd(options, parameters);
  return {
    ...summary,
    id: `sampled/2 ${share} ${summary.id}`,
    observe: (state, view) => summary.observe(state, rowsOf(view, 0, Math.ceil(share * view.rows))),
  };
}

function overBlocks<State, Value>(
  summary: Summary<State, Value, LearnerView>,
  { share }: SampledOptions,
): Summary<State, Value, LearnerView> {
  return {
    ...summary,
    id: `sampled/2 ${share} ${summary.id}`,
    observe(state, view) {
      for (const block of sampleBlocks(view, share)) summary.observe(state, block);
    },
  };
}

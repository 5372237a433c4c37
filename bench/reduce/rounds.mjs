/** The rounds that bench/reduce.mjs plays: the gradient of logistic regression as the learner takes it, and nothing. */
import { gradientReference } from '../../dist/fit/glm/gradient.js';
import { encodeParameters } from '../../dist/fit/glm/parameters.js';
import { FEATURES } from './data.mjs';

const module = new URL('./parts.mjs', import.meta.url).href;
const view = { module, name: 'denseView' };

export const gradientRound = {
  summary: gradientReference({ loss: 'logistic', features: FEATURES }),
  view,
  parameters: encodeParameters(new Float64Array(FEATURES + 1).fill(0.01)),
};

export const nothingRound = { summary: { module, name: 'nothing' }, view };

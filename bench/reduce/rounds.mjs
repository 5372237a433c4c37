/** The rounds that bench/reduce.mjs plays. */
import { FEATURES } from './data.mjs';

const module = new URL('./parts.mjs', import.meta.url).href;
const view = { module, name: 'denseView' };

export const gradientRound = {
  summary: { module, name: 'gradient', options: { features: FEATURES } },
  view,
  parameters: new Uint8Array(new Float64Array(FEATURES + 1).fill(0.01).buffer),
};

export const nothingRound = { summary: { module, name: 'nothing' }, view };

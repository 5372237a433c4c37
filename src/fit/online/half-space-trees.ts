/**
 * Half-space trees: how rare rows like this one are, without labels. Trees of random half-spaces, made before any row is
 * seen, count the rows of each region; a window of rows is the reference for the next one.
 * Tan, Ting & Liu, "Fast Anomaly Detection for Streaming Data", IJCAI 2011: the masses r of the reference window and the
 * score, Σ over trees of r · 2^depth where the row's path ends: at a leaf, or where r is at most a tenth of the window.
 * Here it is given as 1 / (1 + mean / window): 1/2 where the mean is a window's rows, near 0 where rows crowd, near 1
 * where there are none. Splits are drawn within the middle of a region's range, larger ranges sooner (River does so too), over
 * features from 0 at their least value so far to 1 at their greatest.
 */
import { z } from 'zod';
import { SoraError } from '../../errors.ts';
import { combine32, randomUniform, randomWord } from '../../random.ts';
import type { Arrays, OnlineLearner, Shape } from './learner.ts';
import { RangeScaler } from './range-scaler.ts';
import type { Row } from './row.ts';
import { fill } from './state.ts';

export const halfSpaceTreesOptions = z.strictObject({
  name: z.literal('half-space-trees'),
  trees: z.int().min(1).max(1000).default(25),
  height: z.int().min(1).max(16).default(8),
  /** Rows of a window. */
  window: z.int().min(1).default(250),
});

/** Share of a window's rows that is too few to go on from. */
const FEW = 0.1;

/** Share of a range, at each end, in which no split lies. */
const PADDING = 0.15;

/** Purposes of random numbers. */
const SPLIT = 0x45f7;
const SIDE = 0x45f8;

/** Regions by heap order: the root is 1, the halves of region n are 2 n and 2 n + 1. */
interface Halves {
  readonly features: Uint32Array;
  readonly thresholds: Float64Array;
}

/** An anomaly score. O(trees × height) a row; 16 · 2^(height + 1) bytes a tree. Throws `bad-option` for classes. */
export function halfSpaceTrees(options: z.infer<typeof halfSpaceTreesOptions>, shape: Shape): OnlineLearner {
  const { trees, height, window } = options;
  if (shape.classes > 0) {
    throw new SoraError(
      'bad-option',
      'The learner half-space-trees needs no labels and gives a score from 0 to 1; leave out `classes`.',
    );
  }
  const regions = 2 ** (height + 1);
  const halves = Array.from({ length: trees }, (_, tree) => drawTree(shape, height, tree));
  /** Weights of rows of the window that fills, and of the one before, by tree and region. */
  const filling = new Float64Array(trees * regions);
  const reference = new Float64Array(trees * regions);
  const rows = new Float64Array(1);
  const scaler = new RangeScaler(shape.nominal);
  const scaled = new Float64Array(shape.width);

  /** The half of a region that a row lies in: 0 or 1. A category or a missing value has a side of its own, drawn. */
  function half(tree: number, region: number): number {
    const { features, thresholds } = halves[tree];
    const feature = features[region];
    const x = scaled[feature];
    if (Number.isNaN(x)) return randomWord(shape.seed, SIDE + tree, region) & 1;
    if (!shape.nominal[feature]) return x < thresholds[region] ? 0 : 1;
    return combine32(randomWord(shape.seed, SIDE + tree, region), x + 1) & 1;
  }

  function scoreOf(tree: number, total: number): number {
    const start = tree * regions;
    let region = 1;
    let depth = 0;
    while (depth < height && reference[start + region] > FEW * total) {
      region = 2 * region + half(tree, region);
      depth++;
    }
    return reference[start + region] * 2 ** depth;
  }

  return {
    unlabelled: true,
    learn(row: Row, _label, weight) {
      scaler.learn(row);
      scaler.scale(row, scaled);
      for (let tree = 0; tree < trees; tree++) {
        let region = 1;
        for (let depth = 0; depth < height; depth++) {
          filling[tree * regions + region] += weight;
          region = 2 * region + half(tree, region);
        }
        filling[tree * regions + region] += weight;
      }
      rows[0] += 1;
      if (rows[0] % window !== 0) return;
      reference.set(filling);
      filling.fill(0);
    },
    predict(row: Row, out) {
      const total = reference[1];
      out[0] = 0.5;
      if (total === 0) return;
      scaler.scale(row, scaled);
      let sum = 0;
      for (let tree = 0; tree < trees; tree++) sum += scoreOf(tree, total);
      out[0] = 1 / (1 + sum / (trees * total));
    },
    save: (): Arrays => ({ filling, reference, rows, ...scaler.save() }),
    restore(arrays) {
      fill(filling, arrays, 'filling');
      fill(reference, arrays, 'reference');
      fill(rows, arrays, 'rows');
      scaler.restore(arrays);
    },
  };
}

/** The splits of a tree, from the root down: a feature in proportion to its range there, and a place within it. */
function drawTree({ width, seed }: Shape, height: number, tree: number): Halves {
  const features = new Uint32Array(2 ** height);
  const thresholds = new Float64Array(2 ** height);
  const low = new Float64Array(width);
  const high = new Float64Array(width).fill(1);
  const divide = (region: number) => {
    if (region >= features.length) return;
    const feature = drawFeature(low, high, randomUniform(seed, SPLIT + tree, 2 * region));
    const [a, b] = [low[feature], high[feature]];
    const share = PADDING + (1 - 2 * PADDING) * randomUniform(seed, SPLIT + tree, 2 * region + 1);
    const at = a + share * (b - a);
    features[region] = feature;
    thresholds[region] = at;
    high[feature] = at;
    divide(2 * region);
    high[feature] = b;
    low[feature] = at;
    divide(2 * region + 1);
    low[feature] = a;
  };
  divide(1);
  return { features, thresholds };
}

function drawFeature(low: Float64Array, high: Float64Array, u: number): number {
  let total = 0;
  for (let f = 0; f < low.length; f++) total += high[f] - low[f];
  let left = u * total;
  for (let f = 0; f < low.length - 1; f++) {
    left -= high[f] - low[f];
    if (left < 0) return f;
  }
  return low.length - 1;
}

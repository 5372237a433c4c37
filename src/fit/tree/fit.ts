/**
 * Gradient boosting over the particles of a session: each tree is a few rounds of histograms, each iteration ends with
 * one of losses. `while (!done) forest = update(forest, await reduce(particles, histogramsAt(forest)))`.
 * Friedman 2001; second-order leaves as Chen & Guestrin 2016; histograms and best-first growth as Ke et al. 2017;
 * quantized gradients as Shi et al. 2022. The forest is a pure function of particles, view and options.
 */
import { SoraError, throwIfAborted } from '../../errors.ts';
import type { Loss } from '../../loss/loss.ts';
import { type LossName, type LossSpec, lossOf } from '../../loss/registry.ts';
import type { Forest } from '../../model/forest.ts';
import { combine32 } from '../../random.ts';
import type { Reference } from '../../run/reference.ts';
import type { Round, Session } from '../../run/session.ts';
import { type LabelTotals, learnableTotals } from '../labels.ts';
import { isOwn, loadLoss } from '../own-loss.ts';
import { type LabelSpread, labelSpreadReference } from '../robust.ts';
import { categoryBins, type FeatureBins, MOST_BINS, numberBins } from './bins.ts';
import { isNotFollowed } from './desk.ts';
import { type BoostedTree, forestOf } from './forest.ts';
import { type GrowAsk, type Grown, growTree } from './grow.ts';
import { type Histograms, histogramsReference } from './histogram.ts';
import { checkQueries } from './query-check.ts';
import { leafBytesReference, leafQuantiles, type RenewRound } from './renew.ts';
import {
  encodeRound,
  type GrownTree,
  type HistogramRound,
  type MarginsAt,
  type TreeProblem,
} from './round.ts';
import { sampledReference, sampleReference } from './sample.ts';
import { type Watched, watchReference } from './statistics.ts';
import { binnedReference } from './view.ts';

/** What to fit, and how. */
export interface FitTreesOptions {
  /** Huber without a δ: from the spread of the labels. A reference names a loss of the user's own ({@link OwnLoss}). */
  readonly loss: LossName | LossSpec | Reference;
  /** Classes for softmax, else 1. */
  readonly outputs: number;
  readonly features: number;
  /** Reference of a view kind of dense learner views, NaN where a value is missing: the training rows. */
  readonly view: Reference;
  /** By feature: whether its values are codes 0, 1, 2 … of categories. */
  readonly categorical: readonly boolean[];
  /** Share of each tree that counts; 0.1 by default. */
  readonly learningRate?: number;
  /** Most iterations, of one tree an output; 300 by default. */
  readonly rounds?: number;
  /** Most leaves of a tree; 31 by default. */
  readonly leaves?: number;
  /** Least rows of a leaf; 20 by default. */
  readonly minRows?: number;
  /** Least Σ Hessian of a leaf; 1e-3 by default. */
  readonly minHessian?: number;
  /** Penalty on squared leaf values; 1 by default. */
  readonly l2?: number;
  /** Least gain of a split; 0 by default. */
  readonly minGain?: number;
  /** Most bins of a feature, 2 … 255; 255 by default. */
  readonly bins?: number;
  /** Most splits between root and leaf; no limit by default. */
  readonly maxDepth?: number;
  /** Share of rows that each iteration learns from; 1 by default. */
  readonly rowShare?: number;
  /** Share of features that each tree may ask; 1 by default. */
  readonly columnShare?: number;
  /** Stops after so many iterations without a lower loss on the rows held out; 0, the default, never. */
  readonly earlyStopping?: number;
  /** Share of the training rows that are held out to stop early; 0.1 by default where that is wanted. */
  readonly holdOut?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onRound?: (round: TreesRound) => void;
}

/** One iteration: mean losses after it. */
export interface TreesRound {
  readonly round: number;
  readonly trainLoss: number;
  readonly holdOutLoss?: number;
}

/** Why no more trees were added. */
export type TreeStop = 'rounds' | 'early' | 'no-gain';

export interface TreesResult {
  readonly forest: Forest;
  /** The loss with what was found for it: Huber's δ. */
  readonly loss: LossName | LossSpec;
  /** Iterations that were kept. */
  readonly rounds: number;
  readonly stopped: TreeStop;
  readonly history: readonly TreesRound[];
  /** Training rows and their total weight, rows held out to stop early included. */
  readonly rows: number;
  readonly weight: number;
  /** Whether views did not stay in memory, so that every round had to replay the trees before it: much slower. */
  readonly replayed: boolean;
}

/** Values that bins are chosen from. */
const SAMPLE_ROWS = 200_000;
/** Sums of so many bits stay in their 32; individual numbers have at most 15. */
const SUM_BITS = 30;
const MOST_BITS = 15;

/** After so many losses in a row every round carries all trees: there is no use in trying without. */
const MOST_LOSSES = 3;

let fits = 0;

/**
 * Fits a forest. Throws `bad-data` when there is nothing to learn from, `bad-option` for options out of range.
 * @example
 * const { forest } = await fitTrees(session, { loss: 'logistic', outputs: 1, features: 28, view, categorical });
 */
export async function fitTrees(session: Session, asked: FitTreesOptions): Promise<TreesResult> {
  checkOptions(asked);
  const own = isOwn(asked.loss) ? asked.loss : undefined;
  const options = { ...asked, loss: own ? await loadLoss(own) : (asked.loss as LossName | LossSpec) };
  const { outputs, view, seed = 1, earlyStopping = 0 } = options;
  if (lossOf(options.loss as LossSpec).perQuery) await checkQueries(session);
  const totals = await learnableTotals(session, lossOf(options.loss as LossSpec), outputs, view);
  const { loss, base } = await startOf(session, options, totals);
  const bins = await chooseBins(session, options, totals.rows);
  const holdOut = earlyStopping > 0 ? (options.holdOut ?? 0.1) : 0;
  const booster = new Booster(session, options, bins, {
    view: binnedReference(view, bins, { outputs, holdOut, seed, ...(own ? { loss: own } : {}) }),
    loss,
    base,
    rows: totals.rows,
    holdOut: holdOut > 0,
  });
  const { trees, stopped, history, kept } = await booster.run();
  return {
    loss,
    forest: forestOf(trees.slice(0, kept * outputs), base, bins),
    rounds: kept,
    stopped,
    history,
    rows: totals.rows,
    weight: totals.weight,
    replayed: booster.replays,
  };
}

interface Setting {
  readonly view: Reference;
  readonly loss: LossName | LossSpec;
  readonly base: Float64Array;
  readonly rows: number;
  readonly holdOut: boolean;
}

class Booster {
  readonly #session: Session;
  readonly #options: FitTreesOptions;
  readonly #bins: readonly FeatureBins[];
  readonly #setting: Setting;
  readonly #problem: TreeProblem;
  readonly #loss: Loss;
  readonly #width: number;
  readonly #trees: BoostedTree[] = [];
  /** Rounds one after the other that workers had not followed: they keep no views if there are many. */
  #losses = 0;

  /** Whether rounds are played with every tree in them. */
  get replays(): boolean {
    return this.#losses >= MOST_LOSSES;
  }

  constructor(session: Session, options: FitTreesOptions, bins: readonly FeatureBins[], setting: Setting) {
    this.#session = session;
    this.#options = options;
    this.#bins = bins;
    this.#setting = setting;
    this.#width = (options.features + 3) & ~3;
    const { loss, base } = setting;
    this.#loss = lossOf(loss as LossSpec);
    this.#problem = { fit: `${process.pid} ${fits++}`, loss, outputs: options.outputs, base: [...base] };
  }

  async run() {
    const { outputs, rounds = 300, earlyStopping = 0, signal, onRound } = this.#options;
    const history: TreesRound[] = [];
    let stopped: TreeStop = 'rounds';
    let [kept, best] = [0, Number.POSITIVE_INFINITY];
    let watched = await this.#watch();
    if (!Number.isFinite(watched.loss)) {
      throw new SoraError(
        'bad-data',
        `The loss ${this.#loss.id} of the training rows is not finite where the fit starts: some label is too large for it. Leave such rows out, or scale the labels.`,
      );
    }
    for (let round = 1; round <= rounds; round++) {
      throwIfAborted(signal);
      const scales = this.#scales(watched);
      let grew = false;
      for (let k = 0; k < outputs; k++) {
        const tree = await this.#grow(k, round, scales);
        this.#trees.push(tree);
        if (tree.told.splits.length > 0) grew = true;
      }
      if (!grew) {
        stopped = 'no-gain';
        break;
      }
      watched = await this.#watch();
      const told: TreesRound = {
        round,
        trainLoss: watched.loss / watched.weight,
        ...(this.#setting.holdOut && watched.heldWeight > 0
          ? { holdOutLoss: watched.heldLoss / watched.heldWeight }
          : {}),
      };
      history.push(told);
      onRound?.(told);
      const { holdOutLoss } = told;
      if (holdOutLoss === undefined || holdOutLoss < best) {
        best = holdOutLoss ?? best;
        kept = round;
      } else if (round - kept >= earlyStopping) {
        stopped = 'early';
        break;
      }
    }
    return { trees: this.#trees, stopped, history, kept };
  }

  #at(): MarginsAt {
    return { ...this.#problem, trees: this.#trees.length, last: this.#trees.at(-1)?.told };
  }

  async #watch(): Promise<Watched> {
    return this.#play<Watched>(this.#at(), {
      summary: watchReference(this.#options.outputs),
      label: 'trees',
    });
  }

  async #histograms(round: HistogramRound): Promise<Histograms> {
    return this.#play<Histograms>(round, {
      summary: histogramsReference(this.#width, round.ask.length),
      coarse: true,
      label: 'trees',
    });
  }

  /** Plays a round; again with every tree in it where a worker had not followed. */
  async #play<Value>(at: MarginsAt, round: Omit<Round, 'view' | 'parameters'>): Promise<Value> {
    const view = this.#setting.view;
    const send = async (told: MarginsAt): Promise<Value> => {
      const { value } = await this.#session.reduce<unknown, Value>({
        ...round,
        view,
        parameters: encodeRound(told),
      });
      return value;
    };
    if (this.#losses < MOST_LOSSES) {
      try {
        const value = await send(at);
        this.#losses = 0;
        return value;
      } catch (error) {
        if (!isNotFollowed(error)) throw error;
        this.#losses++;
      }
    }
    return send({ ...at, model: this.#trees.map(({ told }) => told) });
  }

  /** Scales that use as many bits as the sums of all rows allow. */
  #scales({ gradients, hessians }: Watched): HistogramRound['scales'] {
    const bits = Math.min(MOST_BITS, SUM_BITS - Math.ceil(Math.log2(Math.max(2, this.#setting.rows))));
    const most = 2 ** bits - 1;
    const scale = (largest: number): number => (largest > 0 ? most / largest : 0);
    return Array.from(gradients, (gradient, k) => [scale(gradient), scale(hessians[k])] as const);
  }

  async #grow(output: number, round: number, scales: HistogramRound['scales']): Promise<BoostedTree> {
    const { leaves = 31, maxDepth = Number.POSITIVE_INFINITY, learningRate = 0.1, l2 = 1 } = this.#options;
    const { minRows = 20, minHessian = 1e-3, minGain = 0, seed = 1, signal } = this.#options;
    const [gradientScale, hessianScale] = scales[output];
    const none: Grown = { splits: [], nodes: new Map() };
    if (gradientScale === 0 || hessianScale === 0) return { told: told(output, none, 0, l2), grown: none };
    const machine = growTree({
      features: this.#bins,
      width: this.#width,
      units: { gradient: 1 / gradientScale, hessian: 1 / hessianScale },
      rules: { l2, minRows, minHessian, minGain },
      leaves,
      maxDepth,
      allowed: this.#allowed(round, output),
    });
    const { rowShare = 1 } = this.#options;
    const sampled = rowShare < 1 ? { rowShare } : {};
    const at = { ...this.#at(), scales, key: combine32(seed, round), ...sampled, output };
    let step = machine.next();
    while (!step.done) {
      throwIfAborted(signal);
      const { splits, ask }: GrowAsk = step.value;
      // The tree before is news in the first round only; whoever missed it says so and is told everything.
      const news = splits.length === 0 ? at : { ...at, last: undefined };
      step = machine.next(await this.#histograms({ ...news, splits, ask }));
    }
    const grown = step.value;
    const tree = told(output, grown, learningRate, l2);
    const { leafQuantile } = this.#loss;
    if (leafQuantile === undefined || tree.splits.length === 0) return { told: tree, grown };
    const renewed = await this.#renewed(leafQuantile, tree, at, learningRate);
    return { told: { ...tree, leaves: renewed }, grown };
  }

  /** Leaves of a tree that take a quantile of the residuals in them. */
  async #renewed(
    share: number,
    { splits, leaves }: GrownTree,
    at: Omit<HistogramRound, 'splits' | 'ask'>,
    learningRate: number,
  ): Promise<GrownTree['leaves']> {
    const ask = leaves.map(([node]) => node);
    const values = await leafQuantiles(share, ask, (asked) => {
      const round: RenewRound = { ...at, last: undefined, splits, ...asked };
      return this.#play(round, { summary: leafBytesReference(asked.ask.length), label: 'trees' });
    });
    return ask.map((node, i) => [node, learningRate * values[i]] as const);
  }

  /** The features that this tree may ask. */
  #allowed(round: number, output: number): Uint8Array | undefined {
    const { columnShare = 1, features, seed = 1 } = this.#options;
    if (columnShare >= 1) return undefined;
    const key = combine32(combine32(seed, round), output + 1);
    const order = Array.from({ length: features }, (_, f) => f).sort(
      (a, b) => combine32(key, a) - combine32(key, b) || a - b,
    );
    const allowed = new Uint8Array(features);
    for (const f of order.slice(0, Math.max(1, Math.ceil(columnShare * features)))) allowed[f] = 1;
    return allowed;
  }
}

/** A tree as later rounds replay it; without splits it adds nothing. */
function told(output: number, { splits, nodes }: Grown, learningRate: number, l2: number): GrownTree {
  if (splits.length === 0) return { output, splits: [], leaves: [] };
  const leaves = [...nodes.values()]
    .filter((node) => node.split === undefined)
    .map(({ node, sums }) => [node, (-learningRate * sums.gradient) / (sums.hessian + l2)] as const);
  return { output, splits, leaves };
}

/** The loss, with the δ that Huber's was not given, and the margins before any tree. */
async function startOf(
  session: Session,
  { loss: asked, outputs, view }: FitTreesOptions & { readonly loss: LossName | LossSpec },
  totals: LabelTotals,
): Promise<{ loss: LossName | LossSpec; base: Float64Array }> {
  const { name, startQuantile } = lossOf(asked as LossSpec);
  if (startQuantile === undefined) {
    return { loss: asked, base: lossOf(asked as LossSpec).bestConstant(totals, outputs) };
  }
  const { value } = await session.reduce<unknown, LabelSpread>({
    summary: labelSpreadReference(startQuantile),
    view,
    keep: 'root',
    label: 'labels',
  });
  const spec: LossSpec = typeof asked === 'string' ? { name: asked } : asked;
  const spread = Math.sqrt(totals.m2 / totals.weight);
  const delta = value.delta > 0 ? value.delta : spread > 0 ? spread : 1;
  const loss = name === 'huber' && spec.delta === undefined ? { ...spec, delta } : asked;
  const { quantile } = value;
  return { loss, base: lossOf(loss as LossSpec).bestConstant({ ...totals, quantile }, outputs) };
}

async function chooseBins(
  session: Session,
  { view, features, categorical, bins = MOST_BINS, seed = 1 }: FitTreesOptions,
  rows: number,
): Promise<FeatureBins[]> {
  const share = Math.min(1, SAMPLE_ROWS / rows);
  const { value } = await session.reduce<unknown, Float32Array[]>({
    summary: sampleReference(features),
    view: sampledReference(view, share, seed),
    label: 'bins',
  });
  return value.map((values, f) =>
    categorical[f] ? categoryBins(largestOf(values) + 1) : numberBins(values, bins),
  );
}

function largestOf(values: Float32Array): number {
  let most = -1;
  for (const value of values) if (value > most) most = value;
  return most;
}

function checkOptions(options: FitTreesOptions): void {
  const limits: [keyof FitTreesOptions, (value: number) => boolean, string][] = [
    ['learningRate', (x) => x > 0 && x <= 1, 'above 0 and at most 1'],
    ['rounds', (x) => Number.isInteger(x) && x > 0, 'a positive whole number'],
    ['leaves', (x) => Number.isInteger(x) && x >= 2 && x <= 4096, 'a whole number from 2 to 4096'],
    ['minRows', (x) => x >= 1, 'at least 1'],
    ['minHessian', (x) => x >= 0, 'at least 0'],
    ['l2', (x) => x >= 0 && Number.isFinite(x), 'a number of at least 0'],
    ['minGain', (x) => x >= 0, 'at least 0'],
    ['bins', (x) => Number.isInteger(x) && x >= 2 && x <= MOST_BINS, `a whole number from 2 to ${MOST_BINS}`],
    ['maxDepth', (x) => x >= 1, 'at least 1'],
    ['rowShare', (x) => x > 0 && x <= 1, 'above 0 and at most 1'],
    ['columnShare', (x) => x > 0 && x <= 1, 'above 0 and at most 1'],
    ['earlyStopping', (x) => Number.isInteger(x) && x >= 0, 'a whole number of at least 0'],
    ['holdOut', (x) => x >= 0 && x < 1, 'at least 0 and below 1'],
  ];
  for (const [option, allows, limit] of limits) {
    const value = options[option] as number | undefined;
    if (value === undefined || allows(value)) continue;
    throw new SoraError('bad-option', `Option ${option} is ${String(value)}; it must be ${limit}.`, {
      details: { option },
    });
  }
}

/**
 * The iterations of a fit: leave trees out (if that is wanted), take the gradients, grow a tree an output, add it, look
 * at the losses. `while (!done) forest = update(forest, await reduce(particles, histogramsAt(forest)))`.
 */
import { SoraError, throwIfAborted } from '../../errors.ts';
import type { HistogramMemory } from '../../kernel/histogram-memory.ts';
import { FEATURE_WORDS } from '../../kernel/tree.ts';
import type { Loss } from '../../loss/loss.ts';
import { combine32 } from '../../random.ts';
import type { FeatureBins } from './bins.ts';
import { type BoosterState, decodeCheckpoint, encodeCheckpoint } from './checkpoint.ts';
import { columnRule } from './columns.ts';
import { droppedIn } from './dropout.ts';
import type { BoostedTree } from './forest.ts';
import { type GrowAsk, type Grown, growTree, histogramMemory, LEAVES, leastGain } from './grow.ts';
import type { Histograms } from './histogram.ts';
import type { RecordLayout } from './layout.ts';
import type { FitTreesOptions, TreeStop } from './options.ts';
import type { Iteration, Player } from './player.ts';
import type { GrownTree, RowSampling } from './round.ts';
import { rowSampling } from './row-sampling.ts';
import { leafValue, type SearchPlan, searchPlan } from './split.ts';
import type { Watched } from './statistics.ts';

/** Sums of so many bits stay in their 32; individual numbers have at most 15. */
const SUM_BITS = 30;
const MOST_BITS = 15;
/** Rows that a tree of a forest learns from: so many different ones are in a bootstrap sample. */
const FOREST_SHARE = 0.632;

export interface Boosted extends BoosterState {
  readonly stopped: TreeStop;
}

/** What stays the same from iteration to iteration. */
export interface BoosterSetting {
  readonly loss: Loss;
  readonly rows: number;
  readonly holdOut: boolean;
  /** Trees that grow at the same time. */
  readonly together: number;
  /** Of the records, where features share bytes of them. */
  readonly layout?: RecordLayout;
  /** A text that two fits have in common only if their checkpoints may be exchanged. */
  readonly identity: string;
}

/** Runs the iterations; `player` makes a player over steps that are done already. */
export async function boost(
  options: FitTreesOptions,
  bins: readonly FeatureBins[],
  setting: BoosterSetting,
  player: (steps: readonly GrownTree[]) => Player,
): Promise<Boosted & { readonly replayed: boolean }> {
  const { checkpoint } = options;
  const bytes = await checkpoint?.load(setting.identity);
  const resumed = bytes && decodeCheckpoint(bytes, setting.identity);
  const booster = new Booster(options, bins, setting, player(resumed?.steps ?? []), resumed?.state);
  const boosted = await booster.run();
  await checkpoint?.done?.(setting.identity);
  return { ...boosted, replayed: booster.replayed };
}

class Booster {
  readonly #options: FitTreesOptions;
  readonly #plan: SearchPlan;
  readonly #setting: BoosterSetting;
  readonly #player: Player;
  readonly #state: BoosterState;
  readonly #codes: number;
  readonly #store: HistogramMemory;
  /** Least gain of the last tree of each output. */
  readonly #gains: (number | undefined)[] = [];

  get replayed(): boolean {
    return this.#player.replays;
  }

  constructor(
    options: FitTreesOptions,
    bins: readonly FeatureBins[],
    setting: BoosterSetting,
    player: Player,
    state: BoosterState = { trees: [], weights: [], history: [], kept: 0, best: Number.POSITIVE_INFINITY },
  ) {
    this.#options = options;
    this.#plan = searchPlan(bins, setting.layout);
    this.#codes = setting.layout?.columns ?? options.features;
    this.#store = histogramMemory(this.#codes, options.leaves ?? LEAVES, bins.length, setting.together);
    this.#setting = setting;
    this.#player = player;
    this.#state = state;
  }

  async run(): Promise<Boosted> {
    const { rounds = 300, signal, mode } = this.#options;
    const state = this.#state;
    let stopped: TreeStop = 'rounds';
    let watched = await this.#watch();
    this.#checkStart(watched);
    for (let round = state.weights.length + 1; round <= rounds; round++) {
      throwIfAborted(signal);
      const dropped = droppedIn(this.#options, round, state.weights.length);
      for (const index of dropped) this.#addSteps(index, -1);
      if (dropped.length > 0) watched = await this.#watch();
      if (!(await this.#iterate(round, watched, dropped))) {
        stopped = 'no-gain';
        break;
      }
      if (mode !== 'forest') watched = await this.#watch();
      if (this.#looked(round, mode === 'forest' ? undefined : watched)) {
        stopped = 'early';
        break;
      }
      await this.#checkpoint(round);
    }
    if (mode === 'forest') await this.#finishForest();
    return { ...state, stopped };
  }

  #checkStart({ loss, gradients, hessians }: Watched): void {
    if ([loss, ...gradients, ...hessians].every(Number.isFinite)) return;
    throw new SoraError(
      'bad-data',
      `The loss ${this.#setting.loss.id} of the training rows, or a gradient of it as a single, is not finite where the fit starts: some label is too large for it. Leave such rows out, or scale the labels.`,
    );
  }

  #watch(): Promise<Watched> {
    return this.#player.watch((this.#options.topShare ?? 0) > 0);
  }

  /** Grows the trees of an iteration and adds them; false where none has a split. */
  async #iterate(round: number, watched: Watched, dropped: readonly number[]): Promise<boolean> {
    const { outputs, mode, topShare = 0, otherShare = 0.1, seed = 1 } = this.#options;
    const share = this.#options.rowShare ?? (mode === 'forest' ? FOREST_SHARE : 1);
    const sampling = rowSampling(watched, share, topShare, otherShare);
    const scales = this.#scales(watched, sampling);
    const slopesAt = this.#player.steps.length;
    const { trees, weights } = this.#state;
    const weight = 1 / (dropped.length + 1);
    let grew = false;
    const key = combine32(seed, round);
    const iteration = { slopesAt, scales, key, ...(sampling ? { sampling } : {}) };
    const { together } = this.#setting;
    for (let first = 0; first < outputs; first += together) {
      const some = Array.from({ length: Math.min(together, outputs - first) }, (_, i) => first + i);
      for (const tree of await this.#growAll(some, round, iteration)) {
        trees.push(tree);
        if (tree.told.splits.length > 0) grew = true;
        if (mode !== 'forest') this.#player.add(scaled(tree.told, weight));
      }
    }
    weights.push(weight);
    for (const index of dropped) {
      weights[index] *= dropped.length / (dropped.length + 1);
      this.#addSteps(index, 1);
    }
    return grew;
  }

  /** Adds the trees of an iteration to the margins, or takes them out. */
  #addSteps(index: number, sign: 1 | -1): void {
    const { outputs } = this.#options;
    const { trees, weights } = this.#state;
    for (const { told } of trees.slice(index * outputs, (index + 1) * outputs)) {
      this.#player.add(scaled(told, sign * weights[index]));
    }
  }

  /** Notes the losses after an iteration; true if it is time to stop. */
  #looked(round: number, watched: Watched | undefined): boolean {
    const { earlyStopping = 0, onRound } = this.#options;
    const state = this.#state;
    const told = watched && {
      round,
      trainLoss: watched.loss / watched.weight,
      ...(this.#setting.holdOut && watched.heldWeight > 0
        ? { holdOutLoss: watched.heldLoss / watched.heldWeight }
        : {}),
    };
    if (told) state.history.push(told);
    onRound?.(told ?? { round });
    const holdOutLoss = told?.holdOutLoss;
    if (holdOutLoss === undefined || holdOutLoss < state.best) {
      state.best = holdOutLoss ?? state.best;
      state.kept = round;
      return false;
    }
    return earlyStopping > 0 && round - state.kept >= earlyStopping;
  }

  async #checkpoint(round: number): Promise<void> {
    const { checkpoint } = this.#options;
    if (!checkpoint?.due(round)) return;
    const { identity } = this.#setting;
    await checkpoint.save(identity, encodeCheckpoint(this.#state, this.#player.steps, identity));
  }

  /** Every tree counts as much: their mean. */
  async #finishForest(): Promise<void> {
    const { weights, history, kept } = this.#state;
    weights.fill(1 / Math.max(1, kept));
    for (let index = 0; index < kept; index++) this.#addSteps(index, 1);
    const watched = await this.#watch();
    history.push({ round: kept, trainLoss: watched.loss / watched.weight });
  }

  /** Scales that use as many bits as the sums of all rows allow. */
  #scales({ gradients, hessians }: Watched, sampling: RowSampling | undefined): Iteration['scales'] {
    const bits = Math.min(MOST_BITS, SUM_BITS - Math.ceil(Math.log2(Math.max(2, this.#setting.rows))));
    const most = 2 ** bits - 1;
    const scale = (largest: number): number => (largest > 0 ? most / largest : 0);
    // What stands for rows that are left out is larger than itself, and its gradient below the limit.
    const { keepFrom, share = 1 } = sampling ?? {};
    const times = keepFrom === undefined ? 1 : 1 / share;
    return Array.from(gradients, (gradient, k) => {
      const largest = keepFrom === undefined ? gradient : Math.max(gradient, keepFrom * times);
      return [scale(largest), scale(hessians[k] * times)] as const;
    });
  }

  /** Trees of these outputs, grown at the same time. */
  async #growAll(outputs: readonly number[], round: number, iteration: Iteration): Promise<BoostedTree[]> {
    const first = this.#state.trees.length;
    const growths = outputs.map((output, i) =>
      this.#begin(output, first + i, round, iteration.scales[output]),
    );
    // While thresholds are searched for the trees of one lane, workers sum for those of the other.
    const { lanes } = this.#player;
    const divided = Array.from({ length: lanes }, (_, lane) => growths.filter((_, i) => i % lanes === lane));
    await everyOne(divided.map((some, lane) => this.#advance(some, iteration, lane)));
    const trees: BoostedTree[] = [];
    for (const growth of growths) trees.push(await this.#finished(growth, iteration));
    return trees;
  }

  #begin(output: number, tree: number, round: number, scales: readonly [number, number]): Growth {
    const [gradientScale, hessianScale] = scales;
    if (gradientScale === 0 || hessianScale === 0) return { output, tree, grown: NO_TREE };
    const { leaves = LEAVES, maxDepth = Number.POSITIVE_INFINITY, order, monotone } = this.#options;
    const { l2 = 1, minRows = 20, minHessian = 1e-3, minGain = 0 } = this.#options;
    const machine = growTree({
      plan: this.#plan,
      codes: this.#codes,
      units: { gradient: 1 / gradientScale, hessian: 1 / hessianScale },
      rules: { l2, minRows, minHessian, minGain },
      leaves,
      maxDepth,
      allowed: columnRule(this.#options, round, output),
      order,
      monotone: monotone?.some((direction) => direction !== 0) ? monotone : undefined,
      store: this.#store,
      likelyGain: this.#gains[output],
    });
    return { output, tree, machine, asked: machine.next().value as GrowAsk };
  }

  /** Grows trees, a round for all of them at a time, until each is done. */
  async #advance(growths: readonly Growth[], iteration: Iteration, lane: number): Promise<void> {
    for (let open = growths; ; ) {
      open = open.filter(({ asked }) => asked !== undefined);
      if (open.length === 0) return;
      throwIfAborted(this.#options.signal);
      const trees = open.map(({ tree, output, asked }) => ({ tree, output, ...(asked as GrowAsk) }));
      const { words, rows } = await this.#player.histograms(iteration, trees, lane);
      let from = 0;
      for (const growth of open) {
        const to = from + (growth.asked as GrowAsk).ask.length;
        const size = this.#codes * FEATURE_WORDS;
        step(growth, { words: words.subarray(from * size, to * size), rows: rows.subarray(from, to) });
        from = to;
      }
    }
  }

  async #finished({ output, tree, grown = NO_TREE }: Growth, iteration: Iteration): Promise<BoostedTree> {
    const { l2 = 1, mode } = this.#options;
    const learningRate = mode === 'forest' ? 1 : (this.#options.learningRate ?? 0.1);
    this.#gains[output] = leastGain(grown) ?? this.#gains[output];
    const plain = { tree, ...told(output, grown, learningRate, l2) };
    const { leafQuantile } = this.#setting.loss;
    if (leafQuantile === undefined || plain.splits.length === 0) return { told: plain, grown };
    const values = await this.#player.leafQuantiles(leafQuantile, iteration, plain);
    const renewed = plain.leaves.map(([node], i) => {
      const { low = values[i], high = values[i] } = grown.nodes.get(node)?.bounds ?? {};
      return [node, learningRate * Math.min(high, Math.max(low, values[i]))] as const;
    });
    return { told: { ...plain, leaves: renewed }, grown };
  }
}

/** A tree in growth. */
interface Growth {
  readonly output: number;
  readonly tree: number;
  readonly machine?: ReturnType<typeof growTree>;
  /** What it waits for; absent when it is done. */
  asked?: GrowAsk;
  grown?: Grown;
}

const NO_TREE: Grown = { splits: [], nodes: new Map() };

/** Gives a tree what it asked for. */
function step(growth: Growth, histograms: Histograms): void {
  const { done, value } = (growth.machine as ReturnType<typeof growTree>).next(histograms);
  growth.asked = done ? undefined : value;
  if (done) growth.grown = value;
}

/** Waits for all, and throws what the first that failed threw. */
async function everyOne(promises: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}

/** A tree as later rounds replay it; without splits it adds nothing. */
function told(
  output: number,
  { splits, nodes }: Grown,
  learningRate: number,
  l2: number,
): Omit<GrownTree, 'tree'> {
  if (splits.length === 0) return { output, splits: [], leaves: [] };
  const leaves = [...nodes.values()]
    .filter((node) => node.split === undefined)
    .map(({ node, sums, bounds }) => {
      return [node, learningRate * leafValue(sums.gradient, sums.hessian, l2, bounds)] as const;
    });
  return { output, splits, leaves };
}

/** The tree, its leaves so many times as large. */
export function scaled(tree: GrownTree, factor: number): GrownTree {
  if (factor === 1) return tree;
  return { ...tree, leaves: tree.leaves.map(([node, value]) => [node, factor * value] as const) };
}

/**
 * Gradient boosting over the particles of a session: each tree is a few rounds of histograms, each iteration ends with
 * one of losses.
 * Friedman 2001; second-order leaves as Chen & Guestrin 2016; histograms and best-first growth as Ke et al. 2017;
 * quantized gradients as Shi et al. 2022. The forest is a pure function of particles, view and options.
 */

import { type LossName, type LossSpec, lossOf } from '../../loss/registry.ts';
import type { Forest } from '../../model/forest.ts';
import { joinForests } from '../../model/forest-join.ts';
import { encodeForest } from '../../model/forest-tensors.ts';
import { hashText } from '../../random.ts';
import type { Session } from '../../run/session.ts';
import { type LabelTotals, learnableTotals } from '../labels.ts';
import { isOwn, loadLoss } from '../own-loss.ts';
import { type LabelSpread, labelSpreadReference } from '../robust.ts';
import { categoryBins, type FeatureBins, MOST_BINS, numberBins } from './bins.ts';
import { boost, scaled } from './booster.ts';
import { chooseLayout } from './exclusive.ts';
import { forestOf } from './forest.ts';
import { treesTogether } from './grow.ts';
import { isLayoutConflict, type RecordLayout } from './layout.ts';
import { checkOptions, type FitTreesOptions, type TreeStop, type TreesRound } from './options.ts';
import { Player } from './player.ts';
import { checkQueries } from './query-check.ts';
import { type Sample, sampledReference, sampleReference } from './sample.ts';
import { binnedReference } from './view.ts';

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
/** Rows of the sample that are looked at as a whole. */
const WHOLE_ROWS = 16_384;

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
  const { outputs, view, seed = 1, earlyStopping = 0, from } = options;
  if (lossOf(options.loss as LossSpec).perQuery) await checkQueries(session);
  const totals = await learnableTotals(session, lossOf(options.loss as LossSpec), outputs, view);
  const { loss, base } = await startOf(session, options, totals);
  const { bins, rows: samples } = await chooseBins(session, options, totals.rows);
  const holdOut = earlyStopping > 0 ? (options.holdOut ?? 0.1) : 0;
  const problem = { fit: '', loss, outputs, base: [...base] };
  const boostOver = (layout: RecordLayout | undefined) => {
    const codes = layout?.columns ?? options.features;
    const together = treesTogether(outputs, codes, options.leaves);
    const binned = binnedReference(view, bins, {
      outputs,
      together,
      holdOut,
      seed,
      ...(own ? { loss: own } : {}),
      ...(layout ? { layout } : {}),
      ...(from ? { from: Buffer.from(encodeForest(from)).toString('base64') } : {}),
    });
    const setting = {
      loss: lossOf(loss as LossSpec),
      rows: totals.rows,
      holdOut: holdOut > 0,
      together,
      ...(layout ? { layout } : {}),
      // The layout shapes no forest, and depends on how many rounds are asked for.
      identity: identityOf(session, options, [
        problem,
        { ...(binned.options as object), layout: undefined, together: undefined },
      ]),
    };
    const named = { ...problem, fit: `${process.pid} ${fits++}` };
    return boost(options, bins, setting, (steps) => new Player(session, binned, named, codes, steps));
  };
  const boosted = await overLayout(session, options, bins, samples, boostOver);
  const { trees, weights, stopped, history, kept } = boosted;
  const added = forestOf(
    trees
      .slice(0, kept * outputs)
      .map((tree, i) => ({ ...tree, told: scaled(tree.told, weights[Math.floor(i / outputs)]) })),
    base,
    bins,
  );
  return {
    loss,
    forest: from ? joinForests(from, added) : added,
    rounds: kept,
    stopped,
    history,
    rows: totals.rows,
    weight: totals.weight,
    replayed: boosted.replayed,
  };
}

/** What a checkpoint must have in common with a fit that resumes from it: all that shapes the forest. */
function identityOf({ particles }: Session, options: FitTreesOptions, more: readonly unknown[]): string {
  const {
    signal: _,
    onRound: __,
    checkpoint: ___,
    from: ____,
    view: _____,
    rounds: ______,
    ...shaping
  } = options;
  const text = JSON.stringify([particles.map(({ hash }) => hash), shaping, ...more]);
  return `${hashText(text).toString(16)}-${hashText(text, 1).toString(16)}-${text.length}`;
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
  { view, features, categorical, bins: most = MOST_BINS, seed = 1 }: FitTreesOptions,
  rows: number,
): Promise<{ readonly bins: FeatureBins[]; readonly rows: Sample['rows'] }> {
  const share = Math.min(1, SAMPLE_ROWS / rows);
  const { value } = await session.reduce<unknown, Sample>({
    summary: sampleReference(features, Math.max(1, Math.ceil((share * rows) / WHOLE_ROWS))),
    view: sampledReference(view, share, seed),
    coarse: true,
    label: 'bins',
  });
  const bins = value.distinct.map((distinct, f) =>
    categorical[f] ? categoryBins((distinct.values.at(-1) ?? -1) + 1) : numberBins(distinct, most),
  );
  return { bins, rows: value.rows };
}

/** Runs a fit over the layout that a sample suggests and, where some other row forbids that, over one that suits all. */
async function overLayout<T>(
  session: Session,
  { view, rounds = 300, outputs, bundle = true }: FitTreesOptions,
  bins: readonly FeatureBins[],
  samples: Sample['rows'],
  run: (layout: RecordLayout | undefined) => Promise<T>,
): Promise<T> {
  if (!bundle) return run(undefined);
  const choose = (everyRow: boolean) =>
    chooseLayout(session, view, bins, samples, rounds * outputs, everyRow);
  const { layout, isSure } = await choose(false);
  try {
    return await run(layout);
  } catch (error) {
    if (isSure || !isLayoutConflict(error)) throw error;
  }
  return run((await choose(true)).layout);
}

/** What a fit of gradient-boosted trees takes and gives. The learner itself is still to come. */
import { SoraError } from '../../errors.ts';
import type { LossName } from '../../loss/registry.ts';
import type { Forest } from '../../model/forest.ts';
import type { Reference } from '../../run/reference.ts';
import type { Session } from '../../run/session.ts';

/** What to fit, and how. */
export interface FitTreesOptions {
  readonly loss: LossName;
  /** Classes for softmax, else 1. */
  readonly outputs: number;
  readonly features: number;
  /** Reference of a view kind of dense learner views, NaN where missing: the training rows. */
  readonly view: Reference;
  /** Whether each feature is a code of a category. */
  readonly categorical: readonly boolean[];
  readonly learningRate?: number;
  /** Most rounds of boosting. */
  readonly rounds?: number;
  readonly leaves?: number;
  readonly minRows?: number;
  readonly l2?: number;
  readonly bins?: number;
  readonly maxDepth?: number;
  readonly rowShare?: number;
  readonly columnShare?: number;
  /** Rounds without improvement after which to stop; 0: never. */
  readonly earlyStopping?: number;
  /** Share of the training rows that is kept back to stop early. */
  readonly holdOut?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onRound?: (round: TreesRound) => void;
}

/** Mean loss after a round. */
export interface TreesRound {
  readonly round: number;
  readonly trainLoss: number;
  readonly holdOutLoss?: number;
}

/** What was fitted. */
export interface TreesResult {
  readonly forest: Forest;
  /** Rounds that were kept. */
  readonly rounds: number;
  readonly stopped: 'rounds' | 'early' | 'no-gain';
  readonly history: readonly TreesRound[];
  /** Training rows and their total weight. */
  readonly rows: number;
  readonly weight: number;
}

/** Fits the trees. */
export function fitTrees(_session: Session, _options: FitTreesOptions): Promise<TreesResult> {
  return Promise.reject(new SoraError('internal', 'Gradient-boosted trees cannot be fitted yet.'));
}

/** What training gives back: where things are, how good the model is, what it cost. */
import type { EvaluationResult } from '../evaluate/result.ts';
import type { FeatureCoefficient } from '../explain/coefficients.ts';
import type { ColumnStrength } from '../explain/contribution.ts';
import type { Model } from '../model/model.ts';
import type { Schema } from '../particle/schema.ts';
import type { FoldMetric } from './cross-validate.ts';

/** What training made and what it found. */
export interface TrainResult {
  /** Model directory. */
  readonly directory: string;
  /** HTML report. */
  readonly report?: string;
  readonly store: string;
  readonly commit: number;
  /** What is predicted and how it was understood. */
  readonly target: string;
  readonly learner: string;
  readonly featureCount: number;
  readonly rows: {
    readonly total: number;
    readonly train: number;
    /** Held-out rows that calibrated the probabilities; absent where none did. */
    readonly calibration?: number;
    /** Held-out rows that the evaluation is of. */
    readonly test: number;
  };
  readonly fit: { readonly converged: boolean; readonly reason: string; readonly rounds: number };
  readonly evaluation?: EvaluationResult;
  readonly folds?: readonly FoldMetric[];
  readonly verdict: string;
  readonly features: readonly ColumnStrength[];
  /** What the strength of a column is: the spread of its part of the margin, or its share of the gain of all splits. */
  readonly strength: 'spread' | 'gain';
  /** Trees with a report: mean size of each column's contribution (SHAP) over some held-out rows. */
  readonly contributions?: {
    readonly rows: number;
    readonly unit: string;
    readonly columns: readonly ColumnStrength[];
  };
  /** The largest coefficients of words of texts and entries of sparse columns. */
  readonly coefficients: readonly FeatureCoefficient[];
  readonly notes: readonly string[];
  /** Wall-clock seconds by stage. */
  readonly seconds: Readonly<Record<'ingest' | 'recipe' | 'fit' | 'evaluate', number>>;
  /** Largest resident size of the process, bytes. */
  readonly peakMemory: number;
  readonly workers: number;
  readonly schema: Schema;
  readonly model: Model;
}

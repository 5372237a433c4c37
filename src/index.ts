/**
 * The public names, listed by hand. Whatever is not here may change without notice.
 */

// Errors.
export { ERRORS, type ErrorCode, SoraError } from './errors.ts';
// Online learners.
export { type PrequentialResult, type PrequentialScores, prequential } from './evaluate/prequential.ts';
export { fitGlm } from './fit/glm/glm.ts';
export type { OnlineLabel } from './fit/online/classes.ts';
export type { DriftDetector, DriftEvidence, DriftLevel } from './fit/online/drift/detector.ts';
export { createDriftDetector, type DriftDetectorSpec } from './fit/online/drift/detectors.ts';
export type { DriftEvent } from './fit/online/drift/events.ts';
export type { OnlineDriftOptions } from './fit/online/drift/settings.ts';
export { createOnline, type OnlineAnswer, type OnlineModel, resumeOnline } from './fit/online/online.ts';
export type { OnlineOptions } from './fit/online/options.ts';
// Learners by hand.
export { createParticleModel } from './fit/particle-model.ts';
export type { LossBlock } from './loss/loss.ts';
export type { OwnLoss } from './loss/own.ts';
export { decodeParticle, encodeParticle } from './particle/bytes.ts';
// Particles by hand.
export type { Column } from './particle/column.ts';
export { createParticle, processParticle, updateWeights } from './particle/create.ts';
export { describeParticle } from './particle/describe.ts';
export { hashParticle } from './particle/hash.ts';
export { mergeParticles } from './particle/merge.ts';
export type { Particle, ParticleRef } from './particle/particle.ts';
export type { ColumnType, Field, Role, Schema } from './particle/schema.ts';
export { splitParticle } from './particle/split.ts';
// Whole workflows.
export { type BacktestResult, backtest } from './pipeline/backtest.ts';
export { type CompactResult, compact } from './pipeline/compact.ts';
export { type DriftResult, drift } from './pipeline/drift.ts';
export { type EvaluateResult, evaluate } from './pipeline/evaluate.ts';
export {
  type ExportResult,
  exportModel,
  type ImportResult,
  importModel,
} from './pipeline/exchange.ts';
export { type ExplainResult, explain } from './pipeline/explain.ts';
export { follow } from './pipeline/follow/follow.ts';
export { type FollowedModel, openFollowed } from './pipeline/follow/followed.ts';
export type { FollowOptions } from './pipeline/follow/options.ts';
export type { SourceOutage } from './pipeline/follow/outages.ts';
export type { FollowCommit, FollowResult } from './pipeline/follow/result.ts';
export type { ClassEvent } from './pipeline/follow/state.ts';
export { type IngestResult, ingest } from './pipeline/ingest.ts';
export { type Inspection, inspect } from './pipeline/inspect.ts';
export { type LoadedModel, loadModel } from './pipeline/load-model.ts';
export type {
  BacktestOptions,
  CompactOptions,
  DriftOptions,
  EvaluateOptions,
  ExplainOptions,
  ExportOptions,
  ImportOptions,
  IngestOptions,
  InspectOptions,
  PredictOptions,
  TrainOptions,
  UpdateOptions,
} from './pipeline/options.ts';
export { type PredictResult, predict } from './pipeline/predict.ts';
export type { Progress } from './pipeline/progress.ts';
export { train } from './pipeline/train.ts';
export type { TrainResult } from './pipeline/train-result.ts';
export { update } from './pipeline/update.ts';
export type { UpdateResult } from './pipeline/update-result.ts';
export { undoUpdate } from './pipeline/update-versions.ts';
export { verify } from './pipeline/verify.ts';
export { type Windowed, type WindowedOptions, type WindowedResult, windowed } from './pipeline/windowed.ts';
export { inlineExecutor } from './run/inline.ts';
// Summaries and reduce.
export { reduceParticles } from './run/memory-source.ts';
export type { Reference } from './run/reference.ts';
export type { Executor, Round, RoundResult, Session } from './run/session.ts';
export { threadExecutor } from './run/threads.ts';
export type { Snapshot } from './store/snapshot.ts';

// Store.
export { openStore, type Store } from './store/store.ts';
export { summaryReference } from './summary/catalog.ts';
export { taggedCodec } from './summary/codec.ts';
export { nearly } from './summary/equal.ts';
export { checkLaws } from './summary/laws.ts';
export type { Codec, Summary } from './summary/summary.ts';

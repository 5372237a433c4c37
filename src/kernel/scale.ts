/**
 * Numbers to features, a block at a time: clipped and scaled, or bent at a knot. The kernels are kernels/scale.ts,
 * their twins here; both round once, to f32, at the end. What it saves most is the start of a thread: a loop in
 * JavaScript boxes every number until the compiler has come to it, and a fit may be over by then.
 */
import { type KernelRun, runKernels } from './mode.ts';

/** Rows of a block: 32 KiB of f64, so that it stays in the first-level cache through all its features. */
export const SCALE_ROWS = 4096;

/** Writes features of the numbers that lie in `block`; valid during {@link withScaler} only. */
export interface Scaler {
  /** {@link SCALE_ROWS} numbers, to be filled from the start. */
  readonly block: Float64Array;
  /** out[at + i] = (x clipped to [low, high] − centre) · scale, for the first `count` numbers of the block. */
  clipped(out: Float32Array, at: number, count: number, scaling: Clipping): void;
  /** out[at + i] = (max(0, x − knot) − centre) · scale. */
  hinge(out: Float32Array, at: number, count: number, scaling: Hinge): void;
}

export interface Scaling {
  readonly centre: number;
  readonly scale: number;
}

export interface Clipping extends Scaling {
  readonly low: number;
  readonly high: number;
}

export interface Hinge extends Scaling {
  readonly knot: number;
}

/** Calls `body` with a scaler; `body` may run twice (see `runKernels`). */
export function withScaler<T>(body: (scaler: Scaler) => T): T {
  return runKernels((run) => body(scalerOf(run)));
}

const plainBlock = new Float64Array(SCALE_ROWS);

function scalerOf(run: KernelRun): Scaler {
  const { wasm } = run;
  if (wasm === undefined) return { block: plainBlock, clipped: plainClipped, hinge: plainHinge };
  const block = run.zeros(Float64Array, SCALE_ROWS);
  const features = run.zeros(Float32Array, SCALE_ROWS);
  const [from, to] = [block.byteOffset, features.byteOffset];
  const move = (out: Float32Array, at: number, count: number): void =>
    out.set(count === SCALE_ROWS ? features : features.subarray(0, count), at);
  return {
    block,
    clipped(out, at, count, { low, high, centre, scale }) {
      wasm.clippedBlock(from, to, (count + 3) & ~3, low, high, centre, scale);
      move(out, at, count);
    },
    hinge(out, at, count, { knot, centre, scale }) {
      wasm.hingeBlock(from, to, (count + 3) & ~3, knot, centre, scale);
      move(out, at, count);
    },
  };
}

function plainClipped(out: Float32Array, at: number, count: number, scaling: Clipping): void {
  const { low, high, centre, scale } = scaling;
  for (let i = 0; i < count; i++) {
    const x = plainBlock[i];
    out[at + i] = ((x < low ? low : x > high ? high : x) - centre) * scale;
  }
}

function plainHinge(out: Float32Array, at: number, count: number, { knot, centre, scale }: Hinge): void {
  for (let i = 0; i < count; i++) {
    const above = plainBlock[i] - knot;
    // max(0, above), exactly, without a branch that would be mispredicted half of the time.
    out[at + i] = ((above + Math.abs(above)) * 0.5 - centre) * scale;
  }
}

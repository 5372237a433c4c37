/**
 * New leaf values for the splits of a forest that is there already, from other data: each leaf moves from its value
 * towards the one that Newton's step gives on the new rows, and keeps so much of the old as `decay` says (as LightGBM's
 * refit does). One round an iteration: a summary of gradients and Hessians by leaf.
 * What a worker knows of the margins of a view is a cache, as in growth: without it they are summed anew.
 */
import { SoraError, throwIfAborted } from '../../errors.ts';
import type { Json } from '../../json.ts';
import { runKernels } from '../../kernel/mode.ts';
import { type LossSpec, lossOf } from '../../loss/registry.ts';
import { type Forest, treeCount } from '../../model/forest.ts';
import { leafOf } from '../../model/forest-predict.ts';
import { decodeForest, encodeForest } from '../../model/forest-tensors.ts';
import type { DenseView } from '../../particle/view.ts';
import type { Reference } from '../../run/reference.ts';
import type { Session } from '../../run/session.ts';
import { taggedCodec } from '../../summary/codec.ts';
import type { Summary } from '../../summary/summary.ts';
import { BLOCK_ROWS, evaluator } from './slopes.ts';

/** What to refit, and how far. */
export interface RefitOptions {
  readonly forest: Forest;
  readonly loss: LossSpec;
  /** Reference of a view kind of dense learner views, with the features of the forest. */
  readonly view: Reference;
  /** Share of the old value that each leaf keeps, 0 to 1; 0.9 by default. A leaf without rows keeps all. */
  readonly decay?: number;
  /** Share of Newton's step that counts; 0.1 by default. */
  readonly learningRate?: number;
  /** Penalty on squared leaf values; 1 by default. */
  readonly l2?: number;
  readonly signal?: AbortSignal;
}

interface Shape {
  readonly fit: string;
  readonly loss: LossSpec;
  readonly outputs: number;
  readonly features: number;
  /** The forest as it was, base64. */
  readonly forest: string;
  /** Trees [first, end) are looked at, those before are refitted. */
  readonly first: number;
  readonly end: number;
}

/** Gradient and Hessian of each node of the trees looked at: pairs, those of inner nodes 0. */
type LeafSums = Float64Array;

let refits = 0;

/**
 * The forest with new leaf values. Throws `bad-option` for a loss that has no gradient of single rows.
 * O(trees × rows) a worker that follows.
 */
export async function refitForest(session: Session, options: RefitOptions): Promise<Forest> {
  const { forest, loss, view, decay = 0.9, learningRate = 0.1, l2 = 1, signal } = options;
  checkRefit(options);
  const leafValues = forest.leafValues.slice();
  const encoded = Buffer.from(encodeForest(forest)).toString('base64');
  const { outputs, features, starts } = forest;
  const same = { fit: `${process.pid} ${refits++}`, loss, outputs, features, forest: encoded };
  for (let first = 0; first < treeCount(forest); ) {
    throwIfAborted(signal);
    const end = iterationEnd(forest, first);
    const shape: Shape = { ...same, first, end };
    const { value: sums } = await session.reduce<LeafSums, LeafSums>({
      summary: { module: import.meta.url, name: 'leafSums', options: shape as unknown as Json },
      parameters: new Uint8Array(leafValues.slice().buffer),
      view,
      coarse: true,
      label: 'trees',
    });
    for (let node = starts[first]; node < starts[end]; node++) {
      const [gradient, hessian] = sums.subarray(2 * (node - starts[first]));
      if (!(hessian > 0)) continue;
      const step = (-learningRate * gradient) / (hessian + l2);
      leafValues[node] = decay * leafValues[node] + (1 - decay) * step;
    }
    first = end;
  }
  return { ...forest, leafValues };
}

/** The trees of an iteration add to outputs that differ. */
function iterationEnd({ treeOutputs }: Forest, first: number): number {
  const seen = new Set<number>();
  let end = first;
  while (end < treeOutputs.length && !seen.has(treeOutputs[end])) seen.add(treeOutputs[end++]);
  return end;
}

function checkRefit({ loss, decay = 0.9, learningRate = 0.1, l2 = 1 }: RefitOptions): void {
  const { leafQuantile, perQuery, id } = lossOf(loss);
  if (leafQuantile !== undefined || perQuery) {
    throw new SoraError(
      'bad-option',
      `Leaves of a forest with loss ${id} cannot be refitted; train it anew.`,
      {
        details: { option: 'loss' },
      },
    );
  }
  for (const [option, value, lawful, limit] of [
    ['decay', decay, decay >= 0 && decay <= 1, 'from 0 to 1'],
    ['learningRate', learningRate, learningRate > 0 && learningRate <= 1, 'above 0 and at most 1'],
    ['l2', l2, l2 >= 0 && Number.isFinite(l2), 'a number of at least 0'],
  ] as const) {
    if (lawful) continue;
    throw new SoraError('bad-option', `Option ${option} is ${value}; it must be ${limit}.`, {
      details: { option },
    });
  }
}

/** Margins of a view, planes by output, and the trees that are in them. */
interface Standing {
  readonly fit: string;
  readonly margins: Float64Array;
  trees: number;
}

const standings = new WeakMap<DenseView, Standing>();
/** The forest of the refit that this thread is at. */
let known: { readonly fit: string; readonly forest: Forest } | undefined;

/**
 * Summary of gradients and Hessians by leaf; the parameters are the leaf values so far.
 * @byReference
 */
export function leafSums(options: Json, parameters?: Uint8Array): Summary<LeafSums, LeafSums, DenseView> {
  const shape = options as unknown as Shape;
  const { fit, outputs, features, first, end } = shape;
  if (known?.fit !== fit) {
    known = { fit, forest: decodeForest(Buffer.from(shape.forest, 'base64'), { outputs, features }) };
  }
  const bytes = (parameters as Uint8Array).slice();
  const forest = { ...known.forest, leafValues: new Float64Array(bytes.buffer) };
  const nodes = forest.starts[end] - forest.starts[first];
  return {
    id: 'tree-leaf-sums/1',
    empty: () => new Float64Array(2 * nodes),
    observe: (state, view) => addLeaves(state, view, forest, shape),
    merge(into, from) {
      for (let i = 0; i < into.length; i++) into[i] += from[i];
    },
    read: (state) => state,
    codec: taggedCodec(
      'tree-leaf-sums/1',
      (writer, state) => writer.f64s(state),
      (reader) => reader.f64s(),
    ),
  };
}

function addLeaves(state: LeafSums, view: DenseView, forest: Forest, { fit, loss, first, end }: Shape): void {
  const margins = marginsUpTo(view, forest, fit, first);
  const { rows, values, stride, labels, weights } = view;
  const { starts, treeOutputs, outputs } = forest;
  runKernels((run) => {
    const sums = new Float64Array(state.length);
    const seen = { rows, margins, labels, weights };
    const { evaluate, residuals, curvatures, stride: plane } = evaluator(run, seen, lossOf(loss), outputs);
    for (let start = 0; start < rows; start += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - start);
      evaluate(start, count);
      for (let tree = first; tree < end; tree++) {
        const at = treeOutputs[tree] * plane;
        for (let i = 0; i < count; i++) {
          const leaf = 2 * (leafOf(forest, starts[tree], values, stride, start + i) - starts[first]);
          sums[leaf] += residuals[at + i];
          sums[leaf + 1] += curvatures[at + i];
        }
      }
    }
    return sums;
  }).forEach((sum, i) => {
    state[i] += sum;
  });
}

/** Margins with the first `trees` trees, at the leaf values as they are now. */
function marginsUpTo(view: DenseView, forest: Forest, fit: string, trees: number): Float64Array {
  const { rows, values, stride, offsets } = view;
  const { outputs, base, starts, treeOutputs, leafValues } = forest;
  let standing = standings.get(view);
  if (standing?.fit !== fit || standing.trees > trees) {
    standing = { fit, trees: 0, margins: new Float64Array(rows * outputs) };
    for (let k = 0; k < outputs; k++) {
      for (let row = 0; row < rows; row++) standing.margins[k * rows + row] = base[k] + (offsets?.[row] ?? 0);
    }
    standings.set(view, standing);
  }
  const { margins } = standing;
  for (; standing.trees < trees; standing.trees++) {
    const root = starts[standing.trees];
    const at = treeOutputs[standing.trees] * rows;
    for (let row = 0; row < rows; row++) {
      margins[at + row] += leafValues[leafOf(forest, root, values, stride, row)];
    }
  }
  return margins;
}

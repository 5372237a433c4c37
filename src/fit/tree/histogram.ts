/**
 * Histograms of the nodes a round asks for, as a summary over binned views: sums of quantized gradients and Hessians by
 * feature and bin. The sums are integers, so any order of merging gives the same bits, and a worker adds all of its
 * particles into one state. Throws {@link notFollowed} where a view cannot be brought to where the round stands.
 *
 *     state: i32 [ask][feature][bin][Hessian, gradient] …, rows of each node asked
 */
import type { Json } from '../../json.ts';
import { type KernelRun, runKernels } from '../../kernel/mode.ts';
import { addHistogram, FEATURE_WORDS } from '../../kernel/tree.ts';
import type { Reference } from '../../run/reference.ts';
import type { Summary } from '../../summary/summary.ts';
import { bringOrder, rowsOf } from './desk.ts';
import { decodeRound, type HistogramRound } from './round.ts';
import type { BinnedView } from './view.ts';

/** Histograms by node asked. */
export interface Histograms {
  /** {@link FEATURE_WORDS} × width words a node. */
  readonly words: Int32Array;
  readonly rows: Int32Array;
}

/** Names {@link histograms} of so many nodes, for views of this width. */
export function histogramsReference(width: number, asked: number): Reference {
  return { module: import.meta.url, name: 'histograms', options: { width, asked } };
}

/**
 * Summary of the histograms that the round's parameters ask for.
 * @byReference
 */
export function histograms(
  options: Json,
  parameters?: Uint8Array,
): Summary<Int32Array, Histograms, BinnedView> {
  const { width, asked } = options as { width: number; asked: number };
  const size = width * FEATURE_WORDS;
  // Decoded where it is wanted: the session merges and reads, and need not know the round.
  let known: HistogramRound | undefined;
  const round = () => (known ??= decodeRound<HistogramRound>(parameters as Uint8Array));
  return {
    id: `tree-histograms/1 ${width}`,
    empty: () => new Int32Array(asked * size + asked),
    observe: (state, view) => addAll(state, [view], round(), size),
    observeAll: (state, views) => addAll(state, views, round(), size),
    merge(into, from) {
      for (let i = 0; i < into.length; i++) into[i] += from[i];
    },
    read: (state) => ({
      words: state.subarray(0, asked * size),
      rows: state.subarray(asked * size, asked * size + asked),
    }),
    // In place, both ways: rounds are not kept, and half a megabyte a task is worth no copy.
    codec: {
      encode: (state) => new Uint8Array(state.buffer, state.byteOffset, state.byteLength),
      decode: (bytes) =>
        bytes.byteOffset % 4 === 0
          ? new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4)
          : new Int32Array(bytes.slice().buffer),
    },
  };
}

function addAll(state: Int32Array, views: readonly BinnedView[], round: HistogramRound, size: number): void {
  const desks = views.map((view) => bringOrder(view, round));
  round.ask.forEach((node, at) => {
    runKernels((run) => {
      const sums = run.zeros(Int32Array, size);
      let count = 0;
      views.forEach((view, i) => {
        const rows = rowsOf(view, desks[i], node);
        addView(run, view, round.output, rows, sums);
        count += rows.length;
      });
      addWords(state, at * size, sums);
      state[round.ask.length * size + at] += count;
    });
  });
}

function addView(run: KernelRun, view: BinnedView, output: number, rows: Uint32Array, sums: Int32Array) {
  const quantized = view.quantized.subarray(output * view.rows, (output + 1) * view.rows);
  addHistogram(run, view, rows, quantized, sums);
}

function addWords(into: Int32Array, at: number, from: Int32Array): void {
  for (let i = 0; i < from.length; i++) into[at + i] += from[i];
}

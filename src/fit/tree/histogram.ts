/**
 * Histograms of the nodes a round asks for, as a summary over binned views: sums of quantized gradients and Hessians by
 * feature and bin. The sums are integers, so any order of merging gives the same bits, and a worker adds all of its
 * particles into one state. Throws {@link notFollowed} where a view cannot be brought to where the round stands.
 *
 *     state: i32 [ask][feature][bin][Hessian, gradient] …, rows of each node asked
 */
import type { Json } from '../../json.ts';
import { runKernels } from '../../kernel/mode.ts';
import { addHistogram, addWords, FEATURE_WORDS } from '../../kernel/tree.ts';
import type { Reference } from '../../run/reference.ts';
import type { InputNotes, Summary } from '../../summary/summary.ts';
import { withOrder } from './desk.ts';
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
    empty: (memory) => words(memory?.take(4 * (asked * size + asked)) ?? 4 * (asked * size + asked)),
    observe: (state, view, notes) => addAll(state, [view], round(), size, notes),
    observeAll: (state, views) => addAll(state, views, round(), size),
    merge: addWords,
    read: (state) => ({
      words: state.subarray(0, asked * size),
      rows: state.subarray(asked * size, asked * size + asked),
    }),
    // In place, both ways: rounds are not kept, and half a megabyte a task is worth no copy.
    codec: {
      encode: (state) => new Uint8Array(state.buffer, state.byteOffset, state.byteLength),
      decode: (bytes) => words(bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()),
    },
  };
}

function words(bytes: Uint8Array | number): Int32Array {
  if (typeof bytes === 'number') return new Int32Array(bytes / 4);
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/**
 * View by view, since the rows of a particle then stay in the second-level cache for all nodes that are asked; as many
 * nodes at a time as have room in scratch.
 */
function addAll(
  state: Int32Array,
  views: readonly BinnedView[],
  round: HistogramRound,
  size: number,
  notes?: InputNotes,
): void {
  const { ask } = round;
  const together = Math.max(1, Math.floor(MOST_SCRATCH / (4 * size)));
  for (let from = 0; from < ask.length; from += together) {
    const nodes = ask.slice(from, from + together);
    // Desks first: what scratch they take is given back.
    const rows = views.map((view) => withOrder(view, round, notes, (rowsOf) => nodes.map(rowsOf)));
    runKernels((run) => {
      const sums = nodes.map(() => run.zeros(Int32Array, size));
      const counts = new Int32Array(nodes.length);
      views.forEach((view, v) => {
        rows[v].forEach((order, i) => {
          addHistogram(run, view, order, sums[i]);
          counts[i] += typeof order === 'number' ? order : order.length;
        });
      });
      sums.forEach((sum, i) => {
        addWords(state.subarray((from + i) * size, (from + i + 1) * size), sum);
        state[ask.length * size + from + i] += counts[i];
      });
    });
  }
}

/** Bytes of histograms that are summed at a time. */
const MOST_SCRATCH = 2 ** 20;

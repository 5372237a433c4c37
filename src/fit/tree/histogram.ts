/**
 * Histograms of the nodes a round asks for, as a summary over binned views: sums of quantized gradients and Hessians by
 * feature and bin. The sums are integers, so any order of merging gives the same bits, and a worker adds all of its
 * particles into one state. Throws {@link notFollowed} where a view cannot be brought to where the round stands.
 *
 *     state: i32 [ask of every tree][feature][bin][Hessian, gradient] …, rows of each node asked
 */
import type { Json } from '../../json.ts';
import { runKernels } from '../../kernel/mode.ts';
import {
  addHistograms,
  addRoots,
  addWords,
  FEATURE_WORDS,
  gatherSums,
  type NodeRanges,
  PAIR_WORDS,
  SPREAD_WORDS,
  unzipSums,
} from '../../kernel/tree.ts';
import type { Reference } from '../../run/reference.ts';
import type { InputNotes, StateMemory, Summary } from '../../summary/summary.ts';
import { bringToRound, orderOf, slotOf } from './desk.ts';
import { decodeRound, type GrowthRound } from './round.ts';
import type { BinnedView } from './view.ts';

/** Histograms by node asked. */
export interface Histograms {
  /** {@link FEATURE_WORDS} × codes words a node. */
  readonly words: Int32Array;
  readonly rows: Int32Array;
}

/** Names {@link histograms} of so many nodes, for views whose records have so many bins. */
export function histogramsReference(codes: number, asked: number): Reference {
  return { module: import.meta.url, name: 'histograms', options: { codes, asked } };
}

/**
 * Summary of the histograms that the round's parameters ask for.
 * @byReference
 */
export function histograms(
  options: Json,
  parameters?: Uint8Array,
): Summary<Int32Array, Histograms, BinnedView> {
  const { codes, asked } = options as { codes: number; asked: number };
  const size = codes * FEATURE_WORDS;
  // Decoded where it is wanted: the session merges and reads, and need not know the round.
  let known: GrowthRound | undefined;
  const round = () => (known ??= decodeRound<GrowthRound>(parameters as Uint8Array));
  return {
    id: `tree-histograms/2 ${codes}`,
    empty: (memory) => blankState(4 * (asked * size + asked), memory),
    observe: (state, view, notes) => addAll(state, [view], round(), codes, notes),
    observeAll: (state, views) => addAll(state, views, round(), codes),
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

/** States whose memory has something else in it, until the first views are written to them. */
const blanks = new WeakSet<Int32Array>();

function blankState(bytes: number, memory?: StateMemory): Int32Array {
  if (memory === undefined) return new Int32Array(bytes / 4);
  const state = words(memory.take(bytes));
  blanks.add(state);
  return state;
}

function words(bytes: Uint8Array): Int32Array {
  return new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/**
 * View by view, since the rows of a particle then stay in the second-level cache for all nodes that are asked; as many
 * nodes at a time as have room in scratch.
 */
function addAll(
  state: Int32Array,
  views: readonly BinnedView[],
  round: GrowthRound,
  codes: number,
  notes?: InputNotes,
): void {
  const size = codes * FEATURE_WORDS;
  const spreadSize = codes * SPREAD_WORDS;
  // Desks first: what scratch they take is given back.
  const ranges = views.map((view) => bringToRound(view, round, notes));
  const outputs = round.trees.flatMap(({ output, ask }) => ask.map(() => output));
  const asked = outputs.length;
  const isBlank = blanks.delete(state);
  const counts = state.subarray(asked * size);
  if (isBlank) counts.fill(0);
  for (const one of ranges) for (let i = 0; i < asked; i++) counts[i] += one[2 * i + 1];
  const together = Math.max(1, Math.floor(MOST_SCRATCH / (4 * spreadSize)));
  for (let from = 0; from < asked; from += together) {
    const to = Math.min(asked, from + together);
    runKernels((run) => {
      const spread = run.zeros(Int32Array, (to - from) * spreadSize);
      const parts = partsOf(outputs, ranges, from, to).map((part) => ({
        ...part,
        sums: spread.subarray((part.start - from) * spreadSize, (part.end - from) * spreadSize),
        ...(part.isPair ? { pair: run.zeros(Int32Array, codes * PAIR_WORDS) } : {}),
      }));
      views.forEach((view, v) => {
        for (const { start, end, sums, pair } of parts) {
          const slot = slotOf(view, outputs[start]);
          const own = ranges[v].subarray(2 * start, 2 * end);
          if (pair) addRoots(run, view, [slot, slotOf(view, outputs[start + 1])], own[1], pair);
          else addHistograms(run, view, slot, orderOf(view, slot), own, sums);
        }
      });
      for (const { sums, pair } of parts) {
        if (pair) unzipSums(run, pair, sums, sums.subarray(spreadSize));
      }
      const sums = gatherSums(run, spread);
      if (isBlank) state.set(sums, from * size);
      for (let at = 0; at < sums.length && !isBlank; at += size) {
        addWords(state.subarray(from * size + at, from * size + at + size), sums.subarray(at, at + size));
      }
    });
  }
}

/** Nodes [start, end) of those that are asked: of one tree, or a pair of roots. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly isPair: boolean;
}

function partsOf(
  outputs: readonly number[],
  ranges: readonly NodeRanges[],
  from: number,
  to: number,
): Part[] {
  const isRoot = (i: number): boolean => i < to && ranges.every((one) => one[2 * i] < 0);
  const parts: Part[] = [];
  for (let start = from, end = from; start < to; start = end) {
    const isPair = isRoot(start) && isRoot(start + 1);
    if (isPair) end = start + 2;
    else while (end < to && outputs[end] === outputs[start]) end++;
    parts.push({ start, end, isPair });
  }
  return parts;
}

/** Bytes of histograms that are summed at a time. */
const MOST_SCRATCH = 2 ** 20;

/**
 * Leaf values that are quantiles of residuals, for losses whose best leaf is one (Friedman 2001, algorithm 3; LightGBM
 * and scikit-learn renew leaves alike). The quantile of each leaf is found among residuals rounded to f32, by the bytes
 * of keys that sort as they do, the highest first: four rounds, each a summary of weights by byte. So it is exact,
 * however the data is cut: the middle of the least residual at or below which the share of the weight lies, and the
 * least below which more than it lies. The two differ where the share falls between two rows.
 *
 *     state: f64 [leaf][byte], weights of the rows whose key begins with the leaf's prefix
 */
import type { Json } from '../../json.ts';
import type { Reference } from '../../run/reference.ts';
import { taggedCodec } from '../../summary/codec.ts';
import { keyOf, scoreOf } from '../../summary/score-histogram.ts';
import type { InputNotes, Summary } from '../../summary/summary.ts';
import { bringToRound, orderOf, slotOf } from './desk.ts';
import { decodeRound, type GrowthRound } from './round.ts';
import type { BinnedView } from './view.ts';

const BYTES = 4;

/** A round that asks where the quantile of each leaf lies: the leaves are what is asked of its one tree. */
export interface RenewRound extends GrowthRound {
  /** Bytes that are known. */
  readonly level: number;
  /** By leaf, those bytes. */
  readonly prefixes: readonly number[];
}

/** Names {@link leafBytes} of so many leaves. */
export function leafBytesReference(leaves: number): Reference {
  return { module: import.meta.url, name: 'leafBytes', options: { leaves } };
}

/**
 * Summary of residual keys by leaf.
 * @byReference
 */
export function leafBytes(
  options: Json,
  parameters?: Uint8Array,
): Summary<Float64Array, Float64Array, BinnedView> {
  const { leaves } = options as { leaves: number };
  let known: RenewRound | undefined;
  const round = () => (known ??= decodeRound<RenewRound>(parameters as Uint8Array));
  return {
    id: 'tree-leaf-bytes/1',
    empty: () => new Float64Array(256 * leaves),
    observe: (state, view, notes) => addBytes(state, view, round(), notes),
    merge(into, from) {
      for (let i = 0; i < into.length; i++) into[i] += from[i];
    },
    read: (state) => state,
    codec: taggedCodec(
      'tree-leaf-bytes/1',
      (writer, state) => writer.f64s(state),
      (reader) => reader.f64s(),
    ),
  };
}

/** Rows that are held out to stop early do not count. O(rows) a round: about 5 ns each. */
function addBytes(state: Float64Array, view: BinnedView, round: RenewRound, notes?: InputNotes): void {
  const { labels, margins, weights, kept } = view;
  const shift = 8 * (BYTES - 1 - round.level);
  const ranges = bringToRound(view, round, notes, true);
  const order = orderOf(view, slotOf(view, round.trees[0].output));
  for (let leaf = 0; leaf < ranges.length / 2; leaf++) {
    const [start, count] = [ranges[2 * leaf], ranges[2 * leaf + 1]];
    const prefix = round.prefixes[leaf];
    // Leaves of a tree with a split: never the whole view.
    for (const row of order.subarray(start, start + count)) {
      if (kept !== undefined && kept[row] === 0) continue;
      const key = keyOf(labels[row] - margins[row]);
      if (round.level > 0 && key >>> (shift + 8) !== prefix) continue;
      state[256 * leaf + ((key >>> shift) & 255)] += weights === undefined ? 1 : weights[row];
    }
  }
}

/**
 * The quantile `share` of the residuals in each of these leaves of the tree in growth; 0 where a leaf has no weight.
 * `play` plays one round. Both residuals that the quantile lies between are sought, as one while they agree.
 */
export async function leafQuantiles(
  share: number,
  leaves: readonly number[],
  play: (ask: readonly number[], round: Pick<RenewRound, 'level' | 'prefixes'>) => Promise<Float64Array>,
): Promise<number[]> {
  const found = [...leaves, ...leaves].map((node, i) => ({
    ...{ node, prefix: 0, below: 0, target: 0, empty: false },
    isUpper: i >= leaves.length,
  }));
  for (let level = 0; level < BYTES; level++) {
    const apart = found.slice(leaves.length).filter(({ prefix }, i) => prefix !== found[i].prefix);
    const asked = [...found.slice(0, leaves.length), ...apart];
    const places = new Map(asked.map((leaf, at) => [leaf, at]));
    const nodes = asked.map(({ node }) => node);
    const sums = await play(nodes, { level, prefixes: asked.map(({ prefix }) => prefix) });
    found.forEach((leaf, i) => {
      const at = places.get(leaf) ?? i - leaves.length;
      const bytes = sums.subarray(256 * at, 256 * (at + 1));
      if (level === 0) leaf.target = share * bytes.reduce((sum, weight) => sum + weight, 0);
      const byte = byteAt(bytes, leaf.target - leaf.below, leaf.isUpper);
      if (byte < 0) leaf.empty = true;
      for (let b = 0; b < byte; b++) leaf.below += bytes[b];
      leaf.prefix = leaf.prefix * 256 + Math.max(0, byte);
    });
  }
  const values = found.map(({ prefix, empty }) => (empty ? 0 : scoreOf(prefix)));
  return leaves.map((_, i) => (values[i] + values[leaves.length + i]) / 2);
}

/** First byte up to which there is as much weight as wanted (or more), or the last with any; -1 where there is none. */
function byteAt(bytes: Float64Array, wanted: number, orMore: boolean): number {
  let [sum, last] = [0, -1];
  for (let byte = 0; byte < 256; byte++) {
    if (bytes[byte] === 0) continue;
    last = byte;
    sum += bytes[byte];
    if (orMore ? sum > wanted : sum >= wanted) break;
  }
  return last;
}

/**
 * Which features never leave their usual bins together, from every row of the view: as a summary of one bit a pair,
 * whose merge is "or", so that neither the order nor the cut of the rows can show. Only features that are in one bin
 * for more than half of a sample are looked at; where there are too few of them, no pass is made.
 */
import type { Json } from '../../json.ts';
import type { DenseView } from '../../particle/view.ts';
import { compiledModule, type Reference, resolveReference } from '../../run/reference.ts';
import type { Session, ViewKind } from '../../run/session.ts';
import type { Summary } from '../../summary/summary.ts';
import { binColumn, type FeatureBins, MOST_BINS } from './bins.ts';
import { type Candidate, layoutOf, type RecordLayout } from './layout.ts';

/** Most candidates: the state has a bit for each pair, 512 KiB. */
const MOST_CANDIDATES = 2048;
/** Values of a feature that its usual bin is chosen from. */
const LOOKED_AT = 4096;

/** A candidate with its usual bin, as a worker asks for it: a range of numbers, or what one has to bin. */
interface Asked {
  readonly feature: number;
  readonly usual: number;
  readonly edges: readonly number[];
  readonly count: number;
  readonly categorical: boolean;
}

/** One bit a row and candidate: 1 where the row is not in the usual bin. Row r from word r · words. */
interface Unusual {
  readonly bits: Uint32Array;
  readonly words: number;
}

/** The layout of records for this view; undefined where nothing is gained. `samples` are present values by feature. */
export async function chooseLayout(
  session: Session,
  view: Reference,
  bins: readonly FeatureBins[],
  samples: readonly Float32Array[],
): Promise<RecordLayout | undefined> {
  const candidates = candidatesOf(bins, samples);
  if (candidates.length < 3) return undefined;
  const asked = candidates.map(({ feature, usual }): Asked => {
    const { edges, count, categorical } = bins[feature];
    return { feature, usual, edges: [...edges], count, categorical };
  });
  const words = Math.ceil(candidates.length / 32);
  const { value } = await session.reduce<unknown, Uint32Array>({
    summary: { module: import.meta.url, name: 'together', options: { words } },
    view: {
      module: import.meta.url,
      name: 'unusualView',
      options: { view, asked, words } as unknown as Json,
    },
    label: 'bins',
  });
  return layoutOf(bins, candidates, value, words);
}

/** Features that are mostly in one bin; the rarest to leave it where they are too many. O(features). */
function candidatesOf(bins: readonly FeatureBins[], samples: readonly Float32Array[]): Candidate[] {
  const rows = Math.max(0, ...samples.map((values) => values.length));
  const found: Candidate[] = [];
  samples.forEach((values, feature) => {
    const candidate = usualOf(bins[feature], values, rows);
    // As many bins as a byte has codes leave no room for another feature.
    if (candidate.share < 0.5 && bins[feature].count < MOST_BINS) found.push({ feature, ...candidate });
  });
  return found
    .sort((a, b) => a.share - b.share || a.feature - b.feature)
    .slice(0, MOST_CANDIDATES)
    .sort((a, b) => a.feature - b.feature);
}

function usualOf(bins: FeatureBins, values: Float32Array, rows: number): Omit<Candidate, 'feature'> {
  const step = Math.max(1, Math.ceil(values.length / LOOKED_AT));
  const few = values.filter((_, i) => i % step === 0);
  const binned = new Uint8Array(few.length);
  binColumn(bins, few, binned);
  const counts = new Float64Array(MOST_BINS + 1);
  for (const bin of binned) counts[bin] += step;
  counts[bins.count] += Math.max(0, rows - values.length);
  let usual = 0;
  for (let bin = 1; bin <= bins.count; bin++) if (counts[bin] > counts[usual]) usual = bin;
  const all = counts.reduce((sum, count) => sum + count, 0);
  return { usual, share: all > 0 ? 1 - counts[usual] / all : 1 };
}

/**
 * View kind of which candidates are not in their usual bins, over a dense view.
 * @byReference
 */
export async function unusualView(options: Json): Promise<ViewKind<Unusual>> {
  const { view, asked, words } = options as unknown as { view: Reference; asked: Asked[]; words: number };
  const module = import.meta.url.endsWith('.ts') ? view.module : compiledModule(view.module);
  const inner = await resolveReference<ViewKind<DenseView>>({ ...view, module });
  const candidates = asked.map(({ edges, ...rest }) => ({ ...rest, edges: Float32Array.from(edges) }));
  return {
    id: `unusual/1 ${words} ${inner.id}`,
    kept: false,
    derive: (particle, memory) => unusualOf(inner.derive(particle, memory), candidates, words),
  };
}

function unusualOf(
  { rows, stride, values }: DenseView,
  candidates: readonly (FeatureBins & Pick<Asked, 'feature' | 'usual'>)[],
  words: number,
): Unusual {
  const bits = new Uint32Array(rows * words);
  const binned = new Uint8Array(rows);
  candidates.forEach(({ feature, usual, ...bins }, i) => {
    binColumn(bins, values.subarray(feature * stride, feature * stride + rows), binned);
    const bit = 1 << (i & 31);
    for (let r = 0, at = i >> 5; r < rows; r++, at += words) if (binned[r] !== usual) bits[at] |= bit;
  });
  return { bits, words };
}

/**
 * Summary of which candidates are unusual together: bit j of row i, where they are in some row. Reads as that matrix.
 * @byReference
 */
export function together(options: Json): Summary<Uint32Array, Uint32Array, Unusual> {
  const { words } = options as { words: number };
  return {
    id: `tree-together/1 ${words}`,
    empty: () => new Uint32Array(32 * words * words),
    observe: (state, view) => noteRows(state, view),
    merge(into, from) {
      for (let i = 0; i < into.length; i++) into[i] |= from[i];
    },
    read: (state) => state,
    codec: {
      encode: (state) => new Uint8Array(state.buffer, state.byteOffset, state.byteLength).slice(),
      decode: (bytes) => new Uint32Array(bytes.slice().buffer),
    },
  };
}

/** O(rows × words, and as much again for each unusual bin). */
function noteRows(state: Uint32Array, { bits, words }: Unusual): void {
  for (let start = 0; start < bits.length; start += words) {
    for (let w = 0; w < words; w++) {
      for (let rest = bits[start + w]; rest !== 0; rest &= rest - 1) {
        const row = (32 * w + 31 - Math.clz32(rest & -rest)) * words;
        for (let v = 0; v < words; v++) state[row + v] |= bits[start + v];
      }
    }
  }
}

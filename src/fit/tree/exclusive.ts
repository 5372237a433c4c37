/**
 * Which features never leave their usual bins together, from every row of the view: as a summary of one bit a pair,
 * whose merge is "or", so that neither the order nor the cut of the rows can show. A sample tells first which features
 * are worth looking at, which exclude each other evidently, and whether a pass over all rows, which decodes them once
 * more, is likely to be saved again.
 */
import type { Json } from '../../json.ts';
import type { DenseView } from '../../particle/view.ts';
import { compiledModule, type Reference, resolveReference } from '../../run/reference.ts';
import type { Session, ViewKind } from '../../run/session.ts';
import type { Summary } from '../../summary/summary.ts';
import { binColumn, type FeatureBins, MOST_BINS } from './bins.ts';
import { bundlesOf, type Candidate, layoutOf, type RecordLayout } from './layout.ts';

/** Most candidates: the state has a bit for each pair, 512 KiB. */
const MOST_CANDIDATES = 2048;
/**
 * A pass takes 13–25 ns a value, and a tree adds a value of each row two or three times, at about 0.75 ns: so many trees
 * pay for a pass that saves all bytes but one.
 */
const PASS_COST = 10;

/** A candidate and its bins, as a worker is told. */
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

/** How records are laid out, and whether that is known to suit every row, or only those of the sample. */
export interface ChosenLayout {
  /** Absent: every feature has a byte to itself. */
  readonly layout: RecordLayout | undefined;
  readonly isSure: boolean;
}

/**
 * The layout of records for a fit of so many trees. Bundles of what should have met in the sample and never did are taken as
 * they are, for the binning to see whether they suit the other rows; with more of them to be had, if that pays, or if
 * `everyRow`, a pass over all rows finds out. `samples` are values by feature, NaN where missing, rows in the same order
 * for all.
 */
export async function chooseLayout(
  session: Session,
  view: Reference,
  bins: readonly FeatureBins[],
  samples: readonly Float32Array[],
  trees: number,
  everyRow = false,
): Promise<ChosenLayout> {
  const { candidates, conflicts, words } = candidatesIn(bins, samples);
  const likely = bundlesOf(bins, candidates, conflicts, words);
  const evident = everyRow ? [] : bundlesOf(bins, candidates, conflicts, words, samples[0].length);
  const saved = bytesOf(bins, evident) - bytesOf(bins, likely);
  if (saved <= 0 || saved * trees < PASS_COST * bins.length)
    return { layout: layoutOf(bins, evident), isSure: evident.length === 0 };
  const bundled = new Set(likely.flatMap(({ members }) => members.map(({ feature }) => feature)));
  const asked = candidates.filter(({ feature }) => bundled.has(feature));
  return { layout: layoutOf(bins, await exactBundles(session, view, bins, asked)), isSure: true };
}

/** Bundles of candidates that never leave their usual bins together in any row. */
async function exactBundles(
  session: Session,
  view: Reference,
  bins: readonly FeatureBins[],
  candidates: readonly Candidate[],
): Promise<ReturnType<typeof bundlesOf>> {
  const asked = candidates.map(({ feature, usual }): Asked => {
    const { edges, count, categorical } = bins[feature];
    return { feature, usual, edges: [...edges], count, categorical };
  });
  const words = wordsOf(candidates);
  const { value } = await session.reduce<unknown, Uint32Array>({
    summary: { module: import.meta.url, name: 'together', options: { words } },
    view: {
      module: import.meta.url,
      name: 'unusualView',
      options: { view, asked, words } as unknown as Json,
    },
    label: 'bins',
  });
  return bundlesOf(bins, candidates, value, words);
}

/** Candidates, and which of them leave their usual bins together in the sample. */
function candidatesIn(
  bins: readonly FeatureBins[],
  samples: readonly Float32Array[],
): { candidates: Candidate[]; conflicts: Uint32Array; words: number } {
  const binned = samples.map((values, f) => {
    const out = new Uint8Array(values.length);
    binColumn(bins[f], values, out);
    return out;
  });
  const candidates = candidatesOf(bins, binned);
  const words = wordsOf(candidates);
  const bits = new Uint32Array(binned[0].length * words);
  candidates.forEach(({ feature, usual }, i) => {
    markUnusual(bits, words, i, binned[feature], usual);
  });
  const conflicts = new Uint32Array(32 * words * words);
  noteRows(conflicts, { bits, words });
  return { candidates, conflicts, words };
}

const bytesOf = (...given: Parameters<typeof layoutOf>): number =>
  layoutOf(...given)?.columns ?? given[0].length;
const wordsOf = (candidates: readonly Candidate[]): number => Math.ceil(candidates.length / 32);

/** Features that are mostly in one bin; the rarest to leave it where they are too many. O(values). */
function candidatesOf(bins: readonly FeatureBins[], binned: readonly Uint8Array[]): Candidate[] {
  const found: Candidate[] = [];
  binned.forEach((values, feature) => {
    const candidate = usualOf(values);
    // As many bins as a byte has codes leave no room for another feature.
    if (candidate.share < 0.5 && bins[feature].count < MOST_BINS) found.push({ feature, ...candidate });
  });
  return found
    .sort((a, b) => a.share - b.share || a.feature - b.feature)
    .slice(0, MOST_CANDIDATES)
    .sort((a, b) => a.feature - b.feature);
}

function usualOf(binned: Uint8Array): Omit<Candidate, 'feature'> {
  const counts = new Uint32Array(MOST_BINS + 1);
  for (const bin of binned) counts[bin]++;
  let usual = 0;
  for (let bin = 1; bin <= MOST_BINS; bin++) if (counts[bin] > counts[usual]) usual = bin;
  return { usual, share: 1 - counts[usual] / Math.max(1, binned.length) };
}

/** Sets the bit of candidate `i` in the rows where it is not in its usual bin. */
function markUnusual(bits: Uint32Array, words: number, i: number, binned: Uint8Array, usual: number): void {
  const bit = 1 << (i & 31);
  for (let r = 0, at = i >> 5; r < binned.length; r++, at += words) if (binned[r] !== usual) bits[at] |= bit;
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
    markUnusual(bits, words, i, binned, usual);
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

/**
 * Which byte of a record has the bin of which feature. Features of which no two leave their usual bin in the same row
 * (one-hot columns, say) share a byte, so that one addition to a histogram serves them all: exclusive feature bundling
 * (Ke et al. 2017, section 4), without conflicts, so that every sum, and every tree, is what it is without bundles.
 *
 *     byte of a bundle: 0 where every member is in its usual bin, else `first` + the bin of the one that is not,
 *     its usual bin left out of the count
 *     sums of a usual bin: those of the node, which any byte has, less those of the member's other bins
 */
import { quantByte } from '../../kernel/tree.ts';
import { PLACE_WORDS } from '../../kernel/tree-search.ts';
import type { FeatureBins } from './bins.ts';

/** Where the bins of one feature are found. */
export interface Place {
  /** Byte of the record. */
  readonly column: number;
  /** In a bundle: the code of its first bin that is not the usual one, and that bin; absent: the byte is the bin. */
  readonly first?: number;
  readonly usual?: number;
}

/** Bytes of a record, padding not counted, and the place of each feature; absent where nothing is bundled: `column` = f. */
export interface RecordLayout {
  readonly columns: number;
  readonly places: readonly Place[];
}

/** A feature that may share a byte. */
export interface Candidate {
  readonly feature: number;
  /** The bin that most rows are in. */
  readonly usual: number;
  /** Share of the rows that are in another one, about. */
  readonly share: number;
}

/** Codes of a byte. */
const CODES = 256;

/**
 * Bundles of candidates that never leave their usual bins together: the least usual first, each into the first bundle
 * that has room and nothing against it (Ke et al. 2017, algorithm 3, without conflicts). `conflicts` has a row of
 * `words` words a candidate: bit j of row i is set where candidates i and j both left theirs. Undefined where no record
 * would be shorter. O(candidates × bundles × words).
 */
export function layoutOf(
  bins: readonly FeatureBins[],
  candidates: readonly Candidate[],
  conflicts: Uint32Array,
  words: number,
): RecordLayout | undefined {
  const bundles: { members: number[]; mask: Uint32Array; codes: number }[] = [];
  const order = candidates.map((_, i) => i);
  order.sort((a, b) => candidates[b].share - candidates[a].share || a - b);
  for (const i of order) {
    const row = conflicts.subarray(i * words, (i + 1) * words);
    const { count } = bins[candidates[i].feature];
    let bundle = bundles.find(
      ({ mask, codes }) => codes + count <= CODES && row.every((word, w) => (word & mask[w]) === 0),
    );
    if (bundle === undefined) {
      bundle = { members: [], mask: new Uint32Array(words), codes: 1 };
      bundles.push(bundle);
    }
    bundle.members.push(i);
    bundle.mask[i >> 5] |= 1 << (i & 31);
    bundle.codes += count;
  }
  const shared = bundles.filter(({ members }) => members.length > 1);
  const saved = shared.reduce((sum, { members }) => sum + members.length - 1, 0);
  if (quantByte({ codes: bins.length - saved }, 0) === quantByte({ codes: bins.length }, 0)) return undefined;
  const places: Place[] = new Array(bins.length);
  shared.forEach(({ members }, column) => {
    let first = 1;
    for (const i of members) {
      const { feature, usual } = candidates[i];
      places[feature] = { column, first, usual };
      first += bins[feature].count;
    }
  });
  let columns = shared.length;
  for (let f = 0; f < bins.length; f++) places[f] ??= { column: columns++ };
  return { columns, places };
}

/** Code of each bin of a feature in its byte, where that bin is not the usual one. */
function codesOf({ first = 0, usual = -1 }: Place, bins: number): Uint8Array {
  return Uint8Array.from({ length: bins + 1 }, (_, bin) => first + bin - (usual >= 0 && bin > usual ? 1 : 0));
}

/** The columns of records from those of features, rows apart by 1. O(rows × features). */
export function sharedColumns(
  columns: Uint8Array,
  rows: number,
  { columns: count, places }: RecordLayout,
  bins: readonly FeatureBins[],
): Uint8Array {
  const out = new Uint8Array(rows * count);
  places.forEach((place, f) => {
    const from = columns.subarray(f * rows, (f + 1) * rows);
    const to = out.subarray(place.column * rows, (place.column + 1) * rows);
    if (place.usual === undefined) {
      to.set(from);
      return;
    }
    const { usual } = place;
    const codes = codesOf(place, bins[f].count);
    for (let r = 0; r < rows; r++) if (from[r] !== usual) to[r] = codes[from[r]];
  });
  return out;
}

/** Where the bins of each feature are found, as the search for splits has it: {@link PLACE_WORDS} words a feature. */
export function placesOf(bins: readonly FeatureBins[], layout: RecordLayout | undefined): Int32Array {
  const words = new Int32Array(PLACE_WORDS * bins.length);
  bins.forEach(({ count }, f) => {
    const { column, first = -1, usual = -1 } = layout?.places[f] ?? { column: f };
    words.set([column, count, first, usual], PLACE_WORDS * f);
  });
  return words;
}

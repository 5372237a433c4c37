/**
 * Which byte of a record has the bin of which feature, so that one addition to a histogram serves several. Both ways are
 * exact: every sum, and every tree, is what it is with a byte a feature.
 *
 *     exclusive: features of which no two leave their usual bin in the same row (one-hot columns, say) share a digit:
 *         0 where every member is in its usual bin, else `first` + the bin of the one that is not, its usual bin left out
 *         of the count. Sums of a usual bin: those of the node, less those of the member's other bins. Exclusive feature
 *         bundling (Ke et al. 2017, section 4), without conflicts.
 *     packed: digits with few codes, of a bundle or one feature, share a byte: digit · divisor, added up. Sums of a digit:
 *         those of all bytes that have it.
 */
import { SoraError } from '../../errors.ts';
import { BYTE_BINS, type ByteAdds, packBytes } from '../../kernel/tree.ts';
import { PLACE_WORDS } from '../../kernel/tree-search.ts';
import type { FeatureBins } from './bins.ts';

/** Where the bins of one feature are found. */
export interface Place {
  /** Byte of the record. */
  readonly column: number;
  /** Its digit of the byte: ⌊byte / divisor⌋ mod radix; absent: the byte has no other. */
  readonly divisor?: number;
  readonly radix?: number;
  /** In a bundle: the code of its first bin that is not the usual one, and that bin; absent: the digit is the bin. */
  readonly first?: number;
  readonly usual?: number;
}

/** Bytes of a record, padding not counted, and the place of each feature. */
export interface RecordLayout {
  readonly columns: number;
  readonly places: readonly Place[];
}

/** A feature that may share a digit. */
export interface Candidate {
  readonly feature: number;
  /** The bin that most rows are in. */
  readonly usual: number;
  /** Share of the rows that are in another one, about. */
  readonly share: number;
}

/** Features that share a digit, of so many codes. */
interface Digit {
  readonly members: readonly { readonly feature: number; readonly first?: number; readonly usual?: number }[];
  readonly codes: number;
}

/** Codes of a byte. */
const CODES = 256;
/** So often features would have met by chance in rows where they never did, that they are taken to exclude each other. */
const EVIDENCE = 3;

/**
 * Bundles of candidates that never leave their usual bins together: the least usual first, each into the first bundle
 * that has room and nothing against it (Ke et al. 2017, algorithm 3, without conflicts). `conflicts` has a row of
 * `words` words a candidate: bit j of row i is set where candidates i and j both left theirs. What stands alone is not
 * listed. With `seen`, the rows that conflicts were looked for in, a bundle has only what would have met there by chance.
 * O(candidates × bundles × words).
 */
export function bundlesOf(
  bins: readonly FeatureBins[],
  candidates: readonly Candidate[],
  conflicts: Uint32Array,
  words: number,
  seen = Number.POSITIVE_INFINITY,
): Digit[] {
  const bundles: {
    members: Required<Digit['members'][number]>[];
    mask: Uint32Array;
    codes: number;
    share: number;
  }[] = [];
  const order = candidates.map((_, i) => i);
  order.sort((a, b) => candidates[b].share - candidates[a].share || a - b);
  for (const i of order) {
    const { feature, usual, share } = candidates[i];
    const row = conflicts.subarray(i * words, (i + 1) * words);
    const { count } = bins[feature];
    let bundle = bundles.find(
      ({ mask, codes, share: others }) =>
        codes + count <= CODES &&
        (seen === Number.POSITIVE_INFINITY || seen * share * others >= EVIDENCE) &&
        row.every((word, w) => (word & mask[w]) === 0),
    );
    if (bundle === undefined) {
      bundle = { members: [], mask: new Uint32Array(words), codes: 1, share: 0 };
      bundles.push(bundle);
    }
    bundle.members.push({ feature, usual, first: bundle.codes });
    bundle.mask[i >> 5] |= 1 << (i & 31);
    bundle.codes += count;
    bundle.share += share;
  }
  return bundles.filter(({ members }) => members.length > 1);
}

/**
 * The layout with these bundles, digits packed into as few bytes as they go by putting the largest first, each where it
 * leaves least room (best fit decreasing). Undefined where every feature has a byte to itself. O(features²).
 */
export function layoutOf(
  bins: readonly FeatureBins[],
  bundles: readonly Digit[] = [],
): RecordLayout | undefined {
  const bundled = new Set(bundles.flatMap(({ members }) => members.map(({ feature }) => feature)));
  const alone = [...bins.keys()].filter((feature) => !bundled.has(feature));
  const digits: Digit[] = [
    ...bundles,
    // A code of its own is for missing values.
    ...alone.map((feature) => ({ members: [{ feature }], codes: bins[feature].count + 1 })),
  ].sort((a, b) => b.codes - a.codes);
  const bytes: { digits: Digit[]; codes: number }[] = [];
  for (const digit of digits) {
    const fitting = bytes.filter(({ codes }) => codes * digit.codes <= CODES);
    const byte = fitting.reduce((best, one) => (one.codes > best.codes ? one : best), fitting[0]);
    if (byte === undefined) bytes.push({ digits: [digit], codes: digit.codes });
    else {
      byte.digits.push(digit);
      byte.codes *= digit.codes;
    }
  }
  if (bytes.length === bins.length) return undefined;
  const places: Place[] = new Array(bins.length);
  bytes.forEach((byte, column) => {
    let divisor = 1;
    for (const { members, codes } of byte.digits) {
      const digit = byte.digits.length > 1 ? { divisor, radix: codes } : {};
      for (const { feature, ...rest } of members) places[feature] = { column, ...digit, ...rest };
      divisor *= codes;
    }
  });
  return { columns: bytes.length, places };
}

/** What each bin of a feature adds to its byte. */
function addsOf({ divisor = 1, radix = CODES, first, usual }: Place, bins: number): ByteAdds {
  const adds = new Uint8Array(BYTE_BINS);
  for (let bin = 0; bin <= bins; bin++) {
    if (first === undefined || usual === undefined) adds[bin] = divisor * bin;
    else if (bin !== usual) adds[bin] = divisor * (first + bin - (bin > usual ? 1 : 0));
  }
  return usual === undefined ? { adds } : { adds, shared: { usual, divisor, radix } };
}

/** Whether an error says that features which share a digit left their usual bins in the same row, from whichever thread. */
export function isLayoutConflict(error: unknown): boolean {
  return error instanceof SoraError && error.details.layoutConflict === true;
}

/**
 * The columns of records from those of features, rows apart by 1. Throws what {@link isLayoutConflict} knows.
 * O(rows × features).
 */
export function sharedColumns(
  columns: Uint8Array,
  rows: number,
  { columns: count, places }: RecordLayout,
  bins: readonly FeatureBins[],
): Uint8Array {
  const out = new Uint8Array(rows * count);
  const members = Array.from({ length: count }, (): (ByteAdds & { bins: Uint8Array })[] => []);
  places.forEach((place, f) => {
    members[place.column].push({
      ...addsOf(place, bins[f].count),
      bins: columns.subarray(f * rows, (f + 1) * rows),
    });
  });
  members.forEach((some, column) => {
    const byte = out.subarray(column * rows, (column + 1) * rows);
    if (some.length === 1) byte.set(some[0].bins);
    else if (!packBytes(some, byte)) throw layoutConflict(column);
  });
  return out;
}

function layoutConflict(column: number): SoraError {
  return new SoraError(
    'internal',
    `Two features that share a digit of byte ${column} of the records leave their usual bins in the same row.`,
    { details: { layoutConflict: true } },
  );
}

/** Where the bins of each feature are found, as the search for splits has it: {@link PLACE_WORDS} words a feature. */
export function placesOf(bins: readonly FeatureBins[], layout: RecordLayout | undefined): Int32Array {
  const words = new Int32Array(PLACE_WORDS * bins.length);
  bins.forEach(({ count }, f) => {
    const {
      column,
      first = -1,
      usual = -1,
      divisor = 1,
      radix = 0,
    }: Place = layout?.places[f] ?? { column: f };
    words.set([column, count, first, usual, divisor, radix], PLACE_WORDS * f);
  });
  return words;
}

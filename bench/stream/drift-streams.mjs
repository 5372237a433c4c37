/**
 * Streams with drift put in at known rows, from the literature, two classes:
 *   sea         Street & Kim, KDD 2001: three numbers in [0, 10), x₁ + x₂ ≤ θ, θ of 8, 9, 7, 9.5; 10 % of labels turned
 *   hyperplane  Hulten, Spencer & Domingos, KDD 2001: w · x against half of Σ w, ten numbers; other weights per concept
 *   sine        Gama, Medas, Castillo & Rodrigues, SBIA 2004: x₂ below sin x₁, its reverse, and two more curves (SINE1, SINE2)
 * abrupt: the concept changes from one row to the next; gradual: over `width` rows, each drawn from either by a sigmoid;
 * recurring: abrupt, between the first two concepts. Numbers are functions of (seed, row).
 */

export const CONCEPTS = ['sea', 'hyperplane', 'sine'];

/** Uniform numbers in [0, 1): xorshift-multiply mixing of (seed, stream, index). */
export function uniform(seed, stream, index) {
  let h =
    (Math.imul(seed + 1, 0x9e3779b1) ^
      Math.imul(stream + 1, 0x85ebca6b) ^
      Math.imul(index + 1, 0xc2b2ae35)) >>>
    0;
  for (const factor of [0x7feb352d, 0x846ca68b, 0x9e3779b1]) {
    h = Math.imul(h ^ (h >>> 16), factor) >>> 0;
    h = (h ^ (h >>> 15)) >>> 0;
  }
  return h / 2 ** 32;
}

const THRESHOLDS = [8, 9, 7, 9.5];

/** The plane of concept number `k`, computed once. */
const planes = new Map();
function hyperplaneOf(seed, k) {
  const key = `${seed} ${k}`;
  if (!planes.has(key)) {
    const weights = Array.from(
      { length: 10 },
      (_, i) => uniform(seed, 100 + k, i) * (uniform(seed, 200 + k, i) < 0.5 ? -1 : 1),
    );
    planes.set(key, { weights, half: weights.reduce((a, b) => a + b) / 2 });
  }
  return planes.get(key);
}

/** Numbers and label of a row under concept number `k`. */
const DRAW = {
  sea(seed, row, k) {
    const x = [0, 1, 2].map((i) => 10 * uniform(seed, i, row));
    const turned = uniform(seed, 9, row) < 0.1;
    return { x, y: Number(x[0] + x[1] <= THRESHOLDS[k % 4] !== turned) };
  },
  hyperplane(seed, row, k) {
    const x = Array.from({ length: 10 }, (_, i) => uniform(seed, i, row));
    const { weights, half } = hyperplaneOf(seed, k);
    const turned = uniform(seed, 19, row) < 0.05;
    return { x, y: Number(weights.reduce((sum, w, i) => sum + w * x[i], 0) >= half !== turned) };
  },
  sine(seed, row, k) {
    const x = [uniform(seed, 0, row), uniform(seed, 1, row)];
    const isWave = k % 4 >= 2;
    const curve = isWave ? 0.5 + 0.3 * Math.sin(3 * Math.PI * x[0]) : Math.sin(x[0]);
    return { x, y: Number(x[1] < curve !== (k % 2 === 1)) };
  },
};

/** Number of the concept that a row is drawn from. */
function conceptOf(kind, seed, row, { rows, period, width }) {
  const k = Math.floor(row / period);
  if (kind === 'recurring') return k % 2;
  if (kind === 'abrupt') return k;
  // Gradual: around each border the next concept comes more and more often.
  const border = Math.round(row / period) * period;
  if (border === 0 || border >= rows) return k;
  const share = 1 / (1 + Math.exp((-4 * (row - border)) / width));
  return border / period - (uniform(seed, 77, row) < share ? 0 : 1);
}

/** Rows `{ x, y }` of a stream whose concept changes every `period` rows. */
export function driftStream({ concept, kind, seed, rows, period, width = 1000 }) {
  return Array.from({ length: rows }, (_, row) =>
    DRAW[concept](seed, row, conceptOf(kind, seed, row, { rows, period, width })),
  );
}

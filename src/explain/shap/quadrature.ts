/**
 * Gauss–Legendre points and weights on [0, 1]: n points integrate polynomials of degree 2n − 1 exactly. Roots are found
 * by bisection between those of the next lower polynomial, with additions, products and divisions only, so that the
 * bits are the same on every machine. O(n³) once for each n.
 */

/** Points and weights of a rule. */
export interface Quadrature {
  readonly points: Float64Array;
  readonly weights: Float64Array;
}

const rules = new Map<number, Quadrature>();

/** The rule of `n` points. */
export function gaussLegendre(n: number): Quadrature {
  const known = rules.get(n);
  if (known) return known;
  const roots = legendreRoots(n);
  const weights = roots.map((x) => {
    const [value, before] = legendre(n, x);
    const slope = (n * (x * value - before)) / (x * x - 1);
    return 1 / ((1 - x * x) * slope * slope);
  });
  const rule = {
    points: Float64Array.from(roots, (x) => (1 + x) / 2),
    weights: Float64Array.from(weights),
  };
  rules.set(n, rule);
  return rule;
}

/** P_n and P_{n−1} at x, by their recurrence. */
function legendre(n: number, x: number): [number, number] {
  let [before, value] = [0, 1];
  for (let k = 0; k < n; k++) {
    [before, value] = [value, ((2 * k + 1) * x * value - k * before) / (k + 1)];
  }
  return [value, before];
}

/** Roots of P_n, ascending: one between each two of P_{n−1} and the ends. */
function legendreRoots(n: number): number[] {
  let roots: number[] = [];
  for (let degree = 1; degree <= n; degree++) {
    const ends = [-1, ...roots, 1];
    roots = ends.slice(1).map((high, i) => bisect(degree, ends[i], high));
  }
  return roots;
}

function bisect(degree: number, from: number, to: number): number {
  let [low, high] = [from, to];
  const sign = legendre(degree, high)[0] > 0;
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    if (legendre(degree, middle)[0] > 0 === sign) high = middle;
    else low = middle;
  }
}

/**
 * Drift between two sets of rows, column by column, from what `distribution` counted of both over edges of the reference:
 * population stability index, Jensen-Shannon divergence, the test of Kolmogorov and Smirnov, and the share of missing values.
 */

import type { ColumnType, Role } from '../particle/schema.ts';
import type { Counts } from '../summary/counts.ts';
import { chanceIndex, countsDistance, holm, jensenShannon, stabilityIndex } from '../summary/distance.ts';
import type { Distribution, DistributionOptions } from '../summary/distribution.ts';
import type { Histogram } from '../summary/histogram.ts';
import { ksProbability } from '../summary/kolmogorov.ts';
import type { Profile } from '../summary/profile.ts';
import { quantile } from '../summary/quantiles.ts';

/** Indices from which a change counts as moderate, and as large. */
export const MODERATE = 0.1;
export const LARGE = 0.25;
/** Level of the tests of all columns together. */
const LEVEL = 0.05;

/** Places of the test; every so many of them are one of the index. */
const FINE = 200;
const COARSE = 10;
/** Categories that have a place of their own: the most common of the reference. The others share one. */
const CATEGORIES = 50;

export interface ColumnDrift {
  readonly name: string;
  readonly type: ColumnType;
  readonly role: Role;
  /** Population stability index of the values, over tenths of the reference or over categories. */
  readonly psi: number;
  /** The index that chance exceeds once in twenty for so many rows. */
  readonly chance: number;
  /** Jensen-Shannon divergence in bits, of the same places. */
  readonly js: number;
  /** Of numbers: greatest distance of the distribution functions, its p value, and that corrected for all columns (Holm). */
  readonly ks?: { readonly distance: number; readonly p: number; readonly corrected: number };
  /** Shares of missing values, and their own index. */
  readonly missing: { readonly reference: number; readonly against: number; readonly psi: number };
  /** What moved most: a tenth or a category, and its shares. */
  readonly most?: { readonly place: string; readonly reference: number; readonly against: number };
  /** The larger of both indices, of those that are above what chance gives. */
  readonly score: number;
  readonly level: 'none' | 'moderate' | 'large';
}

export interface DriftTable {
  readonly rows: { readonly reference: number; readonly against: number };
  /** Largest score first. */
  readonly columns: readonly ColumnDrift[];
  readonly level: 'none' | 'moderate' | 'large';
  readonly verdict: string;
}

/** Where to count the columns of a reference: edges at its quantiles, and the names of categories. */
export function driftPlaces(reference: Profile): DistributionOptions {
  const edges: Record<string, number[]> = {};
  const categories: string[] = [];
  for (const column of reference.columns) {
    if (column.role !== 'feature' && column.role !== 'label') continue;
    if (column.type === 'category' || column.type === 'boolean') categories.push(column.name);
    if (column.type !== 'number' && column.type !== 'timestamp') continue;
    edges[column.name] = edgesOf((q) => quantile(column, q));
  }
  return { edges, categories };
}

/** Different quantiles, ascending; two at least, as histograms want. */
function edgesOf(at: (q: number) => number | null): number[] {
  const values = new Set<number>();
  for (let i = 0; i <= FINE; i++) values.add((at(i / FINE) ?? 0) + 0);
  const edges = [...values].sort((a, b) => a - b);
  if (edges.length === 1) edges.push(edges[0] + Math.max(1e-9, Math.abs(edges[0]) * 1e-9));
  return edges;
}

/** Counts of both sides in the same places, and what a place is called. */
interface Places {
  readonly reference: number[];
  readonly against: number[];
  name(place: number): string;
}

/** Below the edges, the bins, and above them with what is infinite. */
function slots({ below, counts, above, infinite }: Histogram): number[] {
  return [below, ...counts, above + infinite];
}

/** Slots joined until each place has about a tenth of the reference; a slot that has as much stands by itself. */
function tenths(
  edges: readonly number[],
  reference: readonly number[],
  against: readonly number[],
  text: (value: number) => string,
): Places {
  const total = reference.reduce((a, b) => a + b, 0);
  const isHeavy = (slot: number) => reference[slot] * COARSE >= total;
  /** First slot of each place. */
  const starts: number[] = [0];
  let sum = 0;
  let seen = 0;
  for (let slot = 0; slot < reference.length; slot++) {
    const isFull = sum * COARSE >= total && seen < total;
    const isBorder = slot > 0 && (isHeavy(slot) || isHeavy(slot - 1) || isFull);
    if (isBorder) {
      starts.push(slot);
      sum = 0;
    }
    sum += reference[slot];
    seen += reference[slot];
  }
  const joined = (counts: readonly number[]) =>
    starts.map((start, place) => counts.slice(start, starts[place + 1]).reduce((a, b) => a + b, 0));
  const sides = { reference: joined(reference), against: joined(against) };
  const used = starts
    .map((_, place) => place)
    .filter((place) => sides.reference[place] + sides.against[place] > 0);
  return {
    reference: used.map((place) => sides.reference[place]),
    against: used.map((place) => sides.against[place]),
    name(index) {
      const place = used[index];
      const from = starts[place];
      const end = (starts[place + 1] ?? reference.length) - 1;
      if (from === 0) return end === reference.length - 1 ? 'all' : `below ${text(edges[end])}`;
      const low = text(edges[from - 1]);
      return end === reference.length - 1 ? `from ${low}` : `${low} to ${text(edges[end])}`;
    },
  };
}

/** An edge as people write it. */
function edgeText(type: ColumnType): (value: number) => string {
  if (type !== 'timestamp') return (value) => String(Number(value.toPrecision(4)));
  return (value) => new Date(value).toISOString().slice(0, 16);
}

/** The most common categories of the reference, new ones of the other side among the rest. */
function categoryPlaces(reference: Counts, against: Counts): Places {
  const names = reference.values.slice(0, CATEGORIES).map(({ value }) => value);
  const countsOf = (counts: Counts) => {
    const of = new Map(counts.values.map(({ value, count }) => [value, count]));
    const own = names.map((name) => of.get(name) ?? 0);
    return [...own, counts.total - own.reduce((a, b) => a + b, 0)];
  };
  const sides = { reference: countsOf(reference), against: countsOf(against) };
  const isEmpty = sides.reference.at(-1) === 0 && sides.against.at(-1) === 0;
  if (isEmpty) for (const side of Object.values(sides)) side.pop();
  return { ...sides, name: (place) => names[place] ?? 'all others' };
}

interface Side {
  readonly present: number;
  readonly missing: number;
}

const missingShare = ({ present, missing }: Side) => missing / Math.max(1, present + missing);

function columnDrift(
  column: { readonly name: string; readonly type: ColumnType; readonly role: Role },
  places: Places,
  sides: { readonly reference: Side; readonly against: Side },
  ks?: { readonly distance: number; readonly p: number },
): ColumnDrift {
  const { name, type, role } = column;
  const { reference, against } = sides;
  const psi = stabilityIndex(places.reference, places.against);
  const pairs = (side: Side) => [side.present, side.missing];
  const anyMissing = reference.missing + against.missing > 0;
  const ofMissing = anyMissing ? stabilityIndex(pairs(reference), pairs(against)) : 0;
  const rowsOf = (side: Side) => side.present + side.missing;
  const chanceOfMissing = chanceIndex(2, rowsOf(reference), rowsOf(against));
  const chance = chanceIndex(places.reference.length, reference.present, against.present);
  const score = Math.max(psi > chance ? psi : 0, ofMissing > chanceOfMissing ? ofMissing : 0);
  return {
    ...{ name, type, role, psi, chance },
    js: jensenShannon(places.reference, places.against),
    ...(ks === undefined ? {} : { ks: { ...ks, corrected: ks.p } }),
    missing: { reference: missingShare(reference), against: missingShare(against), psi: ofMissing },
    most: mostMoved(places, reference.present, against.present),
    score,
    level: levelOf(score),
  };
}

/** The place whose share moved most. */
function mostMoved(places: Places, n: number, m: number): ColumnDrift['most'] {
  if (n === 0 || m === 0) return undefined;
  const moved = places.reference.map((count, i) => Math.abs(count / n - places.against[i] / m));
  const place = moved.indexOf(Math.max(...moved));
  if (!(moved[place] > 0)) return undefined;
  return {
    place: places.name(place),
    reference: places.reference[place] / n,
    against: places.against[place] / m,
  };
}

function levelOf(score: number): ColumnDrift['level'] {
  return score >= LARGE ? 'large' : score >= MODERATE ? 'moderate' : 'none';
}

function numberDrift(
  column: Profile['columns'][number],
  reference: Histogram,
  against: Histogram,
): ColumnDrift {
  const [before, after] = [slots(reference), slots(against)];
  const presentOf = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  const [n, m] = [presentOf(before), presentOf(after)];
  const distance = countsDistance(before, after);
  return columnDrift(
    column,
    tenths(reference.edges, before, after, edgeText(column.type)),
    {
      reference: { present: n, missing: reference.missing },
      against: { present: m, missing: against.missing },
    },
    { distance, p: ksProbability(distance, n, m) },
  );
}

function categoryDrift(column: Profile['columns'][number], reference: Counts, against: Counts): ColumnDrift {
  const side = ({ total, missing }: Counts) => ({ present: total, missing });
  return columnDrift(column, categoryPlaces(reference, against), {
    reference: side(reference),
    against: side(against),
  });
}

/** The table of all columns that both sides have. `reference` is the profile that the places were made of. */
export function driftTable(
  reference: Profile,
  counted: { readonly reference: Distribution; readonly against: Distribution },
  againstRows: number,
): DriftTable {
  const columns: ColumnDrift[] = [];
  for (const column of reference.columns) {
    const [before, after] = [counted.reference, counted.against];
    const { name } = column;
    if (name in before.numbers && name in after.numbers)
      columns.push(numberDrift(column, before.numbers[name], after.numbers[name]));
    if (name in before.categories && name in after.categories)
      columns.push(categoryDrift(column, before.categories[name], after.categories[name]));
  }
  const corrected = holm(columns.flatMap(({ ks }) => (ks === undefined ? [] : [ks.p])));
  let next = 0;
  const tested = columns.map((column) =>
    column.ks === undefined ? column : { ...column, ks: { ...column.ks, corrected: corrected[next++] } },
  );
  tested.sort((a, b) => b.score - a.score || b.psi - a.psi || (a.name < b.name ? -1 : 1));
  const level = tested[0]?.level ?? 'none';
  return {
    rows: { reference: reference.rows, against: againstRows },
    columns: tested,
    level,
    verdict: verdictOf(tested),
  };
}

function verdictOf(columns: readonly ColumnDrift[]): string {
  const named = (some: readonly ColumnDrift[]) => {
    const names = some.slice(0, 3).map(({ name }) => name);
    return some.length > 3 ? `${names.join(', ')} and ${some.length - 3} more` : names.join(', ');
  };
  const large = columns.filter(({ level }) => level === 'large');
  const moderate = columns.filter(({ level }) => level === 'moderate');
  const small = columns.filter(
    ({ level, ks }) => level === 'none' && ks !== undefined && ks.corrected < LEVEL,
  );
  const label = columns.find(({ role, level }) => role === 'label' && level !== 'none');
  const of = `of ${columns.length} columns`;
  const parts = [
    large.length > 0 ? `${large.length} ${of} changed much: ${named(large)}` : '',
    moderate.length > 0 ? `${moderate.length} moderately: ${named(moderate)}` : '',
    label === undefined ? '' : `the label ${label.name} is among them`,
    small.length > 0 ? `${small.length} so little that only the test sees it` : '',
  ].filter((text) => text !== '');
  if (parts.length === 0)
    return columns.length === 0 ? 'There is no column to compare.' : 'No column has changed.';
  const text = `${parts.join('; ')}.`;
  return text[0].toUpperCase() + text.slice(1);
}

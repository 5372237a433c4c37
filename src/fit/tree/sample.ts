/**
 * A sample of rows to choose bins and bundles from: rows by a hash of their place, at most about as many as asked. As a
 * summary over sampled views: the distinct values of each feature, which workers sort and the merge only puts in order,
 * and a smaller sample of whole rows, to see which features go together.
 */
import type { Json } from '../../json.ts';
import { type Distinct, distinctOf, mergeDistinct } from '../../kernel/sort.ts';
import type { Particle } from '../../particle/particle.ts';
import { selectRows } from '../../particle/select.ts';
import type { DenseView } from '../../particle/view.ts';
import { randomWord } from '../../random.ts';
import { compiledModule, type Reference, resolveReference } from '../../run/reference.ts';
import type { ViewKind } from '../../run/session.ts';
import type { Summary } from '../../summary/summary.ts';

/** Sampled rows by feature, NaN where missing. */
interface Sampled {
  readonly features: readonly Float32Array[];
}

/** What is known of the rows of a sample. */
export interface Sample {
  /** Distinct values by feature. */
  readonly distinct: readonly Distinct[];
  /** Some of the rows, by feature: row i of one is row i of every other; NaN where missing. */
  readonly rows: readonly Float32Array[];
}

/** By feature: values as they were gathered, sorted ones, and values of some rows. */
interface SampleState {
  readonly gathered: Float32Array[][];
  readonly sorted: Distinct[][];
  readonly rows: Float32Array[][];
}

/** Names {@link sampledView}: about `share` of the rows. */
export function sampledReference(view: Reference, share: number, seed: number): Reference {
  const options = { view, share, seed } as unknown as Json;
  return { module: import.meta.url, name: 'sampledView', options };
}

/**
 * View kind of sampled rows of a dense view, by feature.
 * @byReference
 */
export async function sampledView(options: Json): Promise<ViewKind<Sampled>> {
  const { view, share, seed } = options as unknown as { view: Reference; share: number; seed: number };
  const module = import.meta.url.endsWith('.ts') ? view.module : compiledModule(view.module);
  const inner = await resolveReference<ViewKind<DenseView>>({ ...view, module });
  return {
    id: `sampled/4 ${share} ${seed} ${inner.id}`,
    kept: false,
    derive: (particle, memory) => columnsOf(inner.derive(sampledRows(particle, share, seed), memory)),
  };
}

/** Rows of the particle that are sampled: taken before anything is derived from the others. */
function sampledRows(particle: Particle, share: number, seed: number): Particle {
  if (share >= 1) return particle;
  const limit = share * 0x1_0000_0000;
  const { rows } = particle;
  const chosen = new Uint32Array(rows);
  let count = 0;
  for (let row = 0; row < rows; row++) if (randomWord(seed, rows, row) < limit) chosen[count++] = row;
  return selectRows(particle, chosen.subarray(0, count));
}

function columnsOf({ rows, features, stride, values }: DenseView): Sampled {
  return {
    features: Array.from({ length: features }, (_, f) => values.slice(f * stride, f * stride + rows)),
  };
}

/** Names {@link sample} of so many features; every row in `step` of a view is kept whole. */
export function sampleReference(features: number, step: number): Reference {
  return { module: import.meta.url, name: 'sample', options: { features, step } };
}

/**
 * Summary that gathers sampled values; reads as a {@link Sample}. What it reads as does not depend on how rows are cut but
 * for which are kept whole, and in which order.
 * @byReference
 */
export function sample(options: Json): Summary<SampleState, Sample, Sampled> {
  const { features, step } = options as { features: number; step: number };
  const lists = <T>(): T[][] => Array.from({ length: features }, () => []);
  const observe = (state: SampleState, view: Sampled): void => {
    view.features.forEach((values, f) => {
      if (values.length === 0) return;
      state.gathered[f].push(values);
      state.rows[f].push(everyOf(values, step));
    });
  };
  return {
    id: `tree-sample/3 ${features} ${step}`,
    empty: () => ({ gathered: lists(), sorted: lists(), rows: lists() }),
    observe,
    observeAll: (state, views) => {
      for (const view of views) observe(state, view);
    },
    merge(into, from) {
      for (const part of ['gathered', 'sorted', 'rows'] as const) {
        from[part].forEach((list, f) => {
          (into[part][f] as unknown[]).push(...list);
        });
      }
    },
    read: (state) => ({ distinct: allDistinct(state), rows: state.rows.map(joined) }),
    codec: { encode, decode },
  };
}

/** The distinct values of each feature: what is not sorted yet is, and sorted lists are merged. */
function allDistinct({ gathered, sorted }: SampleState): Distinct[] {
  return gathered.map((parts, f) => {
    const fresh = parts.length > 0 || sorted[f].length === 0 ? [distinctOf(joined(parts))] : [];
    return [...sorted[f], ...fresh].reduce(mergeDistinct);
  });
}

function everyOf(values: Float32Array, step: number): Float32Array {
  const few = new Float32Array(Math.ceil(values.length / step));
  for (let i = 0; i < few.length; i++) few[i] = values[i * step];
  return few;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0];
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Words: number of features; by feature the numbers of distinct values and of rows; then values, their counts, rows. */
function encode(state: SampleState): Uint8Array {
  const distinct = allDistinct(state);
  const rows = state.rows.map(joined);
  const head = [distinct.length, ...distinct.flatMap(({ values }, f) => [values.length, rows[f].length])];
  const total = distinct.reduce(
    (sum, { values }, f) => sum + 2 * values.length + rows[f].length,
    head.length,
  );
  const words = new Uint32Array(total);
  const numbers = new Float32Array(words.buffer);
  words.set(head);
  let at = head.length;
  distinct.forEach(({ values, times }, f) => {
    numbers.set(values, at);
    words.set(times, at + values.length);
    numbers.set(rows[f], at + 2 * values.length);
    at += 2 * values.length + rows[f].length;
  });
  return new Uint8Array(words.buffer);
}

/** Arrays lie where the bytes do, which nobody else uses. */
function decode(bytes: Uint8Array): SampleState {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const [features] = new Uint32Array(buffer, byteOffset, 1);
  const lengths = new Uint32Array(buffer, byteOffset + 4, 2 * features);
  const state: SampleState = { gathered: [], sorted: [], rows: [] };
  let at = byteOffset + 4 * (1 + 2 * features);
  for (let f = 0; f < features; f++) {
    const [values, rows] = lengths.subarray(2 * f);
    state.gathered.push([]);
    state.sorted.push([
      {
        values: new Float32Array(buffer, at, values),
        times: new Uint32Array(buffer, at + 4 * values, values),
      },
    ]);
    state.rows.push([new Float32Array(buffer, at + 8 * values, rows)]);
    at += 8 * values + 4 * rows;
  }
  return state;
}

/**
 * A sample of rows to choose bins and bundles from: rows by a hash of their place, at most about as many as asked. As a
 * summary over sampled views: values by feature, NaN where missing, in the order of particles, so that row i of one
 * feature is row i of every other.
 */
import type { Json } from '../../json.ts';
import type { Particle } from '../../particle/particle.ts';
import { selectRows } from '../../particle/select.ts';
import type { DenseView } from '../../particle/view.ts';
import { randomWord } from '../../random.ts';
import { compiledModule, type Reference, resolveReference } from '../../run/reference.ts';
import type { ViewKind } from '../../run/session.ts';
import type { Summary } from '../../summary/summary.ts';

interface Sampled {
  readonly features: readonly Float32Array[];
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
    id: `sampled/3 ${share} ${seed} ${inner.id}`,
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

/** The values of a column that are not missing; the column itself where none is. */
export function presentValues(column: Float32Array): Float32Array {
  const present = new Float32Array(column.length);
  let length = 0;
  for (let i = 0; i < column.length; i++) {
    const value = column[i];
    if (!Number.isNaN(value)) present[length++] = value;
  }
  return length === column.length ? column : present.subarray(0, length);
}

/** Names {@link sample} of so many features. */
export function sampleReference(features: number): Reference {
  return { module: import.meta.url, name: 'sample', options: { features } };
}

/**
 * Summary that gathers sampled values; reads as one array a feature.
 * @byReference
 */
export function sample(options: Json): Summary<Float32Array[][], Float32Array[], Sampled> {
  const { features } = options as { features: number };
  return {
    id: `tree-sample/2 ${features}`,
    empty: () => Array.from({ length: features }, () => []),
    observe(state, view) {
      for (let f = 0; f < features; f++) if (view.features[f].length > 0) state[f].push(view.features[f]);
    },
    merge(into, from) {
      for (let f = 0; f < features; f++) into[f].push(...from[f]);
    },
    read: (state) => state.map(joined),
    codec: { encode: encodeColumns, decode: decodeColumns },
  };
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

/** Number of columns, their lengths, then their values: little-endian, 4 bytes each. */
function encodeColumns(state: readonly (readonly Float32Array[])[]): Uint8Array {
  const lengths = state.map((parts) => parts.reduce((sum, { length }) => sum + length, 0));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const words = new Uint32Array(1 + state.length + total);
  words.set([state.length, ...lengths]);
  const values = new Float32Array(words.buffer);
  let at = 1 + state.length;
  for (const parts of state) {
    for (const part of parts) {
      values.set(part, at);
      at += part.length;
    }
  }
  return new Uint8Array(words.buffer);
}

/** The columns lie where the bytes do, which nobody else uses. */
function decodeColumns(bytes: Uint8Array): Float32Array[][] {
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const [count] = new Uint32Array(buffer, byteOffset, 1);
  const lengths = new Uint32Array(buffer, byteOffset + 4, count);
  let at = byteOffset + 4 * (1 + count);
  return Array.from(lengths, (length) => {
    const column = new Float32Array(buffer, at, length);
    at += 4 * length;
    return length > 0 ? [column] : [];
  });
}

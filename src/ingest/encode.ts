/**
 * What worker threads do to a block: narrow, hash, encode, and compute the partials that are wanted while it is hot.
 * A pure function of the block and the options; the same on any thread, or inline.
 */
import { particleFile } from '../particle/bytes.ts';
import { hashParticle } from '../particle/hash.ts';
import type { Particle } from '../particle/particle.ts';
import { compiledModule, type Reference, resolveReference } from '../run/reference.ts';
import type { Summary } from '../summary/summary.ts';
import { narrowParticle, type Precision } from './narrow.ts';
import { parseBlock } from './plain-block.ts';
import type { TextBlock } from './plain-text.ts';

/** Options of {@link blockEncoder}. */
export type EncodeOptions = {
  readonly precision: Precision;
  /** Summaries over particles whose partials are wanted. */
  readonly partials: readonly Reference[];
};

/** Encoded partial of one summary. */
export interface EncodedPartial {
  /** The summary's id. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A particle as bytes, ready for `store.putEncoded`, with its partials in the order of the references. */
export interface EncodedBlock {
  readonly hash: string;
  readonly rows: number;
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly partials: readonly EncodedPartial[];
}

type Encoded = { readonly result: EncodedBlock | undefined; readonly transfer: readonly ArrayBuffer[] };

/**
 * Factory of the call that workers run; see {@link encodeReference}. Gives nothing of a block of text that is not plain.
 */
export function blockEncoder(options: EncodeOptions): (block: Particle | TextBlock) => Promise<Encoded> {
  const summaries = Promise.all(
    options.partials.map((reference) => resolveReference<Summary<unknown, unknown>>(reference)),
  );
  return async (given) => {
    const block = 'ranges' in given ? parseBlock(given) : given;
    if (block === undefined) return { result: undefined, transfer: [] };
    const particle = narrowParticle(block, options.precision);
    const hash = hashParticle(particle);
    const { bytes, sha256 } = particleFile(particle);
    const partials = (await summaries).map((summary) => partialOf(summary, particle));
    const result = { hash, rows: particle.rows, bytes, sha256, partials };
    return { result, transfer: [bytes.buffer as ArrayBuffer] };
  };
}

function partialOf(summary: Summary<unknown, unknown>, particle: Particle): EncodedPartial {
  const state = summary.empty();
  summary.observe(state, particle);
  return { id: summary.id, bytes: summary.codec.encode(state) };
}

/** Names {@link blockEncoder} for a worker pool. */
export function encodeReference({ precision, partials }: EncodeOptions): Reference {
  const compiled = partials.map((partial) => ({ ...partial, module: compiledModule(partial.module) }));
  const options = { precision, partials: compiled } as unknown as Reference['options'];
  return { module: import.meta.url, name: 'blockEncoder', options };
}

/** The buffers of a block, to be moved to the worker. */
export function blockBuffers(block: Particle | TextBlock): ArrayBuffer[] {
  if ('ranges' in block) return [];
  const buffers = new Set<ArrayBuffer>();
  const add = (array: ArrayBufferView | undefined) => {
    if (array !== undefined && array.byteLength > 0) buffers.add(array.buffer as ArrayBuffer);
  };
  for (const column of block.columns) {
    if (column.type !== 'text' && column.type !== 'binary' && column.type !== 'sparse') add(column.validity);
    if (column.type === 'category') add(column.codes);
    else if (column.type === 'sparse')
      for (const array of [column.starts, column.indices, column.values]) add(array);
    else if (column.type !== 'text' && column.type !== 'binary') add(column.values);
  }
  return [...buffers];
}

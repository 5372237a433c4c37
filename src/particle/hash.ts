/**
 * The name of a particle: SHA-256 of its canonical content, whatever codec, padding or machine wrote its file.
 * Content is schema, row count, physical number types and values; the layout is in docs/particle-format.md.
 */
import { createHash, type Hash } from 'node:crypto';
import { canonicalJson, type Json } from '../json.ts';
import { canonicalValidity, packBits } from './bits.ts';
import { canonicalCategories, maskMissing, microseconds } from './canonical.ts';
import type { BinaryColumn, Column } from './column.ts';
import type { Particle } from './particle.ts';
import { encodeUtf8 } from './utf8.ts';

/** 64 lower-case hexadecimal digits. About 1.5 GB/s on numeric columns. */
export function hashParticle(particle: Particle): string {
  const hash = createHash('sha256');
  const head = {
    rows: particle.rows,
    schema: particle.schema as unknown as Json,
    physical: particle.columns.map(physicalType),
  };
  hash.update(`sora-particle/1\n${canonicalJson(head)}\n`);
  particle.schema.fields.forEach((field, index) => {
    hashColumn(hash, field.name, particle.columns[index], particle.rows);
  });
  return hash.digest('hex');
}

function physicalType(column: Column): string {
  return column.type === 'number' ? column.values.constructor.name.replace('Array', '') : column.type;
}

function hashColumn(hash: Hash, name: string, column: Column, rows: number): void {
  const validity = canonicalValidity(column.validity, rows);
  part(hash, validity ?? new Uint8Array(0));
  switch (column.type) {
    case 'number':
      return part(hash, maskMissing(column.values, validity, 0));
    case 'boolean':
      return part(hash, packBits(maskMissing(column.values, validity, 0)));
    case 'timestamp':
      return part(hash, microseconds(column.values, validity, name));
    case 'category': {
      const { codes, dictionary } = canonicalCategories(column, validity);
      part(hash, codes);
      return textParts(hash, dictionary);
    }
    case 'text':
      return textParts(hash, column.values);
    case 'binary':
      return binaryParts(hash, column);
    case 'sparse':
      part(hash, column.starts);
      part(hash, column.indices);
      return part(hash, column.values);
  }
}

/** A length (float64, in bytes) and the bytes themselves, so that no two contents run together alike. */
function part(hash: Hash, array: ArrayBufferView): void {
  hash.update(new Float64Array([array.byteLength]));
  hash.update(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
}

function textParts(hash: Hash, values: readonly string[]): void {
  const text = encodeUtf8(values);
  part(hash, text.offsets);
  part(hash, text.bytes);
}

function binaryParts(hash: Hash, column: BinaryColumn): void {
  part(
    hash,
    Float64Array.from(column.values, (value) => value.length),
  );
  for (const value of column.values) hash.update(value);
}

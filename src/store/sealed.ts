/**
 * Sealed JSON: how the store writes its small records (store.json, commits, manifests of models).
 * One line of canonical JSON with a `format`, a `version` and a `checksum`, the SHA-256 of the canonical JSON
 * without it. Bytes that are not exactly that line are corrupt, whichever byte differs.
 */
import { createHash } from 'node:crypto';
import { SoraError } from '../errors.ts';
import { canonicalJson, type Json } from '../json.ts';

/** What kind of record it is and the newest version of it that this code reads. */
export interface SealedKind {
  readonly format: string;
  readonly version: number;
}

/** SHA-256 as 64 lower-case hexadecimal digits. */
export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** `corrupt`, saying which file, what was expected, what was found and what to do. */
export function corrupt(file: string, expected: string, found: string, remedy: string): SoraError {
  return new SoraError(
    'corrupt',
    `${file} is damaged: expected ${expected}, found ${found}. It was not used. ${remedy}`,
    { details: { file, expected, found, remedy } },
  );
}

/** The line of a record and the checksum of the same without its own, from one pass over the values. */
function writeLine(record: { readonly [key: string]: Json | undefined }): { line: string; checksum: string } {
  const members = Object.keys(record)
    .filter((key) => record[key] !== undefined)
    .sort()
    .map((key) => ({ key, text: `${JSON.stringify(key)}:${canonicalJson(record[key] ?? null)}` }));
  const join = (list: typeof members) => `{${list.map((member) => member.text).join()}}`;
  return {
    line: `${join(members)}\n`,
    checksum: sha256(join(members.filter((member) => member.key !== 'checksum'))),
  };
}

/** The bytes of a record: format, version and checksum are added to `body`. */
export function sealJson(kind: SealedKind, body: { readonly [key: string]: Json | undefined }): Uint8Array {
  const record = { ...body, format: kind.format, version: kind.version };
  const { checksum } = writeLine(record);
  return Buffer.from(writeLine({ ...record, checksum }).line);
}

/**
 * The record in `bytes`. Throws `corrupt` unless every byte is as sealed, then `newer-format` if a newer
 * version wrote it. `remedy` ends the message of the first.
 */
export function openSealed(
  kind: SealedKind,
  bytes: Uint8Array,
  file: string,
  remedy: string,
): { readonly [key: string]: unknown } {
  const record = parseObject(bytes);
  if (record === undefined) throw corrupt(file, 'one line of JSON', `${bytes.length} other bytes`, remedy);
  const { line, checksum } = writeLine(record);
  if (record.checksum !== checksum) {
    throw corrupt(file, `the checksum ${String(record.checksum)}`, checksum, remedy);
  }
  if (!Buffer.from(line).equals(bytes))
    throw corrupt(file, 'canonical JSON', 'the same values written otherwise', remedy);
  const { format, version } = record;
  if (format !== kind.format) throw corrupt(file, `format ${kind.format}`, String(format), remedy);
  if (typeof version !== 'number' || version > kind.version) {
    throw new SoraError(
      'newer-format',
      `${file} has format ${kind.format} version ${String(version)}; this version of Sora reads up to ${kind.version}. Upgrade Sora: \`npm install sora@latest\`.`,
      { details: { file, format: kind.format, version, supported: kind.version } },
    );
  }
  return record;
}

function parseObject(bytes: Uint8Array): { [key: string]: Json } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as { [key: string]: Json }) : undefined;
  } catch {
    return undefined;
  }
}

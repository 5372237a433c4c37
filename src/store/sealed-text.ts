/**
 * Sealed texts: files that people read and that certify themselves, byte for byte.
 * Indented JSON carries a member `checksum`, the SHA-256 of the file without its 64 digits. A page ends with a comment
 * that holds the SHA-256 of all bytes before it. JSON may list `files` beside it, each with its size and SHA-256.
 */
import { z } from 'zod';
import type { Json } from '../json.ts';
import { corrupt, sha256 } from './sealed.ts';

/** A file that a sealed text vouches for, by its name in the same folder. */
export interface SealedFile {
  readonly file: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Members of objects at the top stand behind two spaces, and strings hold no line feeds: only the seal matches. */
const SEAL = /\n {2}"checksum": "([0-9a-f]{64})"/g;
const NO_DIGITS = '0'.repeat(64);

const filesShape = z.object({
  files: z
    .array(z.object({ file: z.string(), bytes: z.int().nonnegative(), sha256: z.string() }))
    .default([]),
});

/** Text of the record as indented JSON with sorted keys, sealed. Equal records give equal text. */
export function sealJsonText(record: { readonly [key: string]: Json | undefined }): string {
  const unsealed = `${JSON.stringify(sorted({ ...record, checksum: NO_DIGITS }), null, 2)}\n`;
  const at = digitsAt(unsealed) as number;
  const [before, after] = [unsealed.slice(0, at), unsealed.slice(at + 64)];
  return before + sha256(before + after) + after;
}

/** The same value with the keys of every object in code-point order. */
function sorted(value: Json): Json {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value as { [key: string]: Json | undefined })
    .filter((entry): entry is [string, Json] => entry[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

/** Where the digits of the seal start; undefined unless there is exactly one. */
function digitsAt(text: string): number | undefined {
  const [match, another] = text.matchAll(SEAL);
  return match === undefined || another !== undefined ? undefined : match.index + match[0].length - 65;
}

/** Throws `corrupt` unless every byte of a sealed JSON text is as it was written. */
export function checkSealedJson(bytes: Uint8Array, file: string, remedy: string): void {
  // Latin-1 maps bytes to characters one to one, so that places in the text are places in the bytes.
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = digitsAt(text.toString('latin1'));
  if (at === undefined) throw corrupt(file, 'a text with one checksum', 'none, or several', remedy);
  const expected = text.toString('latin1', at, at + 64);
  const found = sha256(Buffer.concat([text.subarray(0, at), text.subarray(at + 64)]));
  if (found !== expected) throw corrupt(file, `the checksum ${expected}`, found, remedy);
}

/** The files that a checked JSON text vouches for. */
export function sealedFiles(bytes: Uint8Array, file: string, remedy: string): readonly SealedFile[] {
  const result = filesShape.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
  if (!result.success) throw corrupt(file, 'a list of files', z.prettifyError(result.error), remedy);
  return result.data.files;
}

const comment = (digits: string) => `<!-- sha256 ${digits} -->\n`;
const COMMENT_BYTES = comment(NO_DIGITS).length;

/** The page with its seal at the end. */
export function sealPage(html: string): string {
  return html + comment(sha256(html));
}

/** Throws `corrupt` unless every byte of a sealed page is as it was written. */
export function checkSealedPage(bytes: Uint8Array, file: string, remedy: string): void {
  const start = Math.max(0, bytes.length - COMMENT_BYTES);
  const expected = comment(sha256(bytes.subarray(0, start))).trim();
  const found = Buffer.from(bytes.subarray(start)).toString('latin1');
  if (found !== `${expected}\n`) throw corrupt(file, `the end ${expected}`, found.trim(), remedy);
}

/** Name under which a new version of a file lies until the JSON text that names it has been replaced. */
export function nextName(file: string): string {
  const dot = file.lastIndexOf('.');
  return dot <= 0 ? `${file}.next` : `${file.slice(0, dot)}.next${file.slice(dot)}`;
}

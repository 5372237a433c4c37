/** The table of transforms: the one line that a new transform adds. The first of a type's `auto` ones is its default. */
import type { Transform } from '../transform.ts';
import { binary } from './binary.ts';
import { boolean } from './boolean.ts';
import { category } from './category.ts';
import { codes } from './codes.ts';
import { instant } from './instant.ts';
import { nested } from './nested.ts';
import { number } from './number.ts';
import { raw } from './raw.ts';
import { sparse } from './sparse.ts';
import { target } from './target.ts';
import { text } from './text.ts';
import { timestamp } from './timestamp.ts';

export const TRANSFORMS: readonly Transform[] = [
  ...[number, boolean, category, target, nested, text, timestamp, sparse, binary],
  ...[raw, codes, instant],
];

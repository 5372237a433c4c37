/** What tests import of drift-streams.mjs. */
export const CONCEPTS: readonly string[];
export function driftStream(options: {
  readonly concept: string;
  readonly kind: string;
  readonly seed: number;
  readonly rows: number;
  readonly period: number;
  readonly width?: number;
}): { readonly x: number[]; readonly y: number }[];

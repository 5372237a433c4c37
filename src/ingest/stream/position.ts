/** Positions are JSON that came back from a commit: each source has a shape for its own, and refuses those of others. */
import type { z } from 'zod';
import { SoraError } from '../../errors.ts';
import type { StreamPosition } from './stream.ts';

/** A position of the source `name`; undefined for null, its start. Throws `schema-mismatch`: it is no `place` of it. */
export function parsePosition<T extends z.ZodType>(
  shape: T,
  from: StreamPosition | null,
  name: string,
  place: string,
): z.output<T> | undefined {
  if (from === null) return undefined;
  const parsed = shape.safeParse(from);
  if (parsed.success) return parsed.data;
  throw new SoraError(
    'schema-mismatch',
    `${name}: ${JSON.stringify(from)} is no ${place}, so it is the position of another source.`,
  );
}

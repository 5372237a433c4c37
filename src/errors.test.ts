import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRORS, SoraError, throwIfAborted } from './errors.ts';

describe('errors', () => {
  it('documents every code, with its exit code and status, and no other', () => {
    const page = readFileSync(new URL('../docs/errors.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (\d+) \| (\d+) \| (.+) \|$/gm)];
    const documented = Object.fromEntries(
      rows.map(([, code, exit, status, meaning]) => [
        code,
        { exit: Number(exit), status: Number(status), meaning },
      ]),
    );
    expect(documented).toEqual(ERRORS);
  });

  it('reads exit code and status from the table', () => {
    const error = new SoraError('corrupt', 'x', { details: { file: 'a' } });
    expect([error.exit, error.status, error.details.file]).toEqual([5, 500, 'a']);
  });

  it('turns an aborted signal into `cancelled`', () => {
    expect(() => throwIfAborted(AbortSignal.abort())).toThrow(SoraError);
    expect(() => throwIfAborted(undefined)).not.toThrow();
  });
});

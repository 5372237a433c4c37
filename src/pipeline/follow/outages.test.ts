/** Outages are told once each, however many batches say that the source is away. */
import { expect, it } from 'vitest';
import { Outages, type SourceOutage } from './outages.ts';

it('tells of each outage once when it begins, and once when it ends', () => {
  const told: SourceOutage[] = [];
  const outages = new Outages('redis://host', (outage) => told.push(outage));
  for (const away of [
    undefined,
    'refused',
    'refused',
    'timed out',
    undefined,
    undefined,
    'reset',
    undefined,
  ]) {
    outages.see({ rows: [], position: null, ...(away === undefined ? {} : { away }) });
  }
  expect(told.map(({ kind, reason }) => [kind, reason])).toEqual([
    ['away', 'refused'],
    ['back', 'refused'],
    ['away', 'reset'],
    ['back', 'reset'],
  ]);
  expect(told[0]).toEqual({
    kind: 'away',
    source: 'redis://host',
    since: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    reason: 'refused',
  });
  expect(told[1]).toEqual({ ...told[0], kind: 'back', seconds: expect.any(Number) });
});

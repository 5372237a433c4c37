import { expect, it } from 'vitest';
import { describeEnd } from './describe.ts';

it('says how a fit ended in words', () => {
  expect(describeEnd({ converged: true, reason: 'gradient', rounds: 1 })).toBe('converged in 1 round');
  expect(describeEnd({ converged: true, reason: 'objective', rounds: 12 })).toBe('converged in 12 rounds');
  expect(describeEnd({ converged: false, reason: 'max-rounds', rounds: 200 })).toMatch(
    /^not converged: 200 rounds were the limit .*--max-rounds.*--l2/,
  );
  expect(describeEnd({ converged: false, reason: 'line-search', rounds: 7 })).toBe(
    'not converged after 7 rounds: no lower point was found along the last direction',
  );
});

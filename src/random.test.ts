import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { combine32, hashText, mix32, randomUniform, randomWord } from './random.ts';

const word = fc.nat(0xffff_ffff);

describe('random', () => {
  it('mixes words one to one', () => {
    const inputs = Array.from({ length: 100_000 }, (_, i) => i * 40_503);
    expect(new Set(inputs.map(mix32)).size).toBe(inputs.length);
  });

  it('depends on the order of what is combined', () => {
    fc.assert(
      fc.property(word, word, (a, b) => {
        fc.pre(a !== b);
        expect(combine32(mix32(a), b)).not.toBe(combine32(mix32(b), a));
        expect(randomWord(a, b, 7)).not.toBe(randomWord(b, a, 7));
      }),
    );
    expect(randomWord(1, 1, 0)).not.toBe(randomWord(2, 2, 0));
  });

  it('is uniform: a chi-squared test over 64 cells, and no correlation between streams', () => {
    const cells = new Float64Array(64);
    const n = 64_000;
    let product = 0;
    for (let i = 0; i < n; i++) {
      const u = randomUniform(3, 5, i);
      cells[Math.floor(u * 64)]++;
      product += (u - 0.5) * (randomUniform(3, 6, i) - 0.5);
    }
    const chi = cells.reduce((sum, count) => sum + (count - n / 64) ** 2 / (n / 64), 0);
    expect(chi).toBeLessThan(120);
    expect(Math.abs(product / n)).toBeLessThan(4 / 12 / Math.sqrt(n));
  });

  it('hashes texts apart, and the same text alike', () => {
    const hashes = Array.from({ length: 50_000 }, (_, i) => hashText(`row ${i}`));
    expect(new Set(hashes).size).toBeGreaterThan(49_990);
    expect(hashText('x', 1)).not.toBe(hashText('x', 2));
  });
});

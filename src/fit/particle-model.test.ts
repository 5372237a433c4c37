import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createParticle } from '../particle/create.ts';
import type { Particle } from '../particle/particle.ts';
import { randomUniform } from '../random.ts';
import { createParticleModel } from './particle-model.ts';

const ROWS = Array.from({ length: 60 }, (_, i) => {
  const x = [10 * randomUniform(1, i, 0), randomUniform(1, i, 1) - 0.5, 3];
  return { x, y: x[0] + 4 * x[1] + 4 * randomUniform(1, i, 2) > 7 ? 1 : 0, w: 0.5 + randomUniform(1, i, 3) };
});

function particleOf(rows: typeof ROWS): Particle {
  return createParticle({
    features: rows.map((r) => r.x),
    labels: rows.map((r) => r.y),
    weights: rows.map((r) => r.w),
  });
}

describe('createParticleModel', () => {
  it('does not depend on how rows are cut into particles: every particle counts', () => {
    const whole = createParticleModel([particleOf(ROWS)]);
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 59 }), { maxLength: 6 }), (cuts) => {
        const borders = [0, ...cuts.sort((a, b) => a - b), 60];
        const parts = borders.slice(1).map((end, i) => particleOf(ROWS.slice(borders[i], end)));
        const model = createParticleModel(parts);
        expect(model.converged).toBe(true);
        model.coefficients[0].forEach((value, f) => {
          expect(value).toBeCloseTo(whole.coefficients[0][f], 5);
        });
        expect(model.intercepts[0]).toBeCloseTo(whole.intercepts[0], 5);
      }),
      { numRuns: 25 },
    );
  });

  it('standardises over all particles and predicts what it learned', () => {
    const model = createParticleModel([particleOf(ROWS.slice(0, 25)), particleOf(ROWS.slice(25))]);
    const mean = ROWS.reduce((sum, row) => sum + row.x[0], 0) / 60;
    expect(model.means[0]).toBeCloseTo(mean, 6);
    expect(model.scales[2]).toBe(1);
    expect(model.coefficients[0][2]).toBe(0);
    const right = model.predict(particleOf(ROWS)).filter((p, i) => p > 0.5 === (ROWS[i].y === 1)).length;
    expect(right).toBeGreaterThan(48);
  });

  it('has zero gradient where it stops', () => {
    const model = createParticleModel([particleOf(ROWS)], { l2: 0.01 });
    const p = model.predict(particleOf(ROWS));
    const weight = ROWS.reduce((sum, row) => sum + row.w, 0);
    model.coefficients[0].forEach((coefficient, f) => {
      const slope = ROWS.reduce((sum, row, i) => {
        const x = Math.fround((row.x[f] - model.means[f]) / model.scales[f]);
        return sum + (row.w * (p[i] - row.y) * x) / weight;
      }, 0.01 * coefficient);
      expect(Math.abs(slope)).toBeLessThan(1e-7);
    });
  });

  it('fits numbers, counts and classes too', () => {
    const features = Array.from({ length: 30 }, (_, i) => [i, (i * i) % 7]);
    const line = createParticle({ features, labels: features.map(([a, b]) => 2 * a - b + 1) });
    const squared = createParticleModel([line], { loss: 'squared', l2: 0 });
    expect(squared.predict(line)[10]).toBeCloseTo(2 * 10 - (100 % 7) + 1, 3);
    const classes = createParticle({ features, labels: features.map(([a]) => Math.floor(a / 10)) });
    const softmax = createParticleModel([classes], { loss: 'softmax' });
    expect(softmax.coefficients.length).toBe(3);
    const p = softmax.predict(classes);
    for (let row = 0; row < 30; row++)
      expect(p[3 * row] + p[3 * row + 1] + p[3 * row + 2]).toBeCloseTo(1, 12);
    const counts = createParticle({ features, labels: features.map(([a]) => a) });
    expect(createParticleModel([counts], { loss: 'poisson' }).predict(counts)[29]).toBeGreaterThan(20);
  });

  it('refuses what it cannot fit, saying what to do', () => {
    expect(() => createParticleModel([])).toThrow(/no particles/);
    const words = createParticle({ features: [['a'], ['b']], labels: [0, 1] });
    expect(() => createParticleModel([words])).toThrow(/Use train\(\)/);
    const odd = createParticle({ features: [[1], [2]], labels: [0, 2] });
    expect(() => createParticleModel([odd])).toThrow(/Particle 0, row 1: label 2/);
  });
});

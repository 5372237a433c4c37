/**
 * Worked example 5: one logistic regression over several particles, each standardised over all of them.
 * Every particle counts. Fitting one particle after another with a fresh start keeps only the last: the text that
 * this follows does that, and its printed result differs for that reason.
 */
import { createParticle, createParticleModel } from 'sora';

const particles = [
  createParticle({
    features: [
      [1, 2],
      [3, 4],
      [2, 1],
    ],
    labels: [0, 1, 0],
  }),
  createParticle({
    features: [
      [5, 6],
      [7, 8],
      [2, 4],
    ],
    labels: [1, 1, 0],
  }),
  createParticle({
    features: [
      [1, 1],
      [6, 4],
      [4, 2],
    ],
    labels: [0, 1, 1],
  }),
];

const model = createParticleModel(particles, { loss: 'logistic', standardise: true });

console.log('means over all particles:', model.means);
console.log('coefficients:', model.coefficients[0], 'intercept:', model.intercepts[0]);
for (const particle of particles) console.log('probability of class 1:', model.predict(particle));

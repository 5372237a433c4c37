/**
 * 5. One logistic regression over several particles, each standardised over all of them.
 * Every particle counts. Fitting one particle after another with a fresh start keeps only the last: the text that
 * this follows does that, and its printed result differs for that reason.
 */
import { pathToFileURL } from 'node:url';
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

export default function example(): string {
  const model = createParticleModel(particles, { loss: 'logistic', standardise: true });
  const list = (values: Iterable<number>) => [...values].map((value) => value.toFixed(4)).join(', ');
  return [
    `means over all particles: ${list(model.means)}`,
    `coefficients: ${list(model.coefficients[0])}; intercept: ${list([model.intercepts[0]])}`,
    ...particles.map(
      (particle, i) => `probability of class 1 in particle ${i + 1}: ${list(model.predict(particle))}`,
    ),
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(example());

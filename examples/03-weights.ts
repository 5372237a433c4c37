/**
 * 3. Update the weights of a particle: one step of weight decay, w − learningRate · w.
 * 0.5 at a learning rate of 0.1 becomes 0.45.
 */
import { pathToFileURL } from 'node:url';
import { createParticle, describeParticle, updateWeights } from 'sora';

export default function example(): string {
  const particle = createParticle({
    features: [
      [1, 2],
      [3, 4],
    ],
    labels: [0, 1],
    weights: [0.5, 0.5],
  });
  return describeParticle(updateWeights(particle, 0.1));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(example());

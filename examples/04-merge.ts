/**
 * 4. Merge two particles: features stacked, labels and weights joined, rows in order.
 */
import { pathToFileURL } from 'node:url';
import { createParticle, describeParticle, mergeParticles } from 'sora';

export default function example(): string {
  const first = createParticle({
    features: [
      [1, 2],
      [3, 4],
    ],
    labels: [0, 1],
    weights: [0.5, 0.5],
  });
  const second = createParticle({
    features: [
      [5, 6],
      [7, 8],
    ],
    labels: [1, 0],
    weights: [0.6, 0.4],
  });
  return describeParticle(mergeParticles([first, second]));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(example());

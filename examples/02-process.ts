/**
 * 2. Process a particle: log1p of the features, squares of the labels.
 * A particle never changes: processing gives a new one, with a name of its own.
 */
import { pathToFileURL } from 'node:url';
import { createParticle, describeParticle, processParticle } from 'sora';

export default function example(): string {
  const particle = createParticle({
    features: [
      [1, 2],
      [3, 4],
    ],
    labels: [0, 1],
  });
  const processed = processParticle(particle, {
    features: Math.log1p,
    labels: (label) => label ** 2,
  });
  return describeParticle(processed);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(example());

/**
 * 1. Create a particle from features and labels, and print it.
 */
import { pathToFileURL } from 'node:url';
import { createParticle, describeParticle } from 'sora';

export default function example(): string {
  const particle = createParticle({
    features: [
      [1, 2],
      [3, 4],
    ],
    labels: [0, 1],
  });
  return describeParticle(particle);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(example());

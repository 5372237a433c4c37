import { describe, expect, it } from 'vitest';
import { createParticle } from '../particle/create.ts';
import type { Particle } from '../particle/particle.ts';
import { inlineExecutor } from '../run/inline.ts';
import { memoryParticles } from '../run/memory-source.ts';
import type { PartialCache } from '../run/session.ts';
import { summaryReference } from '../summary/catalog.ts';
import { profile } from '../summary/profile.ts';
import { PartialTree } from './partial-tree.ts';

function particle(seed: number): Particle {
  return createParticle({
    columns: { x: Array.from({ length: 20 }, (_, row) => Math.sin(seed * 20 + row)) },
  });
}

function cacheOf(
  entries = new Map<string, Uint8Array>(),
): PartialCache & { entries: Map<string, Uint8Array> } {
  return { entries, get: (key) => entries.get(key), put: (key, bytes) => void entries.set(key, bytes) };
}

/** Plays the round over the particles with the cache. */
async function play(particles: readonly Particle[], partials: PartialCache | undefined) {
  const executor = inlineExecutor();
  const memory = memoryParticles(particles);
  const session = await executor.open({ ...memory, partials });
  const result = await session.reduce({ summary: summaryReference('profile', {}), keep: 'nodes' });
  await executor.close();
  return { refs: memory.particles, ...result };
}

describe('PartialTree', () => {
  it.each([
    1, 2, 3, 5, 8, 13, 16, 21,
  ])('leaves the root of %i particles where the round looks', async (count) => {
    const particles = Array.from({ length: count }, (_, i) => particle(i));
    const plain = await play(particles, undefined);
    const summary = profile({});
    const cache = cacheOf();
    const tree = new PartialTree(summary as never, cache);
    for (const [index, one] of particles.entries()) {
      const state = summary.empty();
      summary.observe(state, one);
      tree.add(plain.refs[index], summary.codec.encode(state));
    }
    tree.end();
    const seeded = await play(particles, cache);
    expect(seeded.observed).toBe(0);
    expect(seeded.value).toEqual(plain.value);
    expect(summary.codec.encode(seeded.state as never)).toEqual(summary.codec.encode(plain.state as never));
  });

  it('lets an append observe only particles outside of whole nodes of eight', async () => {
    const particles = Array.from({ length: 18 }, (_, i) => particle(i));
    const { refs } = await play(particles, undefined);
    const summary = profile({});
    const cache = cacheOf();
    const tree = new PartialTree(summary as never, cache);
    for (const [index, one] of particles.entries()) {
      const state = summary.empty();
      summary.observe(state, one);
      tree.add(refs[index], summary.codec.encode(state));
    }
    tree.end();
    const grown = await play([...particles, particle(18)], cache);
    expect(grown.observed).toBe(3);
  });

  it('keeps nothing of nothing', () => {
    const cache = cacheOf();
    new PartialTree(profile({}) as never, cache).end();
    expect(cache.entries.size).toBe(0);
  });
});

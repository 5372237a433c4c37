import { afterEach, describe, expect, it } from 'vitest';
import { arena, configureMemory, isResident, MAX_MEMORY_BYTES, memoryBytes, scratch } from './memory.ts';

describe('kernel memory', () => {
  configureMemory({ bytes: 32 * 1024 * 1024 });
  const arenaStart = arena.mark();
  const scratchStart = scratch.mark();
  afterEach(() => {
    arena.reset(arenaStart);
    scratch.reset(scratchStart);
  });

  it('refuses sizes out of range and a change after use', () => {
    expect(() => configureMemory({ bytes: 10 })).toThrow(/out of range/);
    expect(() => configureMemory({ bytes: MAX_MEMORY_BYTES + 1 })).toThrow(/out of range/);
    expect(() => configureMemory({ bytes: 64 * 1024 * 1024 })).toThrow(/in use/);
    expect(() => configureMemory({ bytes: 32 * 1024 * 1024 })).not.toThrow();
    expect(memoryBytes()).toBe(32 * 1024 * 1024);
  });

  it('gives aligned arrays that do not overlap', () => {
    const a = arena.alloc(Uint8Array, 5)!.fill(1);
    const b = arena.alloc(Float64Array, 3)!.fill(2);
    const c = scratch.alloc(Float32Array, 7)!.fill(3);
    const d = scratch.alloc(Uint32Array, 1)!.fill(4);
    for (const array of [a, b, c, d]) expect(array.byteOffset % 16).toBe(0);
    expect([...a, ...b, ...c, ...d]).toEqual([1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4]);
    expect([a, b, c, d].every(isResident)).toBe(true);
    expect(isResident(new Float64Array(2))).toBe(false);
  });

  it('is full at its end, keeps the reserve for scratch, and frees by mark', () => {
    const free = arena.free();
    expect(arena.alloc(Uint8Array, free + 1)).toBeUndefined();
    const all = arena.alloc(Uint8Array, free)!;
    expect(all.length).toBe(free);
    expect(arena.free()).toBe(0);
    expect(scratch.free()).toBeGreaterThanOrEqual(4 * 1024 * 1024);
    expect(scratch.alloc(Uint8Array, scratch.free())).toBeDefined();
    expect(scratch.alloc(Float64Array, 2)).toBeUndefined();
    arena.reset(arenaStart);
    scratch.reset(scratchStart);
    expect(arena.free()).toBe(free);
  });

  it('lets scratch use what the arena has not taken', () => {
    expect(scratch.alloc(Uint8Array, 30 * 1024 * 1024)).toBeDefined();
    expect(arena.alloc(Uint8Array, 3 * 1024 * 1024)).toBeUndefined();
  });
});

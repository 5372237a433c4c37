import { describe, expect, it } from 'vitest';
import { ReusedBytes } from './reused-bytes.ts';

describe('ReusedBytes', () => {
  it('gives the same memory again, of the length that is asked for', () => {
    const memory = new ReusedBytes();
    const first = memory.take(100);
    expect(first).toHaveLength(100);
    const second = memory.take(10);
    expect(second).toHaveLength(10);
    expect(second.buffer).toBe(first.buffer);
  });

  it('gives more where that is not enough, and zeros whatever was there', () => {
    const memory = new ReusedBytes();
    memory.take(8).fill(255);
    expect(memory.zeros(2)).toEqual(new Float32Array(2));
    expect(memory.zeros(1000)).toEqual(new Float32Array(1000));
    expect(memory.take(0)).toHaveLength(0);
  });
});

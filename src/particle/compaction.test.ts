import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Cut, compactionPlan, isKept, largestRows, type ParticleSize } from './compaction.ts';
import { MAX_BYTES, MAX_ROWS, particleRows } from './size.ts';

const sizes = fc.array(
  fc.record({
    rows: fc.oneof(fc.nat({ max: 300 }), fc.nat({ max: 400_000 })),
    bytes: fc.oneof(fc.nat({ max: 20_000 }), fc.nat({ max: 30_000_000 })),
  }),
  { maxLength: 60 },
);

/** Sizes after the plan; bytes are taken to lie evenly over rows. */
function carriedOut(before: readonly ParticleSize[]): ParticleSize[] {
  return compactionPlan(before).map((cut) => {
    const parts = cut.map(({ at, from, to }) => {
      const { rows, bytes } = before[at];
      return { rows: to - from, bytes: rows === 0 ? bytes : (bytes * (to - from)) / rows };
    });
    const sum = (key: keyof ParticleSize) => parts.reduce((total, part) => total + part[key], 0);
    return { rows: sum('rows'), bytes: sum('bytes') };
  });
}

const rowsOf = (list: readonly ParticleSize[]) => list.reduce((sum, { rows }) => sum + rows, 0);
const allKept = (list: readonly ParticleSize[]) => {
  const plan = compactionPlan(list);
  return plan.length === list.length && plan.every((cut: Cut) => isKept(cut, list));
};

/** What ingest makes of so many rows. */
function ingested(rows: number, bytesPerRow: number): ParticleSize[] {
  const list: ParticleSize[] = [];
  for (let left = rows; left > 0; left -= list[list.length - 1].rows) {
    const size = Math.min(left, particleRows(list.length, bytesPerRow));
    list.push({ rows: size, bytes: size * bytesPerRow });
  }
  return list;
}

describe('compaction plan', () => {
  it('takes every row once, in order', () => {
    fc.assert(
      fc.property(sizes, (before) => {
        const parts = compactionPlan(before).flat();
        let [at, row] = [0, 0];
        for (const part of parts) {
          expect(part).toMatchObject({ at, from: row });
          row = part.to;
          if (row === before[at].rows) [at, row] = [at + 1, 0];
        }
        expect(at).toBe(before.length);
      }),
    );
  });

  it('keeps what it has made', () => {
    fc.assert(
      fc.property(sizes, (before) => {
        const after = carriedOut(before);
        const again = carriedOut(after);
        expect(again.map(({ rows }) => rows)).toEqual(after.map(({ rows }) => rows));
      }),
    );
  });

  it('stays within the limits where it changes something', () => {
    fc.assert(
      fc.property(sizes, (before) => {
        const most = largestRows(rowsOf(before));
        const plan = compactionPlan(before);
        carriedOut(before).forEach(({ rows, bytes }, index) => {
          if (isKept(plan[index], before)) return;
          expect(rows).toBeLessThanOrEqual(most);
          expect(bytes <= MAX_BYTES * 1.000001 || rows < 512).toBe(true);
        });
      }),
    );
  });

  it('keeps what ingest has cut', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 3_000_000 }),
        fc.integer({ min: 1, max: 2000 }),
        (rows, width) => {
          const list = ingested(rows, width);
          expect(allKept(list)).toBe(true);
        },
      ),
    );
  });

  it('makes few of many small ones, as ingest would have', () => {
    const after = carriedOut(Array.from({ length: 1000 }, () => ({ rows: 100, bytes: 8000 })));
    expect(after.length).toBeLessThanOrEqual(20);
    expect(after[0].rows).toBe(4000);
    expect(after.every(({ rows }, index) => rows <= particleRows(index, 80))).toBe(true);
    const oneByOne = carriedOut(Array.from({ length: 5000 }, () => ({ rows: 1, bytes: 80 })));
    expect(oneByOne.map(({ rows }) => rows)).toEqual([4096, 904]);
  });

  it('does not write a large particle again for a small one behind it', () => {
    const grown = [...ingested(229_376, 80), { rows: 3, bytes: 240 }];
    expect(allKept(grown)).toBe(true);
    expect(carriedOut([...grown, { rows: 5, bytes: 400 }])).toHaveLength(grown.length);
  });

  it('splits what is more than twice too large', () => {
    const plan = compactionPlan([{ rows: 400_000, bytes: 1 }]);
    expect(plan.length).toBeGreaterThanOrEqual(8);
    expect(plan.every(([{ from, to }]) => to - from <= largestRows(400_000))).toBe(true);
    const wide = carriedOut([{ rows: 10_000, bytes: 10 * MAX_BYTES }]);
    expect(wide).toHaveLength(10);
    expect(compactionPlan([{ rows: 300, bytes: 100 * MAX_BYTES }])).toHaveLength(1);
  });

  it('has nothing to do for nothing', () => {
    expect(compactionPlan([])).toEqual([]);
    expect(allKept([{ rows: 0, bytes: 0 }])).toBe(true);
    expect(
      compactionPlan([
        { rows: 0, bytes: 0 },
        { rows: 0, bytes: 0 },
      ]),
    ).toHaveLength(1);
  });
});

describe('largest rows', () => {
  it('are those of the last particle of an ingest', () => {
    for (const rows of [0, 1, 4096, 32_769, 1e5, 1e6, 1e7]) {
      const sizes = ingested(rows, 1).map((size) => size.rows);
      const expected = particleRows(Math.max(0, sizes.length - 1), 1);
      expect(largestRows(rows)).toBe(expected);
    }
    expect(largestRows(1e12)).toBe(MAX_ROWS);
  });
});

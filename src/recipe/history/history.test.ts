import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Column, NumberColumn } from '../../particle/column.ts';
import { isPresent } from '../../particle/column.ts';
import { createParticle } from '../../particle/create.ts';
import type { Value } from '../../particle/from-values.ts';
import type { Particle } from '../../particle/particle.ts';
import { selectRows, sliceParticle } from '../../particle/select.ts';
import { History, OutOfOrder } from './history.ts';
import { orderOf } from './order.ts';
import { type HistoryRequest, historySpec } from './spec.ts';
import { decodeState, encodeState } from './state.ts';

const HOUR = 3_600_000;

interface Row {
  readonly at: number | null;
  readonly key: string;
  readonly y: number | null;
  readonly x: number | null;
  readonly kind: string;
}

function particleOf(rows: readonly Row[]): Particle {
  const column = <T extends Value>(of: (row: Row) => T) => rows.map(of);
  return createParticle({
    columns: {
      at: column(({ at }) => (at === null ? null : at * HOUR)),
      key: column(({ key }) => key),
      y: column(({ y }) => y),
      x: column(({ x }) => x),
      kind: column(({ kind }) => kind),
    },
    roles: { at: 'time', key: 'key', y: 'label' },
    types: { at: 'timestamp', key: 'category', y: 'number', x: 'number', kind: 'category' },
  });
}

function cells(column: Column): (number | string | null)[] {
  const length = column.type === 'category' ? column.codes.length : (column as NumberColumn).values.length;
  return Array.from({ length }, (_, row) => {
    if (!isPresent(column.validity, row)) return null;
    return column.type === 'category'
      ? column.dictionary[column.codes[row]]
      : (column as NumberColumn).values[row];
  });
}

function derived(rows: readonly Row[], request: HistoryRequest): (number | string | null)[][] {
  const particle = particleOf(rows);
  const history = new History(historySpec(particle.schema, request));
  const timed = history.extract(particle);
  return history.columns(history.follow(timed, orderOf(timed))).map(cells);
}

const hourly = (ys: readonly (number | null)[]): Row[] =>
  ys.map((y, at) => ({ at, key: 'a', y, x: y, kind: y === null || y < 3 ? 'low' : 'high' }));

interface Golden {
  readonly rows: readonly { readonly at: number; readonly key: string; readonly x: number | null }[];
  readonly features: Readonly<Record<string, readonly (number | null)[]>>;
}

describe('pandas (fixtures/pandas.json, scripts/goldens/history.py)', () => {
  const text = readFileSync(new URL('./fixtures/pandas.json', import.meta.url), 'utf8');
  const { rows, features } = JSON.parse(text) as Golden;
  const names = Object.keys(features);
  const list = rows.map((row) => ({ ...row, y: null, kind: 'a' }));
  const found = derived(list, {
    by: 'key',
    lags: ['x:1,3,10,6h'],
    rolling: ['mean', 'std', 'min', 'max', 'count'].flatMap((name) => [`x:${name}:7`, `x:${name}:9h`]),
  });

  it.each(names.map((name, at) => [name, at] as const))('says the same of %s', (name, at) => {
    expect(found).toHaveLength(names.length);
    expect(found[at]).toHaveLength(120);
    for (const [row, expected] of features[name].entries()) {
      const value = found[at][row];
      if (expected === null) expect(value).toBeNull();
      // Features are stored as f32; pandas adds and subtracts where a window moves, so that deviations are less exact.
      else
        expect(Math.abs((value as number) - expected)).toBeLessThan(1e-5 * Math.max(1, Math.abs(expected)));
    }
  });
});

describe('features over time', () => {
  it('tells a row the values of earlier rows', () => {
    const [one, two] = derived(hourly([1, 2, 3, 4]), { lags: ['y:1', '2'] });
    expect(one).toEqual([null, 1, 2, 3]);
    expect(two).toEqual([null, null, 1, 2]);
  });

  it('reads statistics of the rows before, without missing values', () => {
    const of = (statistic: string) => derived(hourly([1, 2, null, 5]), { rolling: [`y:${statistic}:3`] })[0];
    expect(of('mean')).toEqual([null, 1, 1.5, 1.5]);
    expect(of('count')).toEqual([0, 1, 2, 2]);
    expect(of('min')).toEqual([null, 1, 1, 1]);
    expect(of('max')).toEqual([null, 1, 2, 2]);
    expect(of('std')).toEqual([null, null, Math.fround(Math.SQRT1_2), Math.fround(Math.SQRT1_2)]);
  });

  it('counts distances in time: a window is [t - d, t), a lag the newest row at t - d or before', () => {
    const rows = hourly([1, 2, 3, 4, 5, 6]).filter(({ at }) => at !== 3);
    const [lag, mean] = derived(rows, { lags: ['y:2h'], rolling: ['y:mean:2h'] });
    expect(lag).toEqual([null, null, 1, 3, 3]);
    expect(mean).toEqual([null, 1, 1.5, 3, 5]);
  });

  it('keeps series apart, and rows of one time from each other', () => {
    const rows: Row[] = [
      { at: 0, key: 'a', y: 1, x: 1, kind: 'low' },
      { at: 0, key: 'b', y: 10, x: 1, kind: 'low' },
      { at: 1, key: 'a', y: 2, x: 1, kind: 'low' },
      { at: 1, key: 'a', y: 3, x: 1, kind: 'low' },
      { at: 2, key: 'b', y: 20, x: 1, kind: 'low' },
      { at: 2, key: 'a', y: 4, x: 1, kind: 'low' },
    ];
    expect(derived(rows, { lags: ['y:1'] })[0]).toEqual([null, null, 1, 1, 10, 3]);
  });

  it('counts hours since an event, and lags categories', () => {
    const rows = hourly([1, 4, 1, 1, 5]);
    const [lag, since] = derived(rows, { lags: ['kind:1'], since: ['kind=high'] });
    expect(lag).toEqual([null, 'low', 'high', 'low', 'low']);
    expect(since).toEqual([null, null, 1, 2, 3]);
  });

  it('hides the target of the horizon, and not the features', () => {
    const [y, x] = derived(hourly([1, 2, 3, 4, 5, 6]), {
      rolling: ['y:mean:2', 'x:mean:2'],
      horizon: '3',
    });
    expect(y).toEqual([null, null, null, 1, 1.5, 2.5]);
    expect(x).toEqual([null, 1, 1.5, 2.5, 3.5, 4.5]);
    const timed = derived(hourly([1, 2, 3, 4, 5, 6]), {
      rolling: ['y:mean:2h'],
      lags: ['y:3h'],
      horizon: '3h',
    });
    expect(timed).toEqual([
      [null, null, null, 1, 2, 3],
      [null, null, null, 1, 1.5, 2.5],
    ]);
  });

  it('tells nothing to rows without a time, and nothing of them', () => {
    const rows = [
      ...hourly([1, 2]),
      { at: null, key: 'a', y: 9, x: 9, kind: 'high' },
      { ...hourly([0, 0, 3])[2] },
    ];
    expect(derived(rows, { lags: ['y:1'] })[0]).toEqual([null, 1, null, 2]);
  });

  it('refuses what would see the future, and what it cannot read', () => {
    const refused = (request: HistoryRequest) => () => derived(hourly([1, 2]), request);
    expect(refused({ lags: ['y:1'], horizon: '24' })).toThrow(/not known 24 ahead/);
    expect(refused({ lags: ['y:1'], horizon: '24h' })).toThrow(/both in rows, or both as times/);
    expect(refused({ lags: ['24'] })).toThrow(/name the column first/);
    expect(refused({ lags: ['y:1x'] })).toThrow(/units are/);
    expect(refused({ lags: ['y:0'] })).toThrow(/give rows/);
    expect(refused({ lags: ['z:1'] })).toThrow(expect.objectContaining({ code: 'not-found' }));
    expect(refused({ rolling: ['y:median:3'] })).toThrow(/the statistics are mean/);
    expect(refused({ rolling: ['kind:mean:3'] })).toThrow(/type category/);
    expect(refused({ since: ['kind'] })).toThrow(/column=value/);
    expect(refused({ since: ['x=hot'] })).toThrow(/"x=hot".*never has that value; give a number/);
    expect(refused({ since: ['x=2', 'x=-0.5'] })).not.toThrow();
    expect(refused({ lags: ['y:1', 'y:1'] })).toThrow(/there already/);
  });

  it('says that a row is out of order', () => {
    const particle = particleOf([...hourly([1, 2])].reverse());
    const history = new History(historySpec(particle.schema, { lags: ['y:1'] }));
    expect(() => history.derive(particle)).toThrow(OutOfOrder);
  });
});

const request: HistoryRequest = {
  lags: ['y:2,5', 'x:1,3h', 'kind:1'],
  rolling: ['y:mean:3', 'y:std:3', 'x:min:4h', 'x:max:4h', 'x:count:2'],
  since: ['kind=high', 'x'],
  horizon: '2',
};
/** Spans of time of the target need a horizon that is one. */
const timedRequest: HistoryRequest = {
  lags: ['y:2h,7h', 'x:1'],
  rolling: ['y:mean:3h', 'y:count:9h'],
  since: ['y'],
  horizon: '2h',
};

const rowsOf = fc
  .array(
    fc.record({
      step: fc.integer({ min: 0, max: 3 }),
      key: fc.constantFrom('a', 'b'),
      y: fc.option(fc.integer({ min: -5, max: 5 }), { freq: 8 }),
      x: fc.option(fc.integer({ min: 0, max: 3 }), { freq: 8 }),
      kind: fc.constantFrom('low', 'high'),
      timed: fc.integer({ min: 0, max: 9 }),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((list) => {
    let at = 0;
    return list.map(({ step, timed, ...row }): Row => {
      at += step;
      return { ...row, at: timed === 0 ? null : at };
    });
  });

describe.each([
  ['rows', request],
  ['times', timedRequest],
])('laws of features over time, in %s', (_, asked) => {
  it('no row, label or value of a later time changes the features of a row', () => {
    fc.assert(
      fc.property(rowsOf, fc.nat(), fc.integer({ min: 6, max: 9 }), (rows, pick, other) => {
        const at = rows[pick % rows.length].at ?? 0;
        const changed = rows.map((row) =>
          row.at !== null && row.at >= at ? { ...row, y: other, x: other, kind: 'high' } : row,
        );
        const gone = changed.filter((row) => row.at === null || row.at <= at);
        const [before, after, shorter] = [rows, changed, gone].map((list) => derived(list, asked));
        rows.forEach((row, i) => {
          if (row.at === null || row.at > at) return;
          for (const f of before.keys()) expect(after[f][i]).toEqual(before[f][i]);
        });
        const rest = changed.flatMap((row, i) => (row.at === null || row.at <= at ? [i] : []));
        for (const f of before.keys()) expect(shorter[f]).toEqual(rest.map((i) => after[f][i]));
      }),
    );
  });

  it('the target of the horizon changes nothing either', () => {
    fc.assert(
      fc.property(rowsOf, fc.nat(), (rows, pick) => {
        const alone = rows.map((row) => ({ ...row, key: 'a' }));
        const i = pick % alone.length;
        const changed = alone.map((row, at) => (at === i ? { ...row, y: 77 } : row));
        const [before, after] = [alone, changed].map((list) => derived(list, asked));
        // With distances in rows the next row of the series, with times those less than two hours later.
        const at = alone[i].at;
        const later = alone.flatMap((row, j) => (at !== null && row.at !== null && row.at > at ? [j] : []));
        const following = alone.findIndex((row, j) => j > i && row.at !== null);
        const next =
          asked.horizon === '2'
            ? later.filter((j) => j === following)
            : later.filter((j) => (alone[j].at as number) < (at as number) + 2);
        for (const f of before.keys()) {
          expect(after[f][i]).toEqual(before[f][i]);
          for (const j of next) expect(after[f][j]).toEqual(before[f][j]);
        }
      }),
    );
  });

  it('rows in any order, cut anywhere and carried as bytes get the same features', () => {
    fc.assert(
      fc.property(rowsOf, fc.array(fc.nat({ max: 39 }), { maxLength: 3 }), fc.nat(), (rows, cuts, turn) => {
        const expected = derived(rows, asked);
        const ordered = rows
          .map((_, i) => i)
          .sort((a, b) => (rows[a].at ?? 1e9) - (rows[b].at ?? 1e9) || a - b);
        const particle = selectRows(particleOf(rows), Uint32Array.from(ordered));
        const spec = historySpec(particle.schema, asked);
        let history = new History(spec);
        const parts: (number | string | null)[][] = expected.map(() => []);
        const borders = [
          0,
          ...cuts.map((cut) => Math.min(cut, rows.length)).sort((a, b) => a - b),
          rows.length,
        ];
        for (let i = 1; i < borders.length; i++) {
          const columns = history.derive(sliceParticle(particle, borders[i - 1], borders[i])).map(cells);
          for (const [f, column] of columns.entries()) parts[f].push(...column);
          const bytes = encodeState(history.state());
          history = new History(spec, decodeState(bytes));
          expect(encodeState(history.state())).toEqual(bytes);
        }
        for (const f of expected.keys()) expect(parts[f]).toEqual(ordered.map((i) => expected[f][i]));
        // A file whose rows stand otherwise: among rows of one time their order stays.
        const shuffled = rows
          .map((_, i) => i)
          .sort((a, b) => ((a * 7 + turn) % 5) - ((b * 7 + turn) % 5) || a - b);
        const stable = shuffled.every((i, p) =>
          shuffled.slice(p + 1).every((j) => rows[i].at !== rows[j].at || i < j),
        );
        fc.pre(stable);
        const again = derived(
          shuffled.map((i) => rows[i]),
          asked,
        );
        for (const f of expected.keys()) expect(again[f]).toEqual(shuffled.map((i) => expected[f][i]));
      }),
    );
  });
});

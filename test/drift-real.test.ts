/** `drift` on real data: green taxis from year to year, an electricity market over time, seasons of bikes and of traffic. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { drift } from '../src/pipeline/drift.ts';
import { isThere, realPath } from './real-data.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-drift-real-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Result = Awaited<ReturnType<typeof drift>>;
const levels = ({ columns }: Result) => Object.fromEntries(columns.map(({ name, level }) => [name, level]));

/** A CSV file of the rows that `keep` takes. */
function rowsOf(file: string, name: string, keep: (cells: Record<string, string>) => boolean): string {
  const bytes = readFileSync(realPath(file));
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trim();
  const [head, ...lines] = text.split(/\r?\n/);
  const names = head.split(',');
  const kept = lines.filter((line) => {
    const cells = line.split(',');
    return keep(Object.fromEntries(names.map((one, i) => [one, cells[i]])));
  });
  const path = join(folder, name);
  writeFileSync(path, `${[head, ...kept].join('\n')}\n`);
  return path;
}

it('green taxis: trips of 2022 and 2024 differ where they start, hardly in how far they go', async () => {
  const [before, after] = ['2022', '2024'].map((year) => `nyc_green_taxi/green_tripdata_${year}-01.parquet`);
  if (![before, after].every(isThere)) return;
  const dates = ['lpep_pickup_datetime', 'lpep_dropoff_datetime'];
  const result = await drift(realPath(before), { against: realPath(after), ignore: dates });
  expect(result.rows).toEqual({ reference: 62_495, against: 56_551 });
  expect(result.columns[0].name).toBe('PULocationID');
  expect(result.columns[0].psi).toBeGreaterThan(0.05);
  expect(result.level).toBe('none');
  expect(result.columns.every(({ ks }) => (ks?.corrected ?? 1) < 0.001)).toBe(true);
  expect(result.incomparable.length).toBe(15);
});

it('the electricity market: Victoria joins in the second half; hours of the day stay', async () => {
  if (!isThere('elec2/elec.csv')) return;
  const result = await drift(realPath('elec2/elec.csv'), { target: 'class', failOver: 0.25 });
  expect(levels(result)).toEqual({
    vicprice: 'large',
    transfer: 'large',
    nswprice: 'large',
    vicdemand: 'large',
    nswdemand: 'none',
    class: 'none',
    period: 'none',
  });
  expect(result.failed).toBe(true);
});

it('bikes: winter and summer differ in temperature and in the number hired, not in the hour', async () => {
  const file = 'bike_sharing/hour.csv';
  if (!isThere(file)) return;
  const [winter, summer] = ['1', '3'].map((season) =>
    rowsOf(file, `season${season}.csv`, (row) => row.season === season),
  );
  const result = await drift(winter, {
    against: summer,
    target: 'cnt',
    ignore: ['instant', 'dteday', 'season', 'mnth'],
  });
  expect(levels(result)).toMatchObject({
    temp: 'large',
    atemp: 'large',
    cnt: 'large',
    hr: 'none',
    weekday: 'none',
  });
  expect(result.verdict).toMatch(/the label cnt is among them/);
});

it('traffic: months differ in temperature, hours and volume hardly', async () => {
  const file = 'metro_traffic/Metro_Interstate_Traffic_Volume.csv.gz';
  if (!isThere(file)) return;
  const [winter, summer] = ['01', '07'].map((month) =>
    rowsOf(file, `month${month}.csv`, ({ date_time: time }) => time.slice(5, 7) === month),
  );
  const result = await drift(winter, { against: summer, target: 'traffic_volume', ignore: ['date_time'] });
  expect(levels(result)).toMatchObject({ temp: 'large', traffic_volume: 'none' });
});

/** Real files, as people publish them: row counts were counted by other means. */
import { describe, expect, it } from 'vitest';
import { readTable } from './table.ts';
import { dataFolder, readWhole, realData } from './test-support.ts';

interface Expected {
  readonly rows: number;
  readonly types: Readonly<Record<string, string>>;
  readonly columns: number;
}

const FILES: readonly (readonly [string, Expected])[] = [
  [
    'adult/adult.data',
    { rows: 32_561, columns: 15, types: { column1: 'number', column2: 'category', column15: 'category' } },
  ],
  [
    'credit_default_taiwan/UCI_Credit_Card.csv',
    { rows: 30_000, columns: 25, types: { ID: 'number', 'default.payment.next.month': 'number' } },
  ],
  [
    'bank_marketing/bank-full.csv',
    { rows: 45_211, columns: 17, types: { age: 'number', job: 'category', y: 'category' } },
  ],
  [
    'titanic/train.csv',
    { rows: 891, columns: 12, types: { Age: 'number', Name: 'text', Ticket: 'category', Cabin: 'category' } },
  ],
  ['sms_spam/SMSSpamCollection', { rows: 5574, columns: 2, types: { column1: 'category', column2: 'text' } }],
  [
    'hflights/hflights.derived.csv.gz',
    { rows: 227_496, columns: 21, types: { ArrDelay: 'number', TailNum: 'category' } },
  ],
  [
    'online_retail/online_retail.parquet',
    {
      rows: 541_909,
      columns: 8,
      types: { InvoiceDate: 'timestamp', Description: 'category', UnitPrice: 'number' },
    },
  ],
  ['a9a/a9a.derived.libsvm', { rows: 32_561, columns: 2, types: { label: 'number', features: 'sparse' } }],
  ['w8a/w8a', { rows: 49_749, columns: 2, types: { label: 'number', features: 'sparse' } }],
  [
    'us_flights_200k/flights-200k.arrow',
    { rows: 200_000, columns: 3, types: { delay: 'number', distance: 'number', time: 'number' } },
  ],
  [
    'kdd99/kddcup.data_10_percent.gz',
    { rows: 494_021, columns: 42, types: { column1: 'number', column2: 'category', column42: 'category' } },
  ],
  [
    'nyc_green_taxi/green_tripdata_2023-01.parquet',
    { rows: 68_211, columns: 20, types: { lpep_pickup_datetime: 'timestamp', fare_amount: 'number' } },
  ],
  [
    'freMTPL2/freMTPL2freq.derived.csv.gz',
    { rows: 678_013, columns: 12, types: { ClaimNb: 'number', Area: 'category' } },
  ],
  ['ames_housing/ames.csv.gz', { rows: 2930, columns: 83, types: { price: 'number' } }],
  [
    'california_housing/housing.csv',
    { rows: 20_640, columns: 10, types: { ocean_proximity: 'category', total_bedrooms: 'number' } },
  ],
  [
    'newsgroups20/20_newsgroups.derived.jsonl.gz',
    { rows: 19_997, columns: 3, types: { label: 'category', text: 'text' } },
  ],
];

describe(`real data in ${dataFolder}`, () => {
  it.each(FILES)('%s', async (name, expected) => {
    const { path, there } = realData(name);
    if (!there) return console.warn(`${name} is not there; set SORA_DATA to the folder of the data sets.`);
    const table = await readTable(path);
    let rows = 0;
    for await (const particle of table.particles) rows += particle.rows;
    const types = Object.fromEntries(table.schema.fields.map((field) => [field.name, field.type]));
    expect(rows).toBe(expected.rows);
    expect(table.schema.fields).toHaveLength(expected.columns);
    expect(types).toMatchObject(expected.types);
  });

  it('Adult: spaces after delimiters are no part of values, ? is missing', async () => {
    const { path, there } = realData('adult/adult.data');
    if (!there) return console.warn('adult is not there; set SORA_DATA to the folder of the data sets.');
    const { rows } = await readWhole(path);
    expect(rows[0]).toMatchObject({ column1: 39, column2: 'State-gov', column15: '<=50K' });
    expect(rows.filter((row) => row.column2 === null)).toHaveLength(1836);
    expect(rows.filter((row) => row.column15 === '>50K')).toHaveLength(7841);
  });

  it('Titanic: delimiters and quotes inside of names', async () => {
    const { path, there } = realData('titanic/train.csv');
    if (!there) return console.warn('titanic is not there; set SORA_DATA to the folder of the data sets.');
    const { rows, roles } = await readWhole(path, { target: 'Survived' });
    expect(rows[0]).toMatchObject({ Name: 'Braund, Mr. Owen Harris', Age: 22, Cabin: null });
    expect(rows[22].Name).toBe("McGowan, Miss. Anna 'Annie'");
    expect(roles).toMatchObject({ PassengerId: 'ignore', Survived: 'label' });
    expect(rows.filter((row) => row.Age === null)).toHaveLength(177);
  });

  it('freMTPL2: exposure is found', async () => {
    const { path, there } = realData('freMTPL2/freMTPL2freq.derived.csv.gz');
    if (!there) return console.warn('freMTPL2 is not there; set SORA_DATA to the folder of the data sets.');
    const table = await readTable(path, { target: 'ClaimNb' });
    const roles = Object.fromEntries(table.schema.fields.map((field) => [field.name, field.role]));
    await table.close();
    expect(roles).toMatchObject({ ClaimNb: 'label', Exposure: 'exposure' });
  });
});

/**
 * Drift that was put in, over seeds, for each detector with its defaults, and KSWIN with larger samples: how much of it is found, how late, and at how many
 * false alarms per 10,000 rows (drift-measure.mjs says what counts as what). `npm run build` first.
 *
 *     node bench/stream/drift.mjs [--seeds 100] [--detectors adwin,ddm]
 */
import { parseArgs } from 'node:util';
import { createOnline, createParticle } from '../../dist/index.js';
import { printTable, writeResult } from '../common.mjs';
import { measureDrift, WITHIN } from './drift-measure.mjs';

const DETECTORS = {
  adwin: 'adwin',
  'page-hinkley': 'page-hinkley',
  kswin: 'kswin',
  'kswin-100': { name: 'kswin', alpha: 0.0001, window: 300, latest: 100 },
  ddm: 'ddm',
  'hddm-a': 'hddm-a',
};
const { values: args } = parseArgs({
  options: {
    seeds: { type: 'string', default: '100' },
    detectors: { type: 'string', default: Object.keys(DETECTORS).join(',') },
  },
});
const seeds = Number(args.seeds);
const results = {};
for (const name of args.detectors.split(',')) {
  const detector = DETECTORS[name];
  for (const kind of ['abrupt', 'gradual', 'recurring', 'none']) {
    const options = { detector, kind, rows: 15_000, period: 5000 };
    results[`${name}, ${kind}`] = measureDrift({ createOnline, createParticle }, options, seeds);
  }
}
printTable(
  [`within ${WITHIN} rows`, 'found', 'median delay', '95 % delay', 'false alarms / 10,000'],
  Object.entries(results).map(([name, { found, median, p95, alarms }]) => [
    name,
    found === undefined ? '' : `${(100 * found).toFixed(1)} %`,
    median ?? '',
    p95 ?? '',
    alarms.toFixed(2),
  ]),
);
writeResult('stream-drift', { seeds, rows: 15_000, period: 5000, within: WITHIN, results });

/**
 * How fast and how truly detectors find drift that was put in: an online model that starts anew at each drift it finds, on
 * a stream of known borders. What the model is made with is handed in, so that a test can measure sources, too.
 */
import { CONCEPTS, driftStream } from './drift-streams.mjs';

/** A border counts as found by the first drift up to so many rows after it begins; any drift elsewhere is a false alarm. */
export const WITHIN = 2500;
const WIDTH = 1000;

/** Drifts of one stream: delay of each border found (undefined: not found), false alarms, rows where those could be. */
export function driftsOf({ createOnline, createParticle }, { detector, kind, seed, rows, period }) {
  const stream = driftStream({
    concept: CONCEPTS[seed % CONCEPTS.length],
    kind: kind === 'none' ? 'abrupt' : kind,
    seed,
    rows,
    period: kind === 'none' ? rows : period,
    width: WIDTH,
  });
  const names = stream[0].x.map((_, i) => `x${i}`);
  const model = createOnline({
    learner: 'gaussian-bayes',
    features: Object.fromEntries(names.map((name) => [name, 'number'])),
    classes: [0, 1],
    drift: { detector, policy: 'window', keep: 0 },
  });
  const labels = stream.map(({ y }) => y);
  model.learnMany(createParticle({ features: stream.map(({ x }) => x), labels, names }));
  const found = model.takeEvents().filter(({ kind: what }) => what === 'drift');
  // A gradual change has 2 % of the new concept its width before its middle, 12 % half of that.
  const early = kind === 'gradual' ? WIDTH : 0;
  const borders = [];
  for (let row = period; kind !== 'none' && row < rows; row += period) borders.push(row - early);
  const isNear = ({ row }, border) => row >= border && row < border + WITHIN;
  const delays = borders.map((border) => found.find((event) => isNear(event, border))?.row - border);
  const alarms = found.filter((event) => !borders.some((border) => isNear(event, border))).length;
  return { delays, alarms, quietRows: rows - borders.length * WITHIN };
}

/** The same over seeds: share of borders found, median and 95 % delay, false alarms per 10,000 rows. */
export function measureDrift(sora, options, seeds) {
  const delays = [];
  let borders = 0;
  let alarms = 0;
  let quietRows = 0;
  for (let seed = 0; seed < seeds; seed++) {
    const one = driftsOf(sora, { ...options, seed });
    borders += one.delays.length;
    delays.push(...one.delays.filter((delay) => !Number.isNaN(delay)));
    alarms += one.alarms;
    quietRows += one.quietRows;
  }
  delays.sort((a, b) => a - b);
  // Delays of all borders, those not found last.
  const at = (share) => delays[Math.ceil(share * borders) - 1];
  return {
    found: borders === 0 ? undefined : delays.length / borders,
    median: at(0.5),
    p95: at(0.95),
    alarms: (10_000 * alarms) / quietRows,
  };
}

/** Real streams as particles, in their order, for tests and benches of online learners. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Features } from '../src/fit/online/source.ts';
import { createParticle } from '../src/particle/create.ts';
import type { Particle } from '../src/particle/particle.ts';
import { isThere, realPath } from './real-data.ts';

const BIKE = 'season yr mnth hr holiday weekday workingday weathersit temp atemp hum windspeed'.split(' ');

/** File, label and features (all others where absent) of each stream, as scripts/goldens/online.py has them. */
const STREAMS = {
  elec2: { file: 'elec2/elec.csv', target: 'class', columns: undefined },
  phishing: { file: 'phishing_stream/phishing.csv.gz', target: 'target', columns: undefined },
  weather: { file: 'noaa_weather/weather.csv.gz', target: 'target', columns: undefined },
  bike: { file: 'bike_sharing/hour.csv', target: 'cnt', columns: BIKE },
} as const;

export type StreamName = keyof typeof STREAMS;

export interface Stream {
  readonly particle: Particle;
  readonly features: Features;
}

/** The stream, or undefined, said on standard error, where its file is not there. */
export function readStream(name: StreamName): Stream | undefined {
  const { file, target, columns } = STREAMS[name];
  const path = [file, file.replace(/\.gz$/, '')].find((one) => existsSync(realPath(one)));
  if (path === undefined) {
    isThere(file);
    return undefined;
  }
  const bytes = readFileSync(realPath(path));
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  const [head, ...lines] = text.trim().split(/\r?\n/);
  const names = head.split(',');
  const cells = lines.map((line) => line.split(','));
  const chosen = columns ?? names.filter((one) => one !== target);
  const numbers = (one: string) => cells.map((row) => Number(row[names.indexOf(one)]));
  const particle = createParticle({
    columns: Object.fromEntries([...chosen, target].map((one) => [one, numbers(one)])),
    roles: { [target]: 'label' },
  });
  return { particle, features: Object.fromEntries(chosen.map((one) => [one, 'number' as const])) };
}

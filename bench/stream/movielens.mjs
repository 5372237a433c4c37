/** The ratings of MovieLens 100k with what is known of users and films; undefined where the data is not there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { DATA } from '../common.mjs';

const FOLDER = join(DATA, 'movielens_100k');
const AGES = [18, 25, 35, 45, 50, 56];
const YEARS = [1950, 1960, 1970, 1980, 1985, 1990, 1993, 1995, 1997];

/** Number of bounds at or below a number. */
const bandOf = (bounds, x) => bounds.filter((bound) => x >= bound).length;

const linesOf = (bytes, separator) =>
  bytes
    .toString('latin1')
    .trim()
    .split('\n')
    .map((line) => line.split(separator));

const read = (name) => readFileSync(join(FOLDER, name));

/**
 * Ratings in the order of the file, columns by name: user, item, rating, seconds, age band, gender, occupation, year band,
 * and genres as sparse entries of length 1.
 */
export function movieLens() {
  const file = ['u.data', 'u.data.gz'].find((name) => existsSync(join(FOLDER, name)));
  if (file === undefined) return undefined;
  const bytes = file.endsWith('.gz') ? gunzipSync(read(file)) : read(file);
  const users = new Map(
    linesOf(read('u.user'), '|').map(([id, age, gender, occupation]) => [
      id,
      { age: `a${bandOf(AGES, Number(age))}`, gender, occupation },
    ]),
  );
  const films = new Map(
    linesOf(read('u.item'), '|').map(([id, , date, , , ...flags]) => {
      const genres = flags.flatMap((flag, genre) => (flag.trim() === '1' ? [genre] : []));
      const value = 1 / Math.sqrt(genres.length);
      const year = date === '' ? 'unknown' : `y${bandOf(YEARS, Number(date.slice(-4)))}`;
      return [id, { year, genres: genres.map((genre) => [genre, value]) }];
    }),
  );
  return linesOf(bytes, '\t').map(([user, item, rating, seconds]) => ({
    ...{ user, item, rating: Number(rating), seconds: Number(seconds) },
    ...users.get(user),
    ...films.get(item),
  }));
}

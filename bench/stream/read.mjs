/** Real streams as particles: an entry of src/fit/online/fixtures/settings.json in, its rows in their order out. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createParticle } from '../../dist/index.js';
import { DATA } from '../common.mjs';
import { streamColumns } from './columns.mjs';

/** Throws where the file is not there. */
export function readStream({ file, ...spec }) {
  const path = [join(DATA, file), join(DATA, file).replace(/\.gz$/, '')].find(existsSync);
  if (path === undefined) throw new Error(`There is no ${file} in ${DATA}; SORA_DATA names the folder.`);
  const { columns, roles, features, classes } = streamColumns(path, spec);
  return { features, particle: createParticle({ columns, roles }), classes };
}

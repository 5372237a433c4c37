/** The README's first command after `npm ci`: builds, then trains on the census data that ships with the project. */
import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (...args) => execFileSync(process.execPath, args, { cwd: root, stdio: 'inherit' });

run('scripts/build.mjs');
console.log('\n$ sora train data/adult/adult.csv.gz --target income');
run('dist/cli/main.js', 'train', 'data/adult/adult.csv.gz', '--target', 'income');

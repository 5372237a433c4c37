/** The test command: build, lint, types, then every test; stops at the first step that fails. */
import { spawnSync } from 'node:child_process';

const STEPS = [
  ['build', 'node', ['scripts/build.mjs']],
  ['lint and format', 'npx', ['biome', 'ci', '.']],
  ['types', 'npx', ['tsc', '--noEmit']],
  ['unused code', 'npx', ['knip']],
  ['tests', 'npx', ['vitest', 'run']],
];

for (const [name, command, args] of STEPS) {
  console.log(`\n── ${name}`);
  const { status, error } = spawnSync(command, args, {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (error || status !== 0) {
    console.error(`\n${name} failed${error ? `: ${error.message}` : ''}.`);
    process.exit(status || 1);
  }
}

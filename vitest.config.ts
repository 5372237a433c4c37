import { defineConfig } from 'vitest/config';

/** Unit tests stand beside their sources, whole-system tests in `test/`; threads need `npm run build` first. */
export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
  },
});

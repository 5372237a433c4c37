/** The package itself: what it exports, what it depends on, and that every link in its documentation leads somewhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as sora from '../src/index.ts';
import { ROOT } from './cli.ts';

const PUBLIC = [
  'ERRORS',
  'SoraError',
  'backtest',
  'checkLaws',
  'compact',
  'createDriftDetector',
  'createOnline',
  'createParticle',
  'createParticleModel',
  'decodeParticle',
  'describeParticle',
  'drift',
  'encodeParticle',
  'evaluate',
  'explain',
  'exportModel',
  'fitGlm',
  'follow',
  'hashParticle',
  'importModel',
  'ingest',
  'inlineExecutor',
  'inspect',
  'loadModel',
  'mergeParticles',
  'nearly',
  'openFollowed',
  'openStore',
  'predict',
  'prequential',
  'processParticle',
  'reduceParticles',
  'resumeOnline',
  'splitParticle',
  'summaryReference',
  'taggedCodec',
  'threadExecutor',
  'train',
  'undoUpdate',
  'update',
  'updateWeights',
  'verify',
  'windowed',
];

const DEPENDENCIES = [
  '@duckdb/node-api',
  '@duckdb/node-bindings',
  '@foxglove/wasm-zstd',
  '@observablehq/plot',
  '@uwdata/flechette',
  'cli-progress',
  'commander',
  'fast-glob',
  'ioredis',
  'linkedom',
  'pg',
  'zod',
];

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

function pages(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      return ['node_modules', 'dist', 'tmp', '.git', 'coverage'].includes(entry.name) ? [] : pages(path);
    }
    return entry.name.endsWith('.md') ? [path] : [];
  });
}

describe('package', () => {
  it('exports the names that are listed, and no other', () => {
    expect(Object.keys(sora).sort()).toEqual(PUBLIC);
  });

  it('depends on what was decided, pinned exactly', () => {
    expect(Object.keys(manifest.dependencies).sort()).toEqual(DEPENDENCIES);
    const all = { ...manifest.dependencies, ...manifest.devDependencies } as Record<string, string>;
    expect(Object.values(all).filter((version) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  it('has no link in its documentation that leads nowhere', () => {
    const broken = pages(ROOT).flatMap((page) =>
      [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)(#[^)]*)?\)/g)]
        .map(([, target]) => target)
        .filter((target) => !/^[a-z]+:/.test(target) && !existsSync(resolve(dirname(page), target)))
        .map((target) => `${relative(ROOT, page)} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('carries one version', () => {
    const changes = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8');
    expect(changes).toContain(`## ${manifest.version}`);
  });
});

/** The packed build: what each start loads, that modules stay one instance, and that errors point at the source. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ROOT } from './cli.ts';

const DIST = join(ROOT, 'dist');
const isPacked = existsSync(join(DIST, 'packed'));

/** What a module imports statically, without what Node has. */
function importsOf(path: string): string[] {
  const text = readFileSync(join(DIST, path), 'utf8');
  const found = [...text.matchAll(/^(?:import|export) [^;]*?from "([^"]+)";$/gm)].map(([, name]) => name);
  return [...new Set(found)].filter((name) => !name.startsWith('node:')).sort();
}

/** Prints what a script prints that runs in the package, so that it can import `sora` by name. */
function run(script: string, ...flags: string[]): string {
  const args = [...flags, '--input-type=module', '--eval', script];
  return execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' }).trim();
}

const url = (path: string): string => pathToFileURL(join(DIST, path)).href;

describe.runIf(isPacked)('packed build', () => {
  it('loads no more than a start needs', () => {
    expect(importsOf('packed/core.js')).toEqual([]);
    expect(importsOf('packed/app.js')).toEqual(['./core.js']);
    expect(importsOf('packed/cli.js')).toEqual(['./core.js', 'cli-progress', 'commander']);
    expect(importsOf('index.js')).toEqual(['./packed/app.js', './packed/core.js']);
    expect(importsOf('cli/main.js')).toEqual(['../packed/cli.js', '../packed/core.js', 'commander']);
  });

  it('has in one file what a worker thread is asked for', () => {
    const asked = ['run/worker', 'pipeline/source', 'recipe/view', 'fit/glm/gradient', 'ingest/encode'];
    for (const path of [...asked, 'evaluate/binary', 'evaluate/multiclass', 'evaluate/regression']) {
      expect(importsOf(`${path}.js`).map((name) => name.split('/').at(-1))).toEqual(['core.js']);
    }
  });

  it('has one instance of a module, whatever it is imported by', () => {
    const script = `
      import { arena } from '${url('kernel/memory.js')}';
      import { SoraError } from '${url('errors.js')}';
      import * as core from '${url('packed/core.js')}';
      import * as sora from 'sora';
      console.log(arena === core.arena, SoraError === sora.SoraError);`;
    expect(run(script)).toBe('true true');
  });

  it('names modules by their own path in references', () => {
    const script = `
      import { labelsReference } from '${url('fit/labels.js')}';
      import { metricsReference } from '${url('evaluate/evaluate.js')}';
      console.log(labelsReference(2).module, metricsReference({ baseline: { task: 'binary' } }).module);`;
    expect(run(script)).toBe(`${url('fit/labels.js')} ${url('evaluate/binary.js')}`);
  });

  it('has source maps that lead to the source', () => {
    const lines = readFileSync(join(ROOT, 'src', 'errors.ts'), 'utf8').split('\n');
    const line = 1 + lines.findIndex((text) => text.includes("new SoraError('cancelled'"));
    const script = `
      import { throwIfAborted } from '${url('errors.js')}';
      try { throwIfAborted({ aborted: true }); } catch (error) { console.log(error.stack); }`;
    expect(run(script, '--enable-source-maps')).toContain(`src/errors.ts:${line}:`);
  });

  it('carries the licences of what it contains', () => {
    const text = readFileSync(join(DIST, 'THIRD-PARTY.txt'), 'utf8');
    for (const name of ['zod', '@uwdata/flechette']) {
      expect(text).toContain(`parts of ${name} `);
      expect(text).toContain(readFileSync(join(ROOT, 'node_modules', name, 'LICENSE'), 'utf8'));
    }
  });
});

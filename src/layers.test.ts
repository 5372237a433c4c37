/**
 * The house: a folder of `src/` imports only from folders above it in this list, and no modules import in a circle.
 * Worker threads are confined to `run/`.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const LAYERS = [
  'base',
  'particle',
  'kernel',
  'summary',
  'run',
  'store',
  'ingest',
  'recipe',
  'loss',
  'model',
  'fit',
  'evaluate',
  'explain',
  'serve',
  'pipeline',
  'cli',
  'index',
];

const src = dirname(fileURLToPath(import.meta.url));

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return sources(path);
    return name.endsWith('.ts') && !name.endsWith('.test.ts') ? [path] : [];
  });
}

function layerOf(path: string): string {
  const parts = relative(src, path).split('/');
  if (parts.length > 1) return parts[0];
  return parts[0] === 'index.ts' ? 'index' : 'base';
}

function importsOf(path: string): string[] {
  const text = readFileSync(path, 'utf8');
  const pattern = /(?:\bfrom|\bimport)\s*\(?\s*'([^']+)'/g;
  return [...text.matchAll(pattern)].map((match) => match[1]);
}

const files = sources(src);
const graph = new Map(
  files.map((file) => [
    file,
    importsOf(file)
      .filter((name) => name.startsWith('.'))
      .map((name) => resolve(dirname(file), name)),
  ]),
);

describe('layers', () => {
  it('knows every folder', () => {
    const unknown = files.map(layerOf).filter((layer) => !LAYERS.includes(layer));
    expect([...new Set(unknown)]).toEqual([]);
    expect(files.length).toBeGreaterThan(10);
  });

  it('imports only downward', () => {
    const upward = [...graph].flatMap(([file, imports]) =>
      imports
        .filter((target) => LAYERS.indexOf(layerOf(target)) > LAYERS.indexOf(layerOf(file)))
        .map((target) => `${relative(src, file)} → ${relative(src, target)}`),
    );
    expect(upward).toEqual([]);
  });

  it('has no import cycle', () => {
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (file: string, trail: string[]): void => {
      if (trail.includes(file)) {
        cycles.push(
          [...trail.slice(trail.indexOf(file)), file].map((path) => relative(src, path)).join(' → '),
        );
        return;
      }
      if (done.has(file)) return;
      for (const target of graph.get(file) ?? []) walk(target, [...trail, file]);
      done.add(file);
    };
    for (const file of files) walk(file, []);
    expect(cycles).toEqual([]);
  });

  it('keeps worker threads in run/', () => {
    const users = files.filter((file) => importsOf(file).includes('node:worker_threads')).map(layerOf);
    expect([...new Set(users)].filter((layer) => layer !== 'run')).toEqual([]);
  });
});

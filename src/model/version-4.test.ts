/** Version 4 of the model format, first written for factorization machines and features over time: read for ever. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { objectsToParticle } from '../ingest/objects.ts';
import { loadModel, modelFiles } from './files.ts';
import { MODEL_FILE, PARAMETERS_FILE } from './model.ts';
import { predictParticle } from './predict.ts';

const FIXTURES = new URL('./fixtures', import.meta.url).pathname;

describe.each(['factor', 'history'])('version 4 of the format: %s', (name) => {
  it('is still read, predicts the same bits, and is written back unchanged', async () => {
    const directory = join(FIXTURES, `v4-${name}`);
    const model = await loadModel(directory);
    expect(model.learner.name === 'factor').toBe(name === 'factor');
    expect(model.history !== undefined).toBe(name === 'history');
    const files = modelFiles(model);
    expect(JSON.parse(Buffer.from(files[MODEL_FILE]).toString()).version).toBe(4);
    for (const file of [MODEL_FILE, PARAMETERS_FILE] as const) {
      expect(Buffer.from(files[file])).toEqual(await readFile(join(directory, file)));
    }
    const expected = JSON.parse(await readFile(`${directory}-margins.json`, 'utf8')) as {
      rows: Record<string, unknown>[];
      margins: number[];
    };
    expect(expected.margins).toHaveLength(expected.rows.length);
    const { margins } = predictParticle(model, objectsToParticle(model.schema, expected.rows));
    expect(Array.from(margins)).toEqual(expected.margins);
  });
});

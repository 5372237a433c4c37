/** Models of trees: their files, what they predict, what is refused; and the oldest directory that must be read. */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { smallModel, smallParticles, smallTreeModel } from '../../test/small-model.ts';
import { createParticle } from '../particle/create.ts';
import { memoryStorage } from '../store/memory.ts';
import { sealJsonText } from '../store/sealed-text.ts';
import { loadModel, modelFiles, modelFromFiles, saveModel } from './files.ts';
import { MODEL_FILE, type Model, PARAMETERS_FILE, parameterTensors } from './model.ts';
import { predictParticle } from './predict.ts';

const FIXTURE = new URL('./fixtures/v2', import.meta.url).pathname;
const KINDS = ['binary', 'multiclass', 'regression', 'count'] as const;

function jsonOf(model: Model): { version: number; learner: Record<string, unknown> } {
  return JSON.parse(new TextDecoder().decode(modelFiles(model)[MODEL_FILE]));
}

describe('a model of trees', () => {
  it.each(KINDS)('%s: is read back with the same bytes and margins', async (kind) => {
    const model = await smallTreeModel(kind);
    const storage = memoryStorage();
    await saveModel(storage, model);
    const loaded = await loadModel(storage);
    expect(modelFiles(loaded)).toEqual(modelFiles(model));
    const [particle] = smallParticles(kind);
    const before = predictParticle(model, particle);
    expect(predictParticle(loaded, particle)).toEqual(before);
    expect(before.margins).toHaveLength(150 * before.outputs);
    expect(before.margins.every(Number.isFinite)).toBe(true);
  });

  it('predicts a row as it does in company; what it never saw goes with missing values', async () => {
    const model = await smallTreeModel('binary');
    const types = { city: 'category' } as const;
    const rows = { age: [60, 60, null], city: ['Atlantis', null, 'Rome'], member: [true, true, null] };
    const all = predictParticle(model, createParticle({ columns: rows, types }));
    expect(all.unknown).toEqual({ city: 1 });
    expect(all.margins[0]).toBe(all.margins[1]);
    const last = createParticle({
      columns: { age: [null], city: ['Rome'], member: [null] },
      types: { ...types, age: 'number', member: 'boolean' },
    });
    expect(predictParticle(model, last).margins[0]).toBe(all.margins[2]);
  });

  it('has the version that first knew trees, and a linear model still the first', async () => {
    expect(jsonOf(await smallTreeModel('binary')).version).toBe(2);
    expect(jsonOf(await smallModel('binary')).version).toBe(1);
  });

  it('is refused when its arrays, its width or its learner are not what they should be', async () => {
    const model = await smallTreeModel('binary');
    const refused = (changed: Partial<Model>, message: RegExp) => {
      const read = () => modelFromFiles(modelFiles({ ...model, ...changed }), 'here');
      expect(read).toThrow(expect.objectContaining({ code: 'corrupt' }));
      expect(read).toThrow(message);
    };
    const lefts = { ...model.tensors.lefts, values: model.tensors.lefts.values.slice().fill(0) };
    refused(
      { tensors: { ...model.tensors, lefts } },
      /The trees of here are damaged: node 0 of tree 0 has children/,
    );
    refused({ learner: { ...model.learner, features: 2 } }, /read 2 dense features, and its recipe gives 3/);
    refused({ recipe: { ...model.recipe, layout: 'csr' } }, /its recipe gives 3 csr ones/);
    refused({ learner: { ...model.learner, outputs: 2 } }, /"base" has 1 values, and there are 2 outputs/);
    const linear = parameterTensors(new Float64Array(4), { outputs: 1, features: 3 });
    refused({ tensors: linear }, /there is no tensor "base"/);
    const files = modelFiles(model);
    const json = { ...jsonOf(model), learner: { ...model.learner, name: 'oracle' } };
    const text = new TextEncoder().encode(sealJsonText(json as never));
    expect(() => modelFromFiles({ ...files, [MODEL_FILE]: text }, 'here')).toThrow(/not a whole model/);
  });
});

describe('version 2 of the format', () => {
  it('is still read, predicts the same bits, and is written back unchanged', async () => {
    const kept = await loadModel(FIXTURE);
    const files = modelFiles(kept);
    for (const name of [MODEL_FILE, PARAMETERS_FILE] as const) {
      expect(Buffer.from(files[name])).toEqual(await readFile(`${FIXTURE}/${name}`));
    }
    const { margins } = predictParticle(kept, smallParticles('binary')[1]);
    const expected = JSON.parse(await readFile(`${FIXTURE}-margins.json`, 'utf8')) as number[];
    expect(Array.from(margins)).toEqual(expected);
  });
});

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SmallKind, smallModel, smallParticles } from '../../test/small-model.ts';
import { createParticle } from '../particle/create.ts';
import { memoryStorage } from '../store/memory.ts';
import { sealJsonText } from '../store/sealed-text.ts';
import { loadModel, modelFiles, modelFromFiles, saveModel } from './files.ts';
import { MODEL_FILE, MODEL_VERSION, type Model, PARAMETERS_FILE } from './model.ts';
import { particlePredictor, predictParticle } from './predict.ts';
import { decodeTensors, encodeTensors, type Tensors } from './safetensors.ts';

/** Both files as text: byte arrays compare slowly. */
function textOf(model: Model): string {
  const files = modelFiles(model);
  return `${Buffer.from(files[MODEL_FILE]).toString()}\n${Buffer.from(files[PARAMETERS_FILE]).toString('hex')}`;
}

const FIXTURE = new URL('./fixtures/v1', import.meta.url).pathname;
let folder: string;
let model: Model;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sora-model-'));
  model = await smallModel('binary');
});
afterAll(() => rm(folder, { recursive: true }));

describe('tensors', () => {
  const tensor = fc.oneof(
    fc.array(fc.double({ noNaN: true }), { maxLength: 12 }).map((values) => Float64Array.from(values)),
    fc.uint8Array({ maxLength: 9 }),
    fc.array(fc.float({ noNaN: true }), { maxLength: 5 }).map((values) => Float32Array.from(values)),
  );
  const tensors = fc
    .dictionary(fc.string({ minLength: 1, unit: 'grapheme-ascii' }), tensor, {
      maxKeys: 5,
      noNullPrototype: true,
    })
    .map(
      (named): Tensors =>
        Object.fromEntries(
          Object.entries(named).map(([name, values]) => [name, { shape: [values.length], values }]),
        ),
    );
  it('survive bytes, and equal tensors give equal bytes', () => {
    fc.assert(
      fc.property(tensors, (all) => {
        fc.pre(!Object.hasOwn(all, '__metadata__') && !Object.hasOwn(all, '__proto__'));
        const bytes = encodeTensors(all);
        expect(decodeTensors(bytes)).toEqual(all);
        const reversed = Object.fromEntries(Object.entries(all).reverse());
        expect(encodeTensors(reversed)).toEqual(bytes);
      }),
    );
  });
  it('are refused, not misread, when bytes are damaged', () => {
    const bytes = encodeTensors({
      a: { shape: [2, 3], values: new Float64Array(6) },
      b: { shape: [2], values: new Float32Array(2) },
    });
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, value, cut) => {
        const damaged = cut ? bytes.slice(0, at) : bytes.slice();
        if (!cut) damaged[at] = value;
        try {
          const read = decodeTensors(damaged);
          for (const { shape, values } of Object.values(read)) {
            expect(shape.reduce((product, n) => product * n, 1)).toBe(values.length);
          }
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupt' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('model directory', () => {
  it('holds two files, and save → load → save gives the same bytes', async () => {
    const directory = join(folder, 'round-trip');
    await saveModel(directory, model);
    expect((await readdir(directory)).sort()).toEqual([MODEL_FILE, PARAMETERS_FILE]);
    const loaded = await loadModel(directory);
    expect(textOf(loaded)).toBe(textOf(model));
    await saveModel(directory, loaded);
    expect(await readFile(join(directory, MODEL_FILE))).toEqual(Buffer.from(modelFiles(model)[MODEL_FILE]));
  });

  it('is the same for the same fit, and names no time, path or host', async () => {
    const again = await smallModel('binary');
    expect(textOf(again)).toBe(textOf(model));
    const text = new TextDecoder().decode(modelFiles(model)[MODEL_FILE]);
    expect(text).not.toMatch(/\/(home|tmp|work|root)\b|\d{4}-\d\d-\d\dT/);
    expect(text.startsWith('{\n  "baseline"')).toBe(true);
  });

  it('is whole at every moment of a replacement', async () => {
    const other = {
      ...model,
      provenance: { sora: '0.1.0', snapshot: 'other' },
      tensors: scaled(model.tensors),
    };
    for (let failAt = 0; failAt < 4; failAt++) {
      const storage = memoryStorage();
      await saveModel(storage, model);
      let puts = 0;
      const dying = {
        ...storage,
        put: (key: string, bytes: Uint8Array) => {
          if (puts++ === failAt) throw new Error('killed');
          return storage.put(key, bytes);
        },
        delete: (key: string) => (failAt === 3 ? Promise.reject(new Error('killed')) : storage.delete(key)),
      };
      await expect(saveModel(dying, other)).rejects.toThrow('killed');
      const found = await loadModel(storage);
      expect(textOf(found)).toBe(textOf(failAt < 2 ? model : other));
      await saveModel(storage, other);
      expect(textOf(await loadModel(storage))).toBe(textOf(other));
    }
  });

  it('is refused when it is not there, damaged or newer', async () => {
    await expect(loadModel(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'not-found' });
    const directory = join(folder, 'damaged');
    await saveModel(directory, model);
    const path = join(directory, PARAMETERS_FILE);
    const bytes = await readFile(path);
    bytes[bytes.length - 3] ^= 1;
    await writeFile(path, bytes);
    await expect(loadModel(directory)).rejects.toThrow(
      /parameters\.safetensors is damaged: expected SHA-256/,
    );
    const json = JSON.parse(new TextDecoder().decode(modelFiles(model)[MODEL_FILE]));
    const newer = sealJsonText({ ...json, version: MODEL_VERSION + 1 });
    await writeFile(join(directory, MODEL_FILE), newer);
    await expect(loadModel(directory)).rejects.toMatchObject({ code: 'newer-format' });
  });

  it('is refused whichever byte of it differs, white space included', () => {
    const files = modelFiles(model);
    const refused = (name: typeof MODEL_FILE | typeof PARAMETERS_FILE, bytes: Uint8Array) =>
      expect(() => modelFromFiles({ ...files, [name]: bytes }, 'here')).toThrow(
        expect.objectContaining({ code: 'corrupt', message: expect.stringContaining(`here/${name}`) }),
      );
    for (const name of [MODEL_FILE, PARAMETERS_FILE] as const) {
      fc.assert(
        fc.property(fc.nat(files[name].length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
          const bytes = files[name].slice();
          bytes[at] ^= change;
          refused(name, bytes);
        }),
        { numRuns: 1000 },
      );
    }
    const json = new TextDecoder().decode(files[MODEL_FILE]);
    for (const other of [
      `${json}\n`,
      json.replace('\n', '\r\n'),
      json.replace('": ', '":  '),
      json.trimEnd(),
    ]) {
      refused(MODEL_FILE, new TextEncoder().encode(other));
    }
  });

  it('belongs to the training that replaced model.json last, when two write at once', async () => {
    const other = {
      ...model,
      provenance: { sora: '0.1.0', snapshot: 'other' },
      tensors: scaled(model.tensors),
    };
    const storage = memoryStorage();
    let raced = false;
    const late = {
      ...storage,
      put: async (key: string, bytes: Uint8Array) => {
        await storage.put(key, bytes);
        if (key !== MODEL_FILE || raced) return;
        raced = true;
        await saveModel(storage, other);
      },
    };
    await saveModel(late, model);
    expect(raced).toBe(true);
    expect(textOf(await loadModel(storage))).toBe(textOf(other));
  });
});

function scaled(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { shape, values }]) => [
      name,
      { shape, values: (values as Float64Array).map((v) => 2 * v) },
    ]),
  );
}

describe('prediction', () => {
  it.each(['binary', 'multiclass', 'regression', 'count'] as const)('%s', async (kind: SmallKind) => {
    const fitted = await smallModel(kind);
    const [particle] = smallParticles(kind);
    const found = predictParticle(fitted, particle);
    expect(found.rows).toBe(150);
    expect(found.imputed).toMatchObject({ age: 9 });
    if (found.probabilities === undefined) {
      const labels = particle.columns[3] as { values: ArrayLike<number> };
      const mean = (values: ArrayLike<number>) =>
        Array.from(values).reduce((sum, value) => sum + value, 0) / 150;
      expect(Math.abs(mean(found.values!) - mean(labels.values))).toBeLessThan(
        0.2 * Math.abs(mean(labels.values)) + 10,
      );
      return;
    }
    const { probabilities, classes, classIndices } = found;
    const count = classes!.length;
    for (let row = 0; row < 150; row++) {
      const own = Array.from(probabilities.subarray(row * count, (row + 1) * count));
      expect(own.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 12);
      expect(own[classIndices![row]]).toBe(Math.max(...own));
    }
  });

  it('counts categories it never saw, and does not depend on the company a row is in', () => {
    const predict = particlePredictor(model);
    const columns = { age: [30, 70], city: ['Rome', 'Atlantis'], member: [true, false] };
    const types = { city: 'category' } as const;
    const both = predict(createParticle({ columns, types }));
    expect(both.unknown).toEqual({ city: 1 });
    const single = predict(
      createParticle({ columns: { age: [70], city: ['Atlantis'], member: [false] }, types }),
    );
    expect(single.margins[0]).toBe(both.margins[1]);
  });

  it('names the column that is missing', () => {
    const without = createParticle({ columns: { age: [30], member: [true] } });
    expect(() => predictParticle(model, without)).toThrow(/"city" that the model needs is not there/);
  });
});

describe('version 1 of the format', () => {
  it('is still read, predicts the same bits, and is written back unchanged', async () => {
    const kept = await loadModel(FIXTURE);
    const files = modelFiles(kept);
    for (const name of [MODEL_FILE, PARAMETERS_FILE] as const) {
      expect(Buffer.from(files[name])).toEqual(await readFile(join(FIXTURE, name)));
    }
    const { margins } = predictParticle(kept, smallParticles('binary')[1]);
    const expected = JSON.parse(await readFile(join(FIXTURE, '../v1-margins.json'), 'utf8')) as number[];
    expect(Array.from(margins)).toEqual(expected);
  });
});

/**
 * 7. From a file to a model, and answers in process: the census data that ships with the project.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadModel, train } from 'sora';

/** A row as an object. A column that is not there at all would be an error; null means missing. */
const PERSON = {
  age: 38,
  workclass: 'Private',
  fnlwgt: 215646,
  education: 'Masters',
  education_num: 14,
  marital_status: 'Married-civ-spouse',
  occupation: 'Prof-specialty',
  relationship: 'Husband',
  race: 'White',
  sex: 'Male',
  capital_gain: 0,
  capital_loss: 0,
  hours_per_week: 45,
  native_country: null,
};

export default async function example(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sora-example-'));
  try {
    const { directory, verdict } = await train('data/adult/adult.csv.gz', {
      target: 'income',
      store: join(folder, 'adult.sora'),
    });
    const model = await loadModel(directory);
    const [answer] = model.predict([PERSON]);
    return `${verdict}\n${answer.label} with probability ${answer.probability?.toFixed(2)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await example());

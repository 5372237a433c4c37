/**
 * 7. From a file to a model, and answers in process: the census data that ships with the project.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadModel, train } from 'sora';

export default async function example(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sora-example-'));
  try {
    const { directory, verdict } = await train('data/adult/adult.csv.gz', {
      target: 'income',
      store: join(folder, 'adult.sora'),
    });
    const model = await loadModel(directory);
    const [answer] = model.predict([
      {
        age: 38,
        education: 'Masters',
        education_num: 14,
        marital_status: 'Married-civ-spouse',
        hours_per_week: 45,
      },
    ]);
    return `${verdict}\n${answer.label} with probability ${answer.probability?.toFixed(2)}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await example());

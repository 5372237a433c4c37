/**
 * 8. A loss of one's own, in one file: expectiles, means that weigh what lies above them differently from what lies
 * below (Newey & Powell 1987). With a share of 0.9, rows above count nine times: a cautious forecast.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadModel, type OwnLoss, train } from 'sora';

/** Factory: options are JSON, so that a worker can make the same loss from this module's address. */
export function expectile({ share }: { share: number }): OwnLoss {
  return {
    id: `expectile(${share})`,
    block({ rows, margins, labels, weights, residuals, curvatures }) {
      let sum = 0;
      for (let r = 0; r < rows; r++) {
        const d = margins[r] - labels[r];
        const w = weights[r] * (d < 0 ? share : 1 - share);
        residuals[r] = w * d;
        if (curvatures) curvatures[r] = w;
        sum += 0.5 * w * d * d;
      }
      return sum;
    },
  };
}

/** Hours that jobs took, by their size: the larger, the less certain. */
const jobs = Array.from({ length: 2000 }, (_, i) => {
  const size = i % 10;
  const luck = ((i * 7919) % 1009) / 1009;
  return { size, hours: 1 + size * (0.5 + luck) };
});

export default async function example(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sora-example-'));
  const lines: string[] = [];
  try {
    for (const share of [0.5, 0.9]) {
      const { directory } = await train(jobs, {
        target: 'hours',
        loss: { module: import.meta.url, name: 'expectile', options: { share } },
        store: join(folder, 'jobs.sora'),
        workers: 0,
      });
      const [small, large] = (await loadModel(directory)).predict([{ size: 1 }, { size: 9 }]);
      lines.push(
        `share ${share}: ${small.value?.toFixed(1)} hours for size 1, ${large.value?.toFixed(1)} for size 9`,
      );
    }
    return lines.join('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) console.log(await example());

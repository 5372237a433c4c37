/** A process that plays gradient rounds over a store when told, and says what they took: [root, particles, memory]. */
import { readFileSync } from 'node:fs';
import { threadExecutor } from '../../dist/run/threads.js';
import { benchStore } from './data.mjs';
import { gradientRound } from './rounds.mjs';

const [root, count, memory] = process.argv.slice(2);
const { store, snapshot } = await benchStore(root, Number(count));
const executor = threadExecutor({ memory: Number(memory) || undefined });
const session = await executor.open({ particles: snapshot.particles, source: store.reference });

/** Peak resident size of the process, all threads. */
function peakBytes() {
  try {
    return 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  } catch {
    return 1024 * process.resourceUsage().maxRSS;
  }
}

process.on('message', async () => {
  const start = performance.now();
  const cpu = process.cpuUsage();
  await session.reduce(gradientRound);
  const { user, system } = process.cpuUsage(cpu);
  const ms = performance.now() - start;
  process.send({ ms, cpuMs: (user + system) / 1000, peakBytes: peakBytes(), workers: executor.workers });
});

/** Follows NDJSON on standard input in this process; prints what it did, and its processor time, as one line of JSON. */
import { follow } from '../../dist/index.js';

const [store, learner, kind] = process.argv.slice(2);
let commits = 0;
const result = await follow('-', {
  store,
  target: 'label',
  key: 'id',
  ignore: ['at'],
  learner,
  onCommit: () => {
    commits++;
    if (kind === 'told') process.stderr.write(`${commits}\n`);
  },
});
const { user, system } = process.cpuUsage();
process.stdout.write(`${JSON.stringify({ ...result, cpuSeconds: (user + system) / 1e6 })}\n`);

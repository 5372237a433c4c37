/** Follows an address in this process; prints what it did, and its processor time, as one line of JSON. */
import { follow } from '../../dist/index.js';

const [address, store, learner, maxRows, kind] = process.argv.slice(2);
let commits = 0;
const result = await follow(address, {
  store,
  target: 'label',
  key: 'id',
  ignore: ['at'],
  learner,
  maxRows: Number(maxRows),
  onCommit: () => {
    commits++;
    if (kind === 'told') process.stderr.write(`${commits}\n`);
  },
});
const { user, system } = process.cpuUsage();
process.stdout.write(`${JSON.stringify({ ...result, cpuSeconds: (user + system) / 1e6 })}\n`);

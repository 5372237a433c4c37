/**
 * Prediction with boosted trees against LightGBM and onnxruntime-node, one thread: 200,000 rows × 28 features, 100 trees of
 * 63 leaves, which LightGBM grows once; Sora imports them and exports the ONNX file. Fresh processes in turn;
 * medians of processor time, which with one thread is the time on a quiet machine.
 *
 *     node bench/predict/run.mjs [--runs 5]
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  alternate,
  FOLDER,
  needPeers,
  ORT,
  PYTHON,
  printTable,
  runJson,
  summarise,
  threadEnvironment,
  waitForQuiet,
  writeResult,
} from '../common.mjs';

const { values: args } = parseArgs({ options: { runs: { type: 'string', default: '5' } } });
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const model = join(FOLDER, 'predict');
const files = { text: `${model}.txt`, rows: `${model}.f32`, onnx: `${model}.onnx` };

needPeers();
if (!existsSync(files.text) || !existsSync(files.rows)) {
  await runJson(PYTHON, [here('peer.py'), 'make', files.text, files.rows]);
}
const hasOrt = existsSync(ORT);
if (!hasOrt) console.log(`There is no ${ORT}: bench/peers/install.sh installs onnxruntime-node.`);
const sora = (...words) => runJson(process.execPath, [here('sora.mjs'), files.text, files.rows, ...words]);
await sora('export', files.onnx);
await waitForQuiet();
const env = threadEnvironment(1);
const runs = await alternate(
  {
    sora: () => sora(),
    lightgbm: () => runJson(PYTHON, [here('peer.py'), 'predict', files.text, files.rows], { env }),
    ...(hasOrt
      ? { onnxruntime: () => runJson(process.execPath, [here('ort.mjs'), ORT, files.onnx, files.rows]) }
      : {}),
  },
  Number(args.runs),
);
const FIELDS = ['nanosecondsPerRow', 'treesAlone', 'byWalking', 'oneRowMicroseconds', 'peakMiB'];
const results = Object.fromEntries(
  Object.entries(runs).map(([name, list]) => [
    name,
    {
      version: list[0].peer,
      margin: list[0].margin,
      ...Object.fromEntries(
        FIELDS.filter((field) => field in list[0]).map((field) => [
          field,
          summarise(list.map((run) => run[field])),
        ]),
      ),
    },
  ]),
);
const own = results.sora.nanosecondsPerRow.median;
const cell = (field) => (result) =>
  result[field]?.median.toFixed(field === 'oneRowMicroseconds' ? 1 : 0) ?? '–';
printTable(
  ['one thread', 'ns a row', 'times Sora', 'trees alone', 'walking', 'one row, µs', 'peak MiB'],
  Object.entries(results).map(([name, r]) => [
    name,
    cell('nanosecondsPerRow')(r),
    (r.nanosecondsPerRow.median / own).toFixed(1),
    ...['treesAlone', 'byWalking', 'oneRowMicroseconds', 'peakMiB'].map((field) => cell(field)(r)),
  ]),
);
// The mean margin (of probabilities for onnxruntime) says that all predicted the same.
writeResult('predict', {
  rows: 200_000,
  features: 28,
  trees: 100,
  leaves: 63,
  runs: args.runs,
  target: 2,
  results,
});

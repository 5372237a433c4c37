/**
 * The fit of a whole recipe and model on worker threads that are late, out of order, repeat themselves and die:
 * the parameters are those of one quiet thread, bit for bit. Needs the compiled modules (`npm run build`).
 */
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { holdOut } from '../src/evaluate/split.ts';
import { encodeParameters } from '../src/model/scorer.ts';
import { type Data, openData, openSession } from '../src/pipeline/data.ts';
import { evaluateOn, fitOn } from '../src/pipeline/fit.ts';
import { checkOptions, trainShape } from '../src/pipeline/options.ts';
import { type ExecutorHooks, shuffling } from '../src/run/hooks.ts';
import { inlineExecutor } from '../src/run/inline.ts';
import type { Executor } from '../src/run/session.ts';
import { threadExecutor } from '../src/run/threads.ts';
import { ADULT, temporaryFolder } from './cli.ts';

const folder = temporaryFolder();
const LEARNERS = {
  linear: checkOptions(trainShape, { target: 'income', learner: 'linear', tolerance: 1e-4 }),
  trees: checkOptions(trainShape, { target: 'income', learner: 'trees', rounds: 6, leaves: 8 }),
};
type Learner = keyof typeof LEARNERS;
let data: Data;

/** Parameters, recipe and metrics, every bit of them, of a fit on this executor. */
async function fitWith(executor: Executor, learner: Learner): Promise<string> {
  const session = await openSession(executor, data, {}, false);
  const { train, test } = holdOut({ seed: 1, fraction: 0.2 });
  const fitted = await fitOn(session, data.schema, LEARNERS[learner], train, {});
  const evaluation = await evaluateOn(session, fitted, test);
  await session.close();
  await executor.close();
  const bytes = Buffer.from(encodeParameters(fitted.learner.parameters));
  return JSON.stringify([bytes.toString('hex'), fitted.recipe, evaluation]);
}

beforeAll(async () => {
  const store = join(folder, 'adult.sora');
  data = await openData(
    ADULT,
    { target: 'income', store, precision: 'f32' } as never,
    {},
    { needTarget: true },
  );
}, 120_000);

describe.each([
  'linear',
  'trees',
] as const)('a fit (%s) on disturbed workers gives the same bits', (learner) => {
  let expected = '';
  beforeAll(async () => {
    expected = await fitWith(inlineExecutor(), learner);
  });

  const killing: ExecutorHooks = { kill: (_, dispatch) => dispatch % 17 === 5 };
  it.each([
    ['in shuffled order, late and repeated', 3, shuffling(1)],
    ['in another order', 2, shuffling(2, 8)],
    ['that die again and again', 3, killing],
    ['that die in shuffled order', 2, { ...shuffling(3), ...killing }],
  ])(
    '%s',
    async (_, workers, hooks) => {
      let deaths = 0;
      const counted: ExecutorHooks = {
        ...hooks,
        kill: (worker, dispatch) => {
          const dies = (hooks as ExecutorHooks).kill?.(worker, dispatch) ?? false;
          if (dies) deaths++;
          return dies;
        },
      };
      expect(await fitWith(threadExecutor({ workers, hooks: counted }), learner)).toBe(expected);
      if ('kill' in hooks) expect(deaths).toBeGreaterThan(3);
    },
    120_000,
  );
});

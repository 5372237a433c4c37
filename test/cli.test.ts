/** The command line from outside: what a user types, sees and can rely on. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createParticle } from '../src/particle/create.ts';
import { openStore } from '../src/store/store.ts';
import { ADULT, type Finished, sora, temporaryFolder } from './cli.ts';

const folder = temporaryFolder();
const store = join(folder, 'adult.sora');
const model = join(store, 'models', 'income');
const run = (...words: string[]) => sora(words, { cwd: folder });

describe('sora train on census data', () => {
  let trained: Finished;
  beforeAll(async () => {
    trained = await run('train', ADULT, '--target', 'income', '--json');
  }, 120_000);

  it('reaches an AUC of 0.905 with no option given', () => {
    expect(trained.code).toBe(0);
    const result = JSON.parse(trained.stdout);
    const auc = result.evaluation.metrics.find((metric: { name: string }) => metric.name === 'auc');
    expect(auc.value).toBeGreaterThanOrEqual(0.905);
    expect(auc.interval[0]).toBeLessThan(auc.value);
    expect(auc.baseline).toBe(0.5);
    expect(result.fit.converged).toBe(true);
    expect(result.rows).toMatchObject({ total: 48842 });
  });

  it('writes a model and a report that needs nothing but itself', () => {
    expect(readdirSync(model).sort()).toEqual(['model.json', 'parameters.safetensors', 'report.html']);
    const page = readFileSync(join(model, 'report.html'), 'utf8');
    expect(page).toContain('<svg');
    expect(page).not.toMatch(/<script|<link|src="http|url\(http/);
  });

  it('leaves no store behind where nothing came of it', async () => {
    const missing = await run('ingest', 'missing.csv');
    const misspelt = await run('train', ADULT, '--target', 'incom', '--store', 'misspelt.sora');
    expect([missing.code, misspelt.code]).toEqual([3, 3]);
    expect(readdirSync(folder).filter((name) => /^mis/.test(name))).toEqual([]);
  });

  it('has nothing to do for data it already holds', async () => {
    const again = await run('ingest', ADULT, '--target', 'income', '--store', store, '--json');
    expect(JSON.parse(again.stdout)).toMatchObject({ unchanged: true, commit: 1 });
  });

  it('predicts a file, row for row', async () => {
    const input = join(folder, 'new.csv');
    writeFileSync(
      input,
      'age,education,hours_per_week,occupation\n38,Masters,45,Exec-managerial\n19,11th,20,?\n',
    );
    const rows = await run('predict', model, input);
    expect(rows.code).not.toBe(0);
    expect(rows.stderr).toMatch(/workclass/);
    const all = join(folder, 'all.csv');
    const predicted = await run('predict', model, store, '--out', all, '--keep', 'income');
    expect(predicted.code).toBe(0);
    const lines = readFileSync(all, 'utf8').trim().split('\n');
    expect(lines).toHaveLength(48843);
    expect(lines[0]).toBe('income,prediction,probability,p(<=50K),p(>50K)');
    const right = lines.slice(1).filter((line) => line.split(',')[0] === line.split(',')[1]).length;
    expect(right / 48842).toBeGreaterThan(0.84);
  });

  it('explains the model, the same on any number of workers', async () => {
    const results = await Promise.all(
      ['0', '2'].map((workers) => run('explain', model, store, '--workers', workers, '--json')),
    );
    const [one, two] = results.map(({ stdout }) => ({ ...JSON.parse(stdout), seconds: 0 }));
    expect(one.rows).toBe(48842);
    expect(one.columns[0].strength).toBeGreaterThan(0.1);
    expect(two).toEqual(one);
  });

  it('evaluates the model on the store', async () => {
    const evaluated = await run('evaluate', model, store, '--json');
    const result = JSON.parse(evaluated.stdout);
    expect(result.evaluation.rows).toBe(48842);
  });

  it('inspects store, model and particle', async () => {
    const shown = await run('inspect', store);
    expect(shown.stdout).toMatch(/48,842 rows/);
    expect(shown.stdout).toMatch(/native_country/);
    expect((await run('inspect', model)).stdout).toMatch(/logistic/);
    const [shard] = readdirSync(join(store, 'particles'));
    const [file] = readdirSync(join(store, 'particles', shard));
    expect((await run('inspect', join(store, 'particles', shard, file))).stdout).toContain(file.slice(0, 64));
  });

  it('calibrates on half of the held-out rows and judges by the other half', async () => {
    const words = ['--target', 'income', '--out', join(folder, 'calibrated'), '--class-weight', 'balanced'];
    const { code, stdout } = await run('train', store, ...words, '--calibrate');
    expect(code).toBe(0);
    expect(stdout).toMatch(/to learn from, 4,\d{3} to calibrate, 4,\d{3} held out/);
    expect(stdout).toMatch(/Calibrated on 4,\d{3} of the held-out rows \(slope [\d.]+, intercept -[\d.]+\)/);
    expect(readFileSync(join(folder, 'calibrated', 'report.html'), 'utf8')).toContain('rows to calibrate');
  });

  it('verifies the store', async () => {
    const verified = await run('verify', store);
    expect(verified.stdout).toMatch(/^Sound/);
    expect(verified.code).toBe(0);
  });
});

describe('sora compact', () => {
  const grown = join(folder, 'grown.sora');
  beforeAll(async () => {
    const small = await openStore(grown, { create: true });
    for (let i = 0; i < 300; i++) {
      const particle = createParticle({ columns: { x: Array.from({ length: 50 }, (_, k) => 50 * i + k) } });
      await small.commit({ schema: particle.schema, add: [await small.putParticle(particle)] });
    }
  });

  it('leaves nothing half-written after Ctrl-C', async () => {
    const stopped = await sora(['compact', grown], {
      cwd: folder,
      onStart: (child) => child.stderr?.once('data', () => child.kill('SIGINT')),
    });
    expect([stopped.code, stopped.stdout]).toEqual([130, '']);
    const report = JSON.parse((await run('verify', grown, '--json')).stdout);
    expect([report.problems, report.leftovers, report.commits]).toEqual([[], [], 300]);
  });

  it('says what it would do, does it, and then has nothing to do', async () => {
    const planned = await run('compact', grown, '--dry-run');
    expect(planned.stdout).toMatch(/particles +300 → 4 \(300 merged\)/);
    expect(planned.stdout).toMatch(/commit 300; nothing was changed/);
    const done = await run('compact', grown);
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/particles +300 → 4 \(300 merged\)\n +rows +15,000, in the same order/);
    expect(done.stdout).toMatch(/the old ones stay for commits up to 300/);
    const again = await run('compact', grown);
    expect(again.stdout).toMatch(/^Nothing to do: the 4 particles of grown\.sora \(15,000 rows\)/);
    expect((await run('inspect', grown, '--at', '-1')).stdout).toMatch(/300 particles/);
    const json = JSON.parse((await run('compact', grown, '--json')).stdout);
    expect(json).toMatchObject({ changed: false, commit: 301, rows: 15_000, particles: { kept: 4 } });
  });

  it('asks for a store', async () => {
    const none = await run('compact', 'nowhere');
    expect([none.code, none.stdout]).toEqual([3, '']);
    expect(none.stderr).toMatch(/No store at .*nowhere.*sora ingest/);
  });
});

describe('errors', () => {
  it('say what is wrong and what to do, and set the exit code', async () => {
    const missing = await run('train', 'no-such-file.csv', '--target', 'y');
    expect([missing.code, missing.stdout]).toEqual([3, '']);
    expect(missing.stderr).toMatch(/no-such-file\.csv/);
    const typo = await run('train', ADULT, '--target', 'incme', '--store', join(folder, 'typo.sora'));
    expect(typo.code).toBe(3);
    expect(typo.stderr).toMatch(/income/);
    const flag = await run('train', ADULT, '--tagret', 'income');
    expect(flag.code).toBe(2);
    expect(flag.stderr).toMatch(/--target/);
    const json = await run('train', 'no-such-file.csv', '--target', 'y', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: 'not-found' } });
  });

  it('name file, line, column and value of a bad row', async () => {
    const rows = Array.from({ length: 30_000 }, (_, row) => `${row},${row % 2 === 0 ? 'yes' : 'no'}`);
    rows[29_000] = 'twelve,yes';
    const input = join(folder, 'late.csv');
    writeFileSync(input, `size,label\n${rows.join('\n')}\n`);
    const failed = await run('ingest', input, '--store', join(folder, 'late.sora'));
    expect(failed.code).toBe(4);
    expect(failed.stderr).toMatch(/late\.csv:29002.*size.*twelve/s);
    const store = join(folder, 'late2.sora');
    const kept = await run('ingest', input, '--store', store, '--bad-rows', 'quarantine', '--json');
    const report = JSON.parse(kept.stdout);
    expect([report.rows, report.badRows]).toEqual([29_999, 1]);
    expect(existsSync(report.quarantine)).toBe(true);
    expect(readFileSync(report.quarantine, 'utf8')).toContain('twelve');
  });

  it('leave nothing half-written after Ctrl-C', async () => {
    const store = join(folder, 'stopped.sora');
    const stopped = await sora(['train', ADULT, '--target', 'income', '--store', store], {
      cwd: folder,
      onStart: (child) => child.stderr?.once('data', () => child.kill('SIGINT')),
    });
    expect(stopped.code).toBe(130);
    expect(existsSync(join(store, 'models'))).toBe(false);
    const verified = await run('verify', store, '--json');
    expect(JSON.parse(verified.stdout).problems).toEqual([]);
  });
});

describe('sora drift', () => {
  it('prints a table, and fails by exit code where a column has changed too much', async () => {
    const rows = (from: number) => Array.from({ length: 400 }, (_, i) => `${from + (i % 97)},${i % 3}`);
    writeFileSync(join(folder, 'old.csv'), `moved,same\n${rows(0).join('\n')}\n`);
    writeFileSync(join(folder, 'new.csv'), `moved,same\n${rows(60).join('\n')}\n`);
    const screen = await run('drift', 'old.csv', '--against', 'new.csv', '--quiet');
    expect(screen.code).toBe(0);
    expect(screen.stdout).toMatch(/moved +LARGE.*\n +same.*\n\n +1 of 2 columns changed much: moved\.\n$/s);
    const failed = await run('drift', 'new.csv', '--reference', 'old.csv', '--fail-over', '0.25', '--json');
    expect(failed.code).toBe(1);
    expect(JSON.parse(failed.stdout)).toMatchObject({ failed: true, level: 'large' });
    expect((await run('drift', 'old.csv', '--fail-over', '0.25', '--quiet')).code).toBe(0);
  });
});

describe('--help', () => {
  it.each([
    'train',
    'predict',
    'evaluate',
    'explain',
    'ingest',
    'inspect',
    'drift',
    'verify',
    'compact',
    'import',
    'export',
  ])('of %s shows examples', async (command) => {
    const help = await run(command, '--help');
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(/Examples:\n {2}sora/);
  });
});

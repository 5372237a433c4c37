/**
 * Real servers for tests: a PostgreSQL and a Redis of the test's own, in a temporary folder, on a free port of this
 * machine, ended by their process id. They can be killed and started again on the same data.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const START_MS = 60_000;

/** A server that runs. */
export interface TestServer {
  readonly port: number;
  /** Address without a database; with user and password where the server has them. */
  readonly url: string;
  /** Where its data are. */
  readonly folder: string;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Starts it again on the same port and data. */
  start(): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

/** Folders of programs beside those of PATH: Debian keeps PostgreSQL's out of it. */
function folders(): string[] {
  const own = '/usr/lib/postgresql';
  const versions = existsSync(own) ? readdirSync(own).sort((a, b) => Number(b) - Number(a)) : [];
  return [
    ...versions.map((version) => join(own, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
  ];
}

function program(...names: string[]): string | undefined {
  const folder = folders().find((path) => names.every((name) => existsSync(join(path, name))));
  return folder === undefined ? undefined : join(folder, names[0]);
}

const POSTGRES = program('postgres', 'initdb');
const REDIS = program('redis-server');

/** Why tests of a server are skipped; undefined where it can be started. */
export const noPostgres =
  POSTGRES === undefined ? 'PostgreSQL (postgres, initdb) is not installed' : undefined;
export const noRedis = REDIS === undefined ? 'redis-server is not installed' : undefined;

/** User and group that servers run as: PostgreSQL refuses to run as root. */
function runAs(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

export const PASSWORD = 's3cret/word';

/** A PostgreSQL with the user `sora`, who needs {@link PASSWORD}. */
export async function startPostgres(): Promise<TestServer> {
  const user = runAs();
  const folder = temporary('sora-postgres-', user);
  const data = join(folder, 'data');
  const secret = join(folder, 'secret');
  writeFileSync(secret, PASSWORD);
  const initdb = [
    '-D',
    data,
    '-U',
    'sora',
    '-A',
    'scram-sha-256',
    '--pwfile',
    secret,
    '-E',
    'UTF8',
    '--locale=C',
    '-N',
  ];
  execFileSync(program('initdb')!, initdb, { ...user, cwd: folder, stdio: 'pipe' });
  const port = await freePort();
  const settings = ['fsync=off', 'max_prepared_transactions=4', 'listen_addresses=127.0.0.1'];
  const options = ['-D', data, '-p', String(port), '-k', folder, ...settings.flatMap((item) => ['-c', item])];
  const url = `postgres://sora:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
  return serve(POSTGRES!, options, /ready to accept (?:read-only )?connections/, {
    folder,
    port,
    url,
    user,
    crash: 'SIGQUIT',
  });
}

/** A Redis that keeps every write on disk. */
export async function startRedis(): Promise<TestServer> {
  const user = runAs();
  const folder = temporary('sora-redis-', user);
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  options.push('--appendonly', 'yes', '--appendfsync', 'always', '--requirepass', PASSWORD);
  const url = `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`;
  return serve(REDIS!, options, /Ready to accept connections/, { folder, port, url, user, crash: 'SIGKILL' });
}

function temporary(prefix: string, { uid, gid }: { uid?: number; gid?: number }): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  if (uid !== undefined && gid !== undefined) chownSync(folder, uid, gid);
  return folder;
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly url: string;
  readonly user: { uid?: number; gid?: number };
  /** Ends the server at once, its helpers too, with nothing put in order. */
  readonly crash: NodeJS.Signals;
}

async function serve(path: string, options: string[], ready: RegExp, place: Place): Promise<TestServer> {
  let running: ChildProcess | undefined;
  const start = async () => {
    running = spawn(path, options, { ...place.user, cwd: place.folder, stdio: ['ignore', 'pipe', 'pipe'] });
    await readiness(running, ready, path);
  };
  const end = async (signal: NodeJS.Signals) => {
    const child = running;
    running = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  };
  await start();
  return {
    port: place.port,
    url: place.url,
    folder: place.folder,
    start,
    kill: () => end(place.crash),
    async remove() {
      await end('SIGINT');
      rmSync(place.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
}

/** Waits for the line in which a server says that it is there. */
async function readiness(child: ChildProcess, ready: RegExp, path: string): Promise<void> {
  let said = '';
  let exited = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (bytes) => {
      said = (said + bytes).slice(-10_000);
    });
  }
  child.once('exit', () => {
    exited = true;
  });
  child.once('error', (error) => {
    said += error.message;
    exited = true;
  });
  for (let waited = 0; waited < START_MS && !exited; waited += 20) {
    if (ready.test(said)) return;
    await sleep(20);
  }
  child.kill('SIGKILL');
  throw new Error(`${path} did not start: ${said}`);
}

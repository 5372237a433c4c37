/**
 * The ordinary build: AssemblyScript kernels to WebAssembly, embedded as a module; then TypeScript to `dist/`, packed.
 * `--kernels` stops after the first step, which is all that unit tests without threads need.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pack } from './pack.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);

function buildKernels() {
  const wasm = join(root, 'tmp', 'kernels.wasm');
  mkdirSync(dirname(wasm), { recursive: true });
  const asc = join(dirname(require.resolve('assemblyscript/package.json')), 'bin', 'asc.js');
  const flags = [
    '--runtime',
    'stub',
    '--importMemory',
    '--enable',
    'simd',
    '-O3',
    '--noAssert',
    '--noExportMemory',
  ];
  execFileSync(process.execPath, [asc, 'kernels/index.ts', ...flags, '--outFile', wasm], {
    cwd: root,
    stdio: 'inherit',
  });
  const base64 = readFileSync(wasm).toString('base64');
  const text = `/** Compiled kernels; written by scripts/build.mjs, never by hand. */\nexport const WASM_BASE64 =\n  '${base64}';\n`;
  writeFileSync(join(root, 'src', 'kernel', 'wasm-bytes.ts'), text);
}

function buildTypeScript() {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
}

buildKernels();
if (!process.argv.includes('--kernels')) {
  buildTypeScript();
  await pack(root);
}

/** Runs an example on any Node: `npm run example 01-create`. Types are stripped by TypeScript into tmp/. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const names = readdirSync(join(root, 'examples'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
const name = names.find((one) => one === process.argv[2] || one.startsWith(`${process.argv[2]}-`));
if (name === undefined) {
  console.error(`Name an example: ${names.join(', ')}.`);
  process.exit(2);
}
const { outputText } = ts.transpileModule(readFileSync(join(root, 'examples', `${name}.ts`), 'utf8'), {
  compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
});
const file = join(root, 'tmp', 'examples', `${name}.mjs`);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, outputText);
process.argv[1] = file;
await import(pathToFileURL(file).href);

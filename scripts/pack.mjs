/**
 * Packs `dist/`: modules that are needed together move into a few files under `dist/packed/`, because opening and
 * linking a hundred small modules is most of what starting a thread or a process costs. Every module keeps its path
 * as a stub that re-exports from there: it stays one instance however it is imported, and references stay true.
 * What lies where, and why: docs/decisions/007-packed-build.md.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, relative, sep } from 'node:path';

/** Packages that are packed too, because loading them by themselves costs more than all of Sora. */
const PACKED_PACKAGES = /^(zod|@uwdata\/flechette)($|\/)/;

/** Entries that do something when they are imported, or only re-export: they stay what they are. */
const WORKER = 'run/worker.js';
const COMMAND_LINE = 'cli/main.js';
const INDEX = 'index.js';
const ENTRIES = [WORKER, COMMAND_LINE, INDEX];

/** Modules that a reference names by an address it computes (evaluate/evaluate.ts). */
const NAMED = ['evaluate/binary.js', 'evaluate/multiclass.js', 'evaluate/regression.js'];

/** Packages that cost much or that few need, and the chunk of the modules that cannot do without them. */
const HEAVY = {
  ingest: ['@duckdb/node-api', '@duckdb/node-bindings', 'fast-glob'],
  report: ['@observablehq/plot', 'linkedom'],
  cli: ['commander', 'cli-progress'],
};

/** A chunk imports only from those before it; those of HEAVY do not import each other. */
const CHUNKS = ['core', 'app', ...Object.keys(HEAVY)];

/** Stands for `import.meta.url` and is as long, so that source maps stay true. */
const URL_NAME = 'urlOfThisModule';
const URL_MODULE = '\0url:';

/** Packs what TypeScript has made of `src/`; where the bundler does not run, says so and leaves it as it is. */
export async function pack(root) {
  const dist = join(root, 'dist');
  for (const name of ['packed', 'THIRD-PARTY.txt'])
    rmSync(join(dist, name), { recursive: true, force: true });
  const rolldown = await bundler();
  if (rolldown === undefined) return;
  let chunks = new Map();
  const bundle = await rolldown({
    input: Object.fromEntries(compiledModules(root).map((path) => [path.slice(0, -3), join(dist, path)])),
    platform: 'node',
    // Flechette's `main` is CommonJS, of which nothing can be left out.
    resolve: { mainFields: ['module', 'main'] },
    external: (id) => !isAbsolute(id) && !/^[.\0]/.test(id) && !PACKED_PACKAGES.test(id),
    preserveEntrySignatures: 'strict',
    plugins: [
      compiled(dist, (graph) => {
        chunks = divide(graph, dist);
      }),
    ],
  });
  const { output } = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'packed/[name].js',
    minifyInternalExports: false,
    comments: { legal: true, annotation: false, jsdoc: false },
    sourcemap: true,
    sourcemapExcludeSources: true,
    codeSplitting: { groups: CHUNKS.map((name) => ({ name, test: (id) => chunks.get(id) === name })) },
  });
  await bundle.close();
  mkdirSync(join(dist, 'packed'));
  for (const { fileName, code, source } of output) {
    // A stub has no map: that of the module it stands for is part of a chunk's.
    if (code !== undefined) rmSync(join(dist, `${fileName}.map`), { force: true });
    writeFileSync(join(dist, fileName), code ?? source);
  }
  writeFileSync(join(dist, 'THIRD-PARTY.txt'), licences(root, output));
}

/** The bundler wants a later Node than Sora does. */
async function bundler() {
  try {
    return (await import('rolldown')).rolldown;
  } catch (error) {
    const [reason] = String(error.message).split('\n');
    console.log(`dist/ is left unpacked, and starts slower: rolldown does not run here (${reason}).`);
    return undefined;
  }
}

/** Paths in `dist/`; other files there are of earlier builds. */
function compiledModules(root) {
  return readdirSync(join(root, 'src'), { recursive: true })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => path.replace(/ts$/, 'js').replaceAll(sep, '/'))
    .sort();
}

/** Loads compiled modules with their maps; `import.meta.url` goes on to mean a module's own path, where its stub is. */
function compiled(dist, onGraph) {
  return {
    name: 'compiled',
    resolveId: (id) => (id.startsWith(URL_MODULE) ? id : undefined),
    load(id) {
      if (id.startsWith(URL_MODULE)) {
        return `export default new URL('../${id.slice(URL_MODULE.length)}', import.meta.url).href;`;
      }
      if (!id.startsWith(dist + sep)) return undefined;
      const path = relative(dist, id).replaceAll(sep, '/');
      const code = readFileSync(id, 'utf8').replace(/\/\/# sourceMappingURL=.*\s*$/, '');
      const map = JSON.parse(readFileSync(`${id}.map`, 'utf8'));
      if (ENTRIES.includes(path) || !code.includes('import.meta.url')) return { code, map };
      // An import at the end moves no line, and is executed before all of them.
      const named = code.replaceAll('import.meta.url', URL_NAME);
      return { code: `${named}import ${URL_NAME} from '${URL_MODULE}${path}';\n`, map };
    },
    buildEnd() {
      onGraph(new Map([...this.getModuleIds()].map((id) => [id, this.getModuleInfo(id)])));
    },
  };
}

/**
 * The chunk of each module, by id. Core is what every worker thread imports sooner or later: its entry, the modules
 * that references name, and what the command line needs before it knows the command, with all that they import.
 */
function divide(graph, dist) {
  const ids = (paths) => paths.map((path) => join(dist, path));
  const entries = ids(ENTRIES);
  const isPackage = (id) => graph.get(id)?.code == null;
  const reached = (roots, lazily) => {
    const found = new Set(roots);
    for (const id of found) {
      const { importedIds = [], dynamicallyImportedIds = [] } = graph.get(id) ?? {};
      for (const next of lazily ? [...importedIds, ...dynamicallyImportedIds] : importedIds) found.add(next);
    }
    return [...found];
  };
  const heavy = (id) => {
    const needed = reached([id]);
    return Object.keys(HEAVY).find((chunk) => HEAVY[chunk].some((name) => needed.includes(name)));
  };
  const named = [...graph.keys()].filter((id) => graph.get(id).code?.includes(`module: ${URL_NAME}`));
  const wanted = [...reached(ids([WORKER, COMMAND_LINE])), ...ids(NAMED), ...named];
  const core = new Set(reached(wanted.filter((id) => !isPackage(id) && heavy(id) === undefined)));
  const chunks = new Map();
  for (const id of reached([...entries, ...core], true)) {
    if (isPackage(id) || entries.includes(id)) continue;
    chunks.set(id, core.has(id) ? 'core' : (heavy(id) ?? 'app'));
  }
  // These have to lie in a chunk, beside which `packed/..` is right.
  for (const id of graph.keys()) if (id.startsWith(URL_MODULE)) chunks.set(id, 'core');
  return chunks;
}

/** Names and licences of the packages that were packed. */
function licences(root, output) {
  const modules = output.flatMap((file) => file.moduleIds ?? []);
  const names = modules.map((id) => /[\\/]node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(id)?.[1]);
  const packages = [...new Set(names)].filter(Boolean).sort();
  return packages
    .map((name) => {
      const folder = join(root, 'node_modules', name);
      const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      return `dist/packed/ contains parts of ${name} ${version}:\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8')}`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/**
 * Joins what `tsc` built into the program `coffer`: `packages/cli/dist/bundle/`. A command then loads a handful of files where
 * it loaded two or three hundred, which was most of the time until its first output (docs/adr/0005-one-bundle.md).
 */
import { globSync, readFileSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const outdir = join(root, 'packages/cli/dist/bundle');

/** Loaded only where they are needed, or by their own paths: native code, WebAssembly, the threads that write logs. */
const external = ['@napi-rs/keyring', '@serenity-kit/opaque', 'node-forge', 'pino', 'pino-roll', 'react-devtools-core'];

/** React's own checks of how it is used cost more than the drawing: they are for its tests and ours. */
const define = {
  'process.env.NODE_ENV': '"production"',
  // Yoga would fetch its WebAssembly from a data: URL, for which Node loads its whole HTTP client at every start of the UI.
  fetch: 'undefined',
};

/**
 * What every command would load of Node for nothing. Importing `node:process` reads all its properties, and so makes the three
 * standard streams; commander starts commands that are programs of their own, which none of ours is.
 */
const cheapBuiltins = {
  name: 'cheap-builtins',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^node:process$/ }, () => ({ path: 'process', namespace: 'cheap' }));
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: 'nothing', namespace: 'cheap' } : undefined,
    );
    onLoad({ filter: /^process$/, namespace: 'cheap' }, () => ({ contents: 'module.exports = process;' }));
    onLoad({ filter: /^nothing$/, namespace: 'cheap' }, () => ({ contents: 'export default undefined;' }));
  },
};

/** File of each name, by package. */
const exportedBy = new Map();

/** What a bundled CommonJS package may ask for. */
const banner = {
  js: "import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);",
};

/** Messages of schemas in fifty languages that nobody asks for: half of zod, read and checked at every start. */
const englishZod = {
  name: 'english-zod',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

/**
 * Names are taken from the modules that make them, not from a package's index: esbuild splits by module, and an index would give
 * every command all that it names. Of zod it can tell what is used only by the names of a namespace.
 */
const directImports = {
  name: 'direct-imports',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]packages[\\/]\w+[\\/]dist[\\/].*\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8'))
        .replaceAll(/^(import|export) \{([^}]*)\} from '@coffer\/(\w+)';$/gm, (_, ...parts) => takeEach(...parts))
        .replace(/^import \{ z \} from 'zod';$/m, "import * as z from 'zod';"),
    }));
  },
};

/** Everything that measures text does so by one module, which has the rest of the work done only where it must be. */
const quickStringWidth = {
  name: 'quick-string-width',
  setup({ onResolve }) {
    const quick = join(root, 'scripts/quick-string-width.ts');
    const real = join(root, 'packages/tui/node_modules/string-width/index.js');
    onResolve({ filter: /^string-width$/ }, ({ importer }) => ({ path: importer === quick ? real : quick }));
  },
};

if (isStale()) await bundle();

async function bundle() {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { coffer: 'packages/cli/dist/main.js', ...workers() },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node26',
    legalComments: 'none',
    // Names stay, for whoever reads a stack.
    minifyWhitespace: true,
    minifySyntax: true,
    metafile: true,
    logLevel: 'warning',
    banner,
    external,
    define,
    plugins: [englishZod, directImports, cheapBuiltins, quickStringWidth],
  });
  const written = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
  for (const name of globSync('*.js', { cwd: outdir })) if (!written.has(name)) rmSync(join(outdir, name));
}

/** In one line, so that a stack still leads to the right one. */
function takeEach(verb, names, from) {
  const wanted = names.split(',').flatMap((name) => name.trim() || []);
  return wanted.map((name) => `${verb} { ${name} } from '${moduleOf(name.split(' as ')[0], from)}';`).join(' ');
}

/** The file that makes what a package exports under a name. */
function moduleOf(name, from) {
  let exported = exportedBy.get(from);
  if (exported === undefined) exportedBy.set(from, (exported = readIndex(from)));
  const source = exported.get(name);
  if (source === undefined) throw new Error(`@coffer/${from} does not export ${name}`);
  const other = /^@coffer\/(\w+)$/.exec(source);
  return other ? moduleOf(name, other[1]) : join(root, 'packages', from, 'dist', source);
}

/** An index is nothing but `export { A, B } from './file.js'`. */
function readIndex(from) {
  const text = readFileSync(join(root, 'packages', from, 'dist/index.js'), 'utf8');
  const exported = new Map();
  for (const [, names, source] of text.matchAll(/^export \{([^}]*)\} from '([^']+)';$/gm))
    for (const name of names.split(',')) exported.set(name.trim(), source);
  return exported;
}

/** A thread's file is found beside the file that starts it, so all of them lie in one folder and differ in name. */
function workers() {
  const entries = {};
  for (const source of globSync('packages/*/src/**/*-worker.ts', { cwd: root })) {
    const name = basename(source, '.ts');
    if (entries[name] !== undefined) throw new Error(`two threads have files of one name: ${name}`);
    entries[name] = source.replace(/([\\/])src[\\/]/, '$1dist$1').replace(/\.ts$/, '.js');
  }
  return entries;
}

/** True when something was built, or other libraries installed, since the last time. */
function isStale() {
  const inputs = [
    'scripts/bundle.mjs',
    'scripts/quick-string-width.ts',
    'package-lock.json',
    ...globSync('packages/*/dist/.tsbuildinfo', { cwd: root }),
  ];
  const bundledAt = modifiedAt(join(outdir, 'coffer.js'));
  return inputs.some((path) => modifiedAt(join(root, path)) >= bundledAt);
}

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

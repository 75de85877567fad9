#!/usr/bin/env node
/**
 * Starts `coffer` under a Node that can run it: the built program when there is one, otherwise its sources.
 * Plain JavaScript that any Node from 18 on understands, since its first job is to notice a Node that is too old.
 */
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIRED_NODE = 26;

const built = new URL('../dist/bundle/coffer.js', import.meta.url);
const source = new URL('../src/main.ts', import.meta.url);
const args = process.argv.slice(2);

if (Number.parseInt(process.versions.node, 10) < REQUIRED_NODE) startUnderPinnedNode();
else if (existsSync(built)) await startBuilt();
else
  become(process.execPath, [
    '--conditions=source',
    `--import=${import.meta.resolve('tsx')}`,
    fileURLToPath(source),
    ...args,
  ]);

/** Compiled code is kept beside the program, never in a shared temporary folder where another user could lay it down first. */
async function startBuilt() {
  module.enableCompileCache(fileURLToPath(new URL('../dist/.compile-cache', import.meta.url)));
  await import(built.href);
}

/** A checkout has the right Node among its own dependencies. */
function startUnderPinnedNode() {
  const node = findPinnedNode();
  if (node) return become(node, [process.argv[1], ...args]);
  console.error(`error: coffer needs Node ${REQUIRED_NODE} or newer; this is ${process.version}`);
  process.exitCode = 1;
}

function findPinnedNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    const node = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

/** Continues as another process, with the same terminal, signals and exit code. */
function become(file, argv) {
  if (process.execve && process.platform !== 'win32') process.execve(file, [file, ...argv], process.env);
  // Not imported above: loading it takes a tenth of what a short command needs.
  const { spawn } = createRequire(import.meta.url)('node:child_process');
  const child = spawn(file, argv, { stdio: 'inherit' });
  process.on('SIGINT', () => {}); // a terminal sends it to the child as well
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    console.error(`error: cannot run ${file}: ${error.message}`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

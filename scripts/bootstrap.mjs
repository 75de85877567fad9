/**
 * Makes a fresh clone ready: installs what the lock names and builds what changed.
 *
 * Runs before anything is installed and under any Node from 18 on, so it uses nothing but Node itself.
 * Everything after it runs under the Node that the lock pins.
 */
import { spawn, spawnSync } from 'node:child_process';
import { statSync, utimesSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const installed = join(root, 'node_modules/.package-lock.json');
const executable = process.platform === 'win32' ? 'node.exe' : 'node';

/** The Node that package.json pins; it exists once the lock is installed. */
export const pinnedNode = join(root, 'node_modules/node/bin', executable);

/** Installs when node_modules is missing or older than the lock, and builds `project`; ends the process when either fails. */
export function bootstrap({ project }) {
  if (modifiedAt(installed) < modifiedAt(join(root, 'package-lock.json'))) install();
  endUnless(build({ project }));
}

/** Builds what is missing or older than its sources, which is also the type check; returns the exit code. */
export function build({ project }) {
  const code = run('tsc', ['-b', project]);
  return code === 0 ? runNode(['scripts/bundle.mjs']) : code;
}

const tools = {
  knip: 'knip/bin/knip.js',
  oxfmt: 'oxfmt/bin/oxfmt',
  oxlint: 'oxlint/bin/oxlint',
  tsc: 'typescript/bin/tsc',
  tsx: 'tsx/dist/cli.mjs',
};

/** Runs a tool of node_modules under the pinned Node with this terminal; returns its exit code. */
export function run(tool, args) {
  return runNode([join(root, 'node_modules', tools[tool]), ...args]);
}

/** Runs the pinned Node itself with this terminal; returns its exit code. */
export function runNode(args) {
  return exitCode(spawnSync(pinnedNode, args, { cwd: root, stdio: 'inherit', env: environment() }));
}

/**
 * Runs the pinned Node with this terminal and resolves with its exit code. A request to end goes to that process,
 * which then has the time it needs: what runs here owns a server that must be stopped in order.
 */
export function runNodeInForeground(args) {
  const child = spawn(pinnedNode, args, { cwd: root, stdio: 'inherit', env: environment() });
  process.on('SIGINT', () => {}); // a terminal sends it to the child as well
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status, signal) => resolve(exitCode({ status, signal })));
  });
}

/** Ends this process with a failed step's exit code. */
export function endUnless(code) {
  if (code !== 0) process.exit(code);
}

function install() {
  console.error('Installing dependencies (npm ci) …');
  const npm = process.env['npm_execpath'];
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []];
  const args = [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
  endUnless(
    exitCode(
      spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: !npm && process.platform === 'win32' }),
    ),
  );
  const now = new Date();
  utimesSync(installed, now, now);
}

/** Tools that start `node` by name get the pinned one. */
function environment() {
  return { ...process.env, PATH: [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter) };
}

/** Zero when there is no such file, so that anything is newer. */
function modifiedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function exitCode({ status, signal, error }) {
  if (error) throw error;
  return status ?? (signal === 'SIGINT' ? 130 : 1);
}

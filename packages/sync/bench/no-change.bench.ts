import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootEntry, systemClock } from '@coffer/core';
import { DiskTree } from '../src/disk-tree.ts';
import { ignoreNothing } from '../src/ignore-rules.ts';
import { JobState } from '../src/job-state.ts';
import { localPath } from '../src/place.ts';
import type { Place } from '../src/place.ts';
import { createPlanner } from '../src/planner.ts';
import { makeRemoteStamp } from '../src/remote-tree.ts';
import type { RemoteTree } from '../src/remote-tree.ts';
import { runPlanner } from '../src/run-planner.ts';

/*
 * Question: how long does it take, and how much memory, to find that nothing changed in a tree, without the vault's part?
 * Bound: 1,000,000 files in 30 s and 600 MiB (BARS §Speed); 17,000 files in a third of rsync's time.
 * Baseline: the bare readdir and lstat calls of the same tree, in the same process.
 * Run: tsx --conditions=source packages/sync/bench/no-change.bench.ts [FILES] [FOLDER]
 */
const files = Number(process.argv[2] ?? 17_000);
const filesPerDirectory = 20;
const folder = mkdtempSync(join(process.argv[3] ?? '/dev/shm', 'coffer-bench-'));

const cpuMs = (): number => (process.cpuUsage().user + process.cpuUsage().system) / 1000;

/** Wall clock and processor time: the second is what a busy machine does not change much. */
async function measure(what: string, work: () => Promise<number> | number): Promise<void> {
  const before = { wall: performance.now(), cpu: cpuMs() };
  const result = await work();
  const [wall, cpu] = [performance.now() - before.wall, cpuMs() - before.cpu];
  const memory = Math.round(process.memoryUsage.rss() / 1024 / 1024);
  console.log(
    `${what.padEnd(28)} ${String(result).padStart(9)}  ${wall.toFixed(0)} ms  cpu ${cpu.toFixed(0)} ms  rss ${memory} MiB`,
  );
}

function makeTree(): number {
  for (let index = 0; index < files; index += 1) {
    const group = Math.floor(index / filesPerDirectory);
    const directory = join(folder, 'tree', `group-${group % 100}`, `directory-${group}`);
    if (index % filesPerDirectory === 0) mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file number ${index}.txt`), '');
  }
  return files;
}

function bareCalls(tree: DiskTree): number {
  let count = 0;
  const waiting = [''];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const node of tree.list(path).nodes) {
      count += 1;
      if (node.kind === 'directory') waiting.push(path === '' ? node.name : `${path}/${node.name}`);
    }
  }
  return count;
}

const entry = new Uint8Array(16).fill(9);
const root = (base: number): Place => ({
  parent: undefined,
  name: '',
  local: { parent: undefined, name: '' },
  entry: rootEntry,
  base,
});

/** What a push of the whole tree would have remembered. */
function seed(tree: DiskTree, state: JobState): number {
  const base = state.newDirectory();
  state.remember({ directory: 0, name: '' }, { directory: base, local: '', remote: '' });
  let count = 0;
  const waiting = [root(base)];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    for (const { name, kind, stamp } of tree.list(localPath(place.local)).nodes) {
      const directory = kind === 'directory' ? state.newDirectory() : undefined;
      const remoteKind = kind === 'directory' ? 'directory' : 'file';
      const remote = makeRemoteStamp({ kind: remoteKind, entry, seq: 2, mtime: [1, 2], mode: 0o644, size: 0 });
      state.remember({ directory: place.base ?? 0, name }, { directory, local: stamp, remote });
      count += 1;
      if (directory !== undefined) {
        waiting.push({ parent: place, name, local: { parent: place.local, name }, entry, base: directory });
      }
    }
  }
  state.save();
  return count;
}

const unread: RemoteTree = {
  children: () => {
    throw new Error('the vault is not read when nothing changed');
  },
  get: () => undefined,
  entries: () => [],
};

async function plan(tree: DiskTree, state: JobState): Promise<number> {
  const rules = {
    delete: true,
    ignore: ignoreNothing,
    maxFileSizeBytes: undefined,
    overwrite: false,
    conflictName: (name: string) => name,
  };
  const below = root(state.root()?.directory ?? 0);
  const request = {
    mode: 'push',
    root: { below },
    local: tree,
    base: state,
    remote: unread,
    remoteIsBase: true,
    rules,
  } as const;
  const { counts, structure, contents, removals } = await runPlanner(createPlanner(request), systemClock);
  if (structure.length + contents.length + removals.length > 0) throw new Error('found something to do');
  return counts.unchanged;
}

try {
  await measure('make the tree', makeTree);
  const tree = new DiskTree(join(folder, 'tree'));
  await using state = await JobState.open(join(folder, 'state'), {
    root: folder,
    vault: new Uint8Array(32),
    lineage: 0,
    path: 'bench',
  });
  await measure('seed the base', () => seed(tree, state));
  for (let round = 1; round <= 3; round += 1) {
    await measure(`scan alone, round ${round}`, () => bareCalls(tree));
    await measure(`scan and plan, round ${round}`, () => plan(tree, state));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

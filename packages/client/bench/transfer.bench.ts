import { spawn, spawnSync } from 'node:child_process';
import { createCipheriv, randomBytes } from 'node:crypto';
import {
  mkdtempSync,
  mkdirSync,
  openSync,
  writeSync,
  closeSync,
  readdirSync,
  rmSync,
  statSync,
  readFileSync,
  writeFileSync,
  ftruncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fromHex, rootEntry, toHex } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import { login, openAccount, Profile } from '../src/index.ts';

/*
 * Question: how fast does a large file, and a tree of small ones, go up to a daemon beside and come down again, and
 * what memory does that take? Run: tsx --conditions=source packages/client/bench/transfer.bench.ts [big|small|both] [MiB] [FOLDER]
 */
if (process.argv[2] === 'serve') await serveUntilEnd(process.argv[3]);
if (process.argv[2] === 'random') writeRandom(process.argv[3] ?? '', Number(process.argv[4]));
if (process.argv[2] === 'tree') writeTree(process.argv[3] ?? '', Number(process.argv[4]));
if (process.argv[2] === 'login') await logInAndExit(process.argv[3] ?? '', JSON.parse(process.argv[4] ?? '') as Where);

const what = process.argv[2] ?? 'both';
const bigMiB = Number(process.argv[3] ?? 1024);
const root = process.argv[4] ?? '/dev/shm';
const folder = mkdtempSync(join(root, 'coffer-bench-'));

const daemon = spawn(
  process.execPath,
  [...process.execArgv.filter((flag) => flag.startsWith('--conditions')), import.meta.filename, 'serve', folder],
  {
    stdio: ['pipe', 'pipe', 'inherit'],
  },
);
const lines = createInterface({ input: daemon.stdout })[Symbol.asyncIterator]();
const where = await nextLine<Where>();
// In a process of its own: stretching passwords takes memory that is not the transfer's.
const conditions = process.execArgv.filter((flag) => flag.startsWith('--conditions'));
inOtherProcess('login', folder, JSON.stringify(where));

const profile = benchProfile(folder);
const account = await openAccount({ profile, unlock: () => Promise.resolve('') });
const vault = await account.home();

try {
  if (what !== 'small') await big();
  if (what !== 'big') await small();
} finally {
  await account[Symbol.asyncDispose]();
  daemon.stdin.end();
  await new Promise((resolve) => daemon.once('exit', resolve));
  rmSync(folder, { recursive: true, force: true });
}

async function big(): Promise<void> {
  const path = join(folder, 'big');
  inOtherProcess('random', path, String(bigMiB));
  await measured(`upload ${bigMiB} MiB`, bigMiB, async () => {
    await using uploader = await vault.uploader({ lanes: 1 });
    const content = await uploader.upload({ path, size: bigMiB * 2 ** 20 });
    await using batch = vault.batch({ uploader });
    await batch.putFile({ parent: rootEntry, name: 'big', content, mtime: content.mtime, mode: content.mode });
    await batch.commit();
  });
  const entry = vault.tree.lookup('/big');
  const back = join(folder, 'back');
  await measured(`restore ${bigMiB} MiB`, bigMiB, async () => {
    await using downloader = await vault.downloader();
    const file = openSync(back, 'w');
    await downloader.download(
      entry?.content ?? [],
      (offset, bytes) => void writeSync(file, bytes, 0, bytes.byteLength, offset),
    );
    closeSync(file);
  });
  console.log(`equal: ${spawnSync('cmp', [path, back]).status === 0}`);
  rmSync(path);
  rmSync(back);
}

async function small(): Promise<void> {
  inOtherProcess('tree', folder, '17000');
  const files = listTree();
  const bytes = files.reduce((sum, { size }) => sum + size, 0) / 2 ** 20;
  await measured(`upload ${files.length} files, ${bytes.toFixed(0)} MiB`, bytes, () => uploadTree(files));
  const entries = [...vault.tree.walk(rootEntry)].filter(({ entry }) => entry.kind === 'file' && entry.size < 2 ** 20);
  await measured(`restore ${entries.length} files`, bytes, async () => {
    await using downloader = await vault.downloader();
    const back = join(folder, 'back');
    mkdirSync(back);
    await together(entries, downloader.parallel, async ({ entry }, index) => {
      const file = openSync(join(back, String(index)), 'w');
      await downloader.download(
        entry.content,
        (offset, plain) => void writeSync(file, plain, 0, plain.byteLength, offset),
      );
      ftruncateSync(file, entry.size);
      closeSync(file);
    });
  });
}

async function uploadTree(files: readonly { path: string; size: number }[]): Promise<void> {
  await using uploader = await vault.uploader({ lanes: Number(process.env['LANES'] ?? 2) });
  await using batch = vault.batch({ uploader });
  const parent: EntryId = await batch.makeDirectory({ parent: rootEntry, name: 'tree', mtime: [1, 0], mode: 0o755 });
  await together(files, uploader.parallel, async (file, index) => {
    const content = await uploader.upload(file);
    await batch.putFile({ parent, name: `${index}`, content, mtime: content.mtime, mode: content.mode });
  });
  await batch.commit();
}

/** Real files of the machine, copied so that the disk's cache is warm. */
function writeTree(base: string, count: number): never {
  const sources = listFiles('/usr/share/doc').concat(
    listFiles('/usr/include'),
    listFiles('/usr/lib/python3'),
    listFiles('/usr/share'),
    listFiles(join(import.meta.dirname, '../../../node_modules')),
  );
  mkdirSync(join(base, 'tree'));
  for (const [index, source] of sources.slice(0, count).entries()) {
    writeFileSync(join(base, 'tree', String(index)), readFileSync(source));
  }
  return process.exit(0);
}

function listTree(): { path: string; size: number }[] {
  const paths = readdirSync(join(folder, 'tree')).map((name) => join(folder, 'tree', name));
  return paths.map((path) => ({ path, size: statSync(path).size }));
}

function listFiles(from: string): string[] {
  try {
    return readdirSync(from, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => statSync(path).size < 200_000);
  } catch {
    return [];
  }
}

function writeRandom(path: string, mib: number): never {
  const cipher = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16));
  const zeros = Buffer.alloc(2 ** 20);
  const file = openSync(path, 'w');
  for (let written = 0; written < mib; written += 1) writeSync(file, cipher.update(zeros));
  closeSync(file);
  return process.exit(0);
}

async function measured(name: string, mib: number, work: () => Promise<void>): Promise<void> {
  const server = await serverUsage();
  const before = { at: performance.now(), cpu: process.cpuUsage() };
  const startMiB = Math.round(process.memoryUsage.rss() / 2 ** 20);
  let peak = 0;
  const sampler = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 100);
  await work();
  clearInterval(sampler);
  const ms = performance.now() - before.at;
  const { user, system } = process.cpuUsage(before.cpu);
  const after = await serverUsage();
  console.log(
    `${name}: ${ms.toFixed(0)} ms, ${((mib * 1000) / ms).toFixed(0)} MiB/s; client ${((user + system) / 1000).toFixed(0)} ms of processor, ` +
      `peak ${(peak / 2 ** 20).toFixed(0)} MiB (${startMiB} at the start); server ${after.cpuMs - server.cpuMs} ms, peak ${after.maxRssMiB} MiB`,
  );
}

async function serverUsage(): Promise<{ cpuMs: number; maxRssMiB: number }> {
  daemon.stdin.write('?');
  return nextLine();
}

async function nextLine<Value>(): Promise<Value> {
  const { value } = await lines.next();
  return JSON.parse(String(value)) as Value;
}

/** The daemon of the benchmark, in a process of its own: says where it is, and what it used whenever it is asked. */
async function serveUntilEnd(base: string | undefined): Promise<never> {
  const { RealServer } = await import('../test/support/real-server.ts');
  const server = await RealServer.open(base);
  console.log(JSON.stringify({ port: server.port, pin: toHex(server.pin) }));
  for await (const _question of process.stdin) {
    const { user, system } = process.cpuUsage();
    const maxRssMiB = Math.round(process.resourceUsage().maxRSS / 1024);
    console.log(JSON.stringify({ cpuMs: Math.round((user + system) / 1000), maxRssMiB }));
  }
  await server[Symbol.asyncDispose]();
  return process.exit(0);
}

interface Where {
  readonly port: number;
  readonly pin: string;
}

async function logInAndExit(base: string, { port, pin }: Where): Promise<never> {
  const { password } = await import('../test/support/real-server.ts');
  const target = { host: '127.0.0.1', port, username: 'ada' };
  const trust = { kind: 'pin', pin: fromHex(pin) } as const;
  await login({ profile: benchProfile(base), target, password, keystore: 'file', trust, deviceName: 'bench' });
  return process.exit(0);
}

function benchProfile(base: string): Profile {
  return Profile.open({ home: join(base, 'home'), name: 'bench' });
}

/** So that what it takes is not counted here. */
function inOtherProcess(...args: readonly string[]): void {
  spawnSync(process.execPath, [...conditions, import.meta.filename, ...args], { stdio: 'inherit' });
}

/** Works on the items in order, `parallel` at a time. */
async function together<Item>(
  items: readonly Item[],
  parallel: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const rest = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of rest) await work(item, index);
  };
  await Promise.all(Array.from({ length: parallel }, lane));
}

import { describe, expect, test } from '@jest/globals';
import { appendFileSync, chmodSync, cpSync, existsSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import {
  Child,
  cleanEnvironment,
  compareTrees,
  freePort,
  makeTree,
  runProgram,
  TemporaryFolder,
} from '../src/index.ts';

const node = process.execPath;
const env = cleanEnvironment('/nonexistent');
const MiB = 1024 * 1024;

/** Runs a few lines of JavaScript in a process of its own. */
const script = (code: string): [string, ...string[]] => [node, '-e', code];

describe('a child', () => {
  test('gives output, exit code, time and memory', async () => {
    const code = `const held = Buffer.alloc(${200 * MiB}, 1); console.log('out'); console.error('err'); setTimeout(() => process.exit(held[5] + 2), 100)`;
    const finished = await runProgram(script(code), { env });
    expect(finished).toMatchObject({ exitCode: 3, endedBy: null, stdout: 'out\n', stderr: 'err\n' });
    expect(finished.wallMs).toBeGreaterThan(100);
    expect(finished.peakRssBytes).toBeGreaterThan(200 * MiB);
    expect(finished.peakRssBytes).toBeLessThan(400 * MiB);
  });

  test('counts the memory of what it starts itself', async () => {
    const inner = `const held = Buffer.alloc(${150 * MiB}, 1); setTimeout(() => held, 300)`;
    const outer = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}])`;
    const finished = await runProgram(script(outer), { env });
    expect(finished.peakRssBytes).toBeGreaterThan(200 * MiB);
  });

  test('gets its input and nothing of our environment', async () => {
    process.env['COFFER_SECRET_OF_THE_DEVELOPER'] = 'must not get in';
    const code = `console.log(Object.keys(process.env).filter((name) => name.startsWith('COFFER')).length); process.stdin.pipe(process.stdout)`;
    const finished = await runProgram(script(code), { env, input: 'given' });
    expect(finished.stdout).toBe('0\ngiven');
  });

  test('that ignores SIGTERM is killed with what it started', async () => {
    await using folder = await TemporaryFolder.open();
    const inner = `setInterval(() => {}, 1000); process.on('SIGTERM', () => {}); console.log(process.pid)`;
    const outer = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: 'inherit' }); process.on('SIGTERM', () => {})`;
    await using child = new Child(script(outer), { env, cwd: folder.path });
    const [pid] = await child.line(/^\d+$/);
    const finished = await child.stop({ graceMs: 50 });
    expect(finished.endedBy).toBe('SIGKILL');
    await expect(goneWithin(Number(pid), 2000)).resolves.toBe(true);
  });

  test('says in the error what it said when it ends before it is ready', async () => {
    await using child = new Child(script(`console.error('no such port'); process.exitCode = 7`), { env });
    await expect(child.line(/ready/)).rejects.toThrow('no such port');
  });

  test('that does not exist is an error', async () => {
    await expect(runProgram(['/nonexistent/program'], { env })).rejects.toThrow('ENOENT');
  });

  test('ends when the signal is aborted', async () => {
    const stop = new AbortController();
    await using child = new Child(script(`console.log('up'); setInterval(() => {}, 1000)`), {
      env,
      signal: stop.signal,
    });
    await child.line(/up/);
    stop.abort();
    await expect(child.finished).resolves.toMatchObject({ endedBy: 'SIGTERM', exitCode: 143 });
  });
});

test('a temporary folder is gone afterwards, whatever lies in it', async () => {
  let path = '';
  {
    await using folder = await TemporaryFolder.open();
    path = folder.path;
    makeTree({ target: folder.join('tree'), files: 20, oddities: 'all' });
  }
  expect(existsSync(path)).toBe(false);
});

test('a free port can be listened on', async () => {
  const port = await freePort();
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect(server.address()).toMatchObject({ port });
  server.close();
});

describe('comparing trees', () => {
  test('finds equal trees equal, and every kind of difference', async () => {
    await using folder = await TemporaryFolder.open();
    const [left, right] = [folder.join('left'), folder.join('right')];
    const facts = makeTree({ target: left, files: 100, bytes: 2 * MiB, oddities: 'all' });
    expect(facts.files).toBeGreaterThan(140);
    cpSync(left, right, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
    // cp keeps milliseconds only, and no times of folders and links
    const rough = { times: 's', folderTimes: false, linkTimes: false } as const;
    expect(compareTrees(left, right, rough)).toEqual([]);

    appendFileSync(`${right}/odd/UPPER`, 'more');
    writeFileSync(`${right}/odd/upper`, 'the file called UPPER\n');
    chmodSync(`${right}/odd/modes/644`, 0o645);
    utimesSync(`${right}/odd/times/1999`, 1, 1);
    rmSync(`${right}/odd/CON`);
    writeFileSync(`${right}/odd/new`, '');
    rmSync(`${right}/odd/links/up`);
    symlinkSync('elsewhere', `${right}/odd/links/up`);
    rmSync(`${right}/odd/shapes/empty file`);
    symlinkSync('empty folder', `${right}/odd/shapes/empty file`);
    const found = compareTrees(left, right, { ...rough, times: 'none' });
    const byName = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : 1);
    expect(found.toSorted(byName)).toEqual([
      { path: 'odd/CON', what: 'only left' },
      { path: 'odd/UPPER', what: 'size' },
      { path: 'odd/links/up', what: 'link' },
      { path: 'odd/modes/644', what: 'mode' },
      { path: 'odd/new', what: 'only right' },
      { path: 'odd/shapes/empty file', what: 'kind' },
      { path: 'odd/upper', what: 'content' },
    ]);
    expect(compareTrees(left, right, rough)).toContainEqual({ path: 'odd/times/1999', what: 'time' });
  });

  test('the same machine gives the same tree', async () => {
    await using folder = await TemporaryFolder.open();
    const first = makeTree({ target: folder.join('a'), files: 50 });
    const second = makeTree({ target: folder.join('b'), files: 50 });
    expect(second).toEqual(first);
    expect(compareTrees(folder.join('a'), folder.join('b'), { times: 'none' })).toEqual([]);
  });
});

async function goneWithin(pid: number, ms: number): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

import { expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DirectoryLock } from '../src/directory-lock.ts';
import { withTemporaryFolder } from './support/temporary-folder.ts';
import { withCode } from './support/expect-code.ts';

const withFolder = (work: (lock: string) => Promise<void>): Promise<void> =>
  withTemporaryFolder((folder) => work(join(folder, 'lock')));

test('a lock is held once, and free again after it was let go', () =>
  withFolder(async (path) => {
    const lock = DirectoryLock.take(path);
    expect(() => DirectoryLock.take(path)).toThrow(withCode('LOCKED'));
    lock[Symbol.dispose]();
    lock[Symbol.dispose]();
    DirectoryLock.take(path)[Symbol.dispose]();
  }));

test(
  'a lock of another process holds, and dies with it however it ends',
  () =>
    withFolder(async (path) => {
      const source = fileURLToPath(new URL('../src/directory-lock.ts', import.meta.url));
      const script = `const { DirectoryLock } = await import(${JSON.stringify(source)}); globalThis.lock = DirectoryLock.take(process.argv[1]); console.log('held'); setInterval(() => undefined, 1000);`;
      const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', script, path]);
      await once(child.stdout, 'data');
      expect(() => DirectoryLock.take(path)).toThrow(withCode('LOCKED'));
      child.kill('SIGKILL');
      await once(child, 'close');
      DirectoryLock.take(path)[Symbol.dispose]();
    }),
  30_000,
);

test('a folder that is not there is an error of the disk, not a lock', () => {
  expect(() => DirectoryLock.take('/nowhere/at/all/lock')).toThrow(withCode('IO'));
});

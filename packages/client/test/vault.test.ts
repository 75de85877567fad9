import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { idKey, rootEntry } from '@coffer/core';
import type { EntryId } from '@coffer/core';
import type { Commit } from '@coffer/journal';
import { formatPath } from '../src/index.ts';
import type { Account, CommitReport, Vault } from '../src/index.ts';
import { openVaultDatabase } from '../src/state/vault-database.ts';
import { codeOf } from './support/code-of.ts';
import { MemoryDevice, MemoryServer } from './support/memory-server.ts';
import { directory, dropRef, entryId, file, fileRef } from './support/operations.ts';

jest.setTimeout(60_000);

const attributes = { mtime: [1, 0], mode: 0o755 } as const;

afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one[Symbol.asyncDispose]()));
});

const opened: AsyncDisposable[] = [];

describe('two devices at once', () => {
  test('both make a folder: the slower one pulls, checks, and appends behind', async () => {
    const server = new MemoryServer();
    const [first, second] = [await vaultOn(server), await vaultOn(server)];
    await mkdir(first, 'from the first');
    const [report] = await mkdir(second, 'from the second');
    expect(report).toMatchObject({ seq: 3, refused: [] });
    await first.pull();
    expect(paths(first)).toEqual(['/from the first', '/from the second']);
    expect(paths(second)).toEqual(paths(first));
  });

  test('both take one name: the slower one is told, and keeps the rest of its batch', async () => {
    const server = new MemoryServer();
    const [first, second] = [await vaultOn(server), await vaultOn(server)];
    await mkdir(first, 'taken');
    await using batch = second.batch();
    const taken = await batch.makeDirectory({ parent: rootEntry, name: 'taken', ...attributes });
    const below = await batch.makeDirectory({ parent: taken, name: 'below', ...attributes });
    const free = await batch.makeDirectory({ parent: rootEntry, name: 'free', ...attributes });
    const [report] = await batch.commit();
    expect(report?.entries).toEqual([free]);
    expect(report?.refused.map(({ entry, error }) => [entry, error.code])).toEqual([
      [taken, 'CONFLICT'],
      [below, 'CONFLICT'],
    ]);
    expect(paths(second)).toEqual(['/free', '/taken']);
  });

  test('one removes what the other removes too', async () => {
    const server = new MemoryServer();
    const [first, second] = [await vaultOn(server), await vaultOn(server)];
    await mkdir(first, 'a');
    await mkdir(first, 'b');
    await second.pull();
    const ids = ['/a', '/b'].flatMap((path) => second.tree.lookup(path)?.entry ?? []);
    await removeAll(first, ids.slice(0, 1));
    const reports = await removeAll(second, ids);
    expect(reports[0]).toMatchObject({ entries: ids.slice(1), refused: [{ entry: ids[0] }] });
    expect(paths(second)).toEqual([]);
  });
});

describe('what was seen is remembered', () => {
  test('a journal that got shorter is ROLLBACK, for an open vault and after a restart', async () => {
    const server = new MemoryServer();
    using device = new MemoryDevice(server);
    const { vault, account } = await homeOf(device);
    await mkdir(vault, 'a');
    await mkdir(vault, 'b');
    const shorter = server.commits.slice(0, 2);
    server.lies.pull = () => ({ commits: [], head: shorter[1] ?? server.world.head });
    expect(await codeOf(vault.pull())).toBe('ROLLBACK');
    await account[Symbol.asyncDispose]();
    const again = await homeOf(device);
    expect(await codeOf(again.vault.pull())).toBe('ROLLBACK');
  });

  test('throwing the folded tables away does not forget it', async () => {
    const server = new MemoryServer();
    using device = new MemoryDevice(server);
    const { vault, account } = await homeOf(device);
    await mkdir(vault, 'a');
    await vault.pull();
    await account[Symbol.asyncDispose]();
    rmSync(device.profile.statePath(vault.id).replace(/[^/]*$/, ''), { recursive: true });
    server.lies.pull = ({ commits }) => ({
      commits: commits.slice(0, 1),
      head: server.commits[0] ?? server.world.head,
    });
    expect(await codeOf(homeOf(device))).toBe('ROLLBACK');
    server.lies = {};
    const honest = await homeOf(device);
    expect(paths(honest.vault)).toEqual(['/a']);
  });

  test('a server of an older generation is refused', async () => {
    const server = new MemoryServer();
    using device = new MemoryDevice(server);
    server.lies.generation = 3;
    const first = await homeOf(device);
    await first.account[Symbol.asyncDispose]();
    server.lies.generation = 2;
    const account = await device.open();
    opened.push(account);
    expect(await codeOf(account.connect())).toBe('ROLLBACK');
  });

  test('damaged tables are folded again', async () => {
    const server = new MemoryServer();
    using device = new MemoryDevice(server);
    const { vault, account } = await homeOf(device);
    await mkdir(vault, 'a');
    await account[Symbol.asyncDispose]();
    writeFileSync(device.profile.statePath(vault.id), 'no database at all, but longer than a header: '.repeat(100));
    expect(paths((await homeOf(device)).vault)).toEqual(['/a']);
  });
});

describe('the tables', () => {
  test('of a busy process are not thrown away', async () => {
    const server = new MemoryServer();
    using device = new MemoryDevice(server);
    const { vault, account } = await homeOf(device);
    await account[Symbol.asyncDispose]();
    const path = device.profile.statePath(vault.id);
    const before = statSync(path);
    expect(before.mode & 0o777).toBe(0o600);
    const other = new DatabaseSync(path);
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE mine (x)');
    expect(() => openVaultDatabase(path, { busyMs: 10 })).toThrow(expect.objectContaining({ code: 'LOCKED' }));
    expect(statSync(path).ino).toBe(before.ino);
    other.close();
    openVaultDatabase(path).close();
    expect(statSync(path).ino).toBe(before.ino);
  });
});

describe('pulls that lie', () => {
  test('commits left out in the middle, at the end, or sent twice are INTEGRITY', async () => {
    const server = new MemoryServer();
    const writer = await vaultOn(server);
    for (const name of ['a', 'b', 'c']) await mkdir(writer, name);
    const lies: readonly NonNullable<MemoryServer['lies']['pull']>[] = [
      ({ commits, head }) => ({ commits: commits.toSpliced(1, 1), head }),
      ({ commits, head }) => ({ commits: commits.slice(0, -1), head }),
      ({ commits, head }) => ({ commits: commits.flatMap((commit) => [commit, commit]), head }),
      ({ commits, head }) => ({ commits: commits.toReversed(), head }),
    ];
    for (const pull of lies) {
      using device = new MemoryDevice(server);
      server.lies.pull = pull;
      expect(await codeOf(homeOf(device))).toBe('INTEGRITY');
    }
  });
});

describe('a long fork', () => {
  const commits = 250; // More than are folded together.

  test('shown when the tables were lost, leaves nothing behind', async () => {
    const { server, fork } = forked();
    using device = new MemoryDevice(server);
    const { vault, account } = await homeOf(device);
    expect(vault.head.seq).toBe(commits + 1);
    await account[Symbol.asyncDispose]();
    rmSync(device.profile.statePath(vault.id).replace(/[^/]*$/, ''), { recursive: true });
    server.lies.pull = () => ({ commits: fork.commits, head: fork.head });
    expect(await codeOf(homeOf(device))).toBe('ROLLBACK');
    server.lies = {};
    expect(paths((await homeOf(device)).vault)).toEqual(honestPaths);
  });

  test.each(['altered near its end', 'cut short'])('%s, leaves nothing behind in an open vault', async (how) => {
    const { server, fork } = forked();
    using device = new MemoryDevice(server);
    server.lies.pull = () => ({ commits: server.commits.slice(0, 1), head: server.commits[0] ?? server.world.head });
    const { vault } = await homeOf(device);
    const lie = fork.commits.slice(1).toSpliced(how === 'cut short' ? -1 : -5, 1);
    server.lies.pull = () => ({ commits: lie, head: fork.head });
    expect(await codeOf(vault.pull())).toBe('INTEGRITY');
    server.lies = {};
    await mkdir(vault, 'zz mine');
    expect(paths(vault)).toEqual([...honestPaths, '/zz mine']);
  });

  test('of a pull that was interrupted, is gone as soon as it shows', async () => {
    const { server, fork } = forked();
    using device = new MemoryDevice(server);
    server.lies.pull = () => {
      server.lies = {};
      return {
        commits: fork.commits.map((commit) => (commit === fork.head ? cutting(server, commit) : commit)),
        head: fork.head,
      };
    };
    expect(await codeOf(homeOf(device))).toBe('ROLLBACK');
    expect(paths((await homeOf(device)).vault)).toEqual(honestPaths);
  });

  const honestPaths = Array.from({ length: commits }, (_, index) => `/honest ${index}`).toSorted();

  function forked() {
    const server = new MemoryServer();
    const fork = server.world.fork();
    for (let index = 0; index < commits; index += 1) {
      server.append(server.world.commit([directory(entryId(index + 1), { name: `honest ${index}` })], []));
      fork.commit([directory(entryId(index + 1), { name: `lie ${index}` })], []);
    }
    return { server, fork };
  }

  /** All connections break when this one is about to be sent. */
  function cutting(server: MemoryServer, commit: Commit): Commit {
    return {
      ...commit,
      get header() {
        server.cut();
        return commit.header;
      },
    };
  }
});

describe('batches', () => {
  test('more than a thousand operations become several commits, told one by one', async () => {
    const server = new MemoryServer();
    const vault = await vaultOn(server);
    const told: number[] = [];
    await using batch = vault.batch({ onCommitted: ({ seq, entries }) => void told.push(seq, entries.length) });
    for (let index = 0; index < 2100; index += 1) {
      await batch.makeDirectory({ parent: rootEntry, name: `${index}`, ...attributes });
    }
    await batch.commit();
    expect(told).toEqual([2, 1000, 3, 1000, 4, 100]);
    const children = vault.tree.children(rootEntry);
    expect(children).toHaveLength(2100);
    expect([...vault.tree.eachChild(rootEntry)]).toEqual(children);
    expect(children.map(({ key }) => key)).toEqual(children.map(({ entry }) => idKey(entry)));
  });

  test('files below a removed folder are dropped by whoever writes next', async () => {
    const server = new MemoryServer();
    const { world } = server;
    const [folder, lost] = [entryId(1), entryId(2)];
    const chunk = fileRef(lost, world.account);
    server.chunks.set(
      Buffer.from(chunk.kind === 'put' ? (chunk.chunks[0]?.ids ?? []) : []).toString('hex'),
      new Uint8Array(1),
    );
    server.append(world.commit([directory(folder), file(lost, { parent: folder })], [chunk]));
    server.append(world.commit([['remove', [folder]]], [dropRef(folder)]));
    const vault = await vaultOn(server);
    await mkdir(vault, 'next');
    const refs = server.commits.slice(3).flatMap(({ header }) => header.refs);
    expect(refs).toContainEqual({ kind: 'drop', entries: [lost], reason: 'removed' });
    const before = server.commits.length;
    await mkdir(vault, 'and once more');
    expect(server.commits).toHaveLength(before + 1);
  });

  test('undelete and old versions come back without sending anything', async () => {
    const server = new MemoryServer();
    const vault = await vaultOn(server);
    await mkdir(vault, 'folder');
    const entry = vault.tree.lookup('/folder')?.entry ?? rootEntry;
    await removeAll(vault, [entry]);
    const [gone] = vault.tree.deleted();
    await using batch = vault.batch();
    await batch.undelete(entry, { parent: rootEntry, name: 'folder', seq: gone?.seq ?? 0 });
    await batch.commit();
    expect(paths(vault)).toEqual(['/folder']);
  });

  test('names that cannot be are refused before anything is sent', async () => {
    const vault = await vaultOn(new MemoryServer());
    await using batch = vault.batch();
    for (const name of ['', '..', 'a/b', 'a\0', 'Shared', 'x'.repeat(256)]) {
      expect(await codeOf(batch.makeDirectory({ parent: rootEntry, name, ...attributes }))).toBe('INVALID');
    }
  });
});

async function vaultOn(server: MemoryServer): Promise<Vault> {
  const device = new MemoryDevice(server);
  opened.push({ [Symbol.asyncDispose]: () => Promise.resolve(device[Symbol.dispose]()) });
  return (await homeOf(device)).vault;
}

async function homeOf(device: MemoryDevice): Promise<{ readonly account: Account; readonly vault: Vault }> {
  const account = await device.open();
  opened.unshift(account);
  return { account, vault: await account.home() };
}

async function mkdir(vault: Vault, name: string): Promise<readonly CommitReport[]> {
  await using batch = vault.batch();
  await batch.makeDirectory({ parent: rootEntry, name, ...attributes });
  return await batch.commit();
}

async function removeAll(vault: Vault, entries: readonly EntryId[]): Promise<readonly CommitReport[]> {
  await using batch = vault.batch();
  await batch.remove(entries);
  return await batch.commit();
}

function paths(vault: Vault): string[] {
  return [...vault.tree.walk(rootEntry)].map(({ path }) => formatPath(path)).slice(1);
}

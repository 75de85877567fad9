import { randomBytes } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { isCofferError, rootEntry, systemClock, systemRandom } from '@coffer/core';
import { isSegmented } from '@coffer/journal';
import { createTlsDial, findRemoved, login, openAccount, Profile, undeleteEntry } from '../src/index.ts';
import type { Account, CommitReport, Entry, Vault, VersionName } from '../src/index.ts';
import { noKeyring } from './support/keyring.ts';
import { password, RealServer } from './support/real-server.ts';

// The server is stopped and started, and a password is stretched.
jest.setTimeout(120_000);

let server: RealServer;
let folder: string;
let account: Account;
let vault: Vault;

beforeEach(async () => {
  server = await RealServer.open();
  folder = mkdtempSync(join(tmpdir(), 'coffer-client-'));
  // Time passes for the device too; only the server's certificate is as old as it really is.
  const clock = { ...systemClock, nowMs: () => systemClock.nowMs() + server.aheadMs };
  const deps = { clock, random: systemRandom, keyring: noKeyring };
  const profile = Profile.open({ home: folder, name: 'device' }, deps);
  const trust = { kind: 'pin', pin: server.pin, authority: server.authority } as const;
  await login({ profile, target: server.target, password, keystore: 'password', trust, deviceName: 'device' });
  const dial = createTlsDial({ clock: systemClock });
  account = await openAccount({ profile, unlock: () => Promise.resolve(password) }, { dial });
  vault = await account.home();
  await vault.pull();
});

afterEach(async () => {
  await account?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

describe('versions that went by the rules', () => {
  test('are told from those that are kept, and cannot be read, restored or copied: EXPIRED', async () => {
    for (let count = 0; count < 7; count += 1) await put('file', randomBytes(3000));
    await server.pass(100);
    expect(await states('file')).toEqual(['current', 'kept', 'kept', 'kept', 'kept', 'expired', 'expired']);
    const [first] = vault.tree.versions(idOf('file')).toReversed();
    expect(await readError(first)).toMatchObject({ code: 'EXPIRED', details: { cause: 'rules' } });
    expect(await refusals((batch) => batch.restoreVersion(idOf('file'), first?.seq ?? 0))).toEqual(['EXPIRED']);
    const copy = { parent: rootEntry, name: 'copy' };
    expect(await refusals((batch) => batch.copyFile(first ?? entryOf('file'), copy))).toEqual(['EXPIRED']);
    expect(await refusals((batch) => batch.copyFile(entryOf('file'), copy))).toEqual([]);
    expect(await readError(entryOf('copy'))).toBeUndefined();
  });

  test('of removed files: neither the file nor its folder brings them back, and nothing is left broken', async () => {
    const directory = await makeDirectory('folder');
    await put('old', randomBytes(3000), directory);
    await remove(directory);
    await server.pass(40);
    await put('unrelated', randomBytes(10));
    expect(await refusals((batch) => undelete(batch, '/folder/old'))).toEqual(['EXPIRED']);
    expect(await refusals((batch) => undelete(batch, '/folder', '/came back'))).toEqual(['EXPIRED']);
    expect(vault.tree.children(rootEntry).map(({ name }) => name)).toContain('came back');
    expect(vault.tree.lookup('/came back/old')).toBeUndefined();
    await put('another', randomBytes(10));
    const other = await vault.verify([rootEntry]);
    expect(other.problems).toEqual([]);
  });

  test('a shorter policy waits seven days, another one before that cancels it; a hold keeps everything', async () => {
    for (let count = 0; count < 4; count += 1) await put('file', randomBytes(3000));
    const shorter = { versions: 1, days: 1, trashDays: 1 };
    await server.pass(2);
    await put('file', randomBytes(3000));
    expect((await vault.history.retention(shorter)).expiring).toMatchObject({ versions: 3 });
    await vault.history.setPolicy(shorter);
    expect(await vault.history.retention()).toMatchObject({ policy: { versions: 5 }, pending: { policy: shorter } });
    expect(vault.history.policyAt(systemClock.nowMs())).toMatchObject({ isSet: true });
    await account.hold({ on: true, reason: 'a dispute' });
    await server.pass(20);
    expect(await states('file')).toEqual(['current', 'kept', 'kept', 'kept', 'kept']);
    expect(await vault.history.retention()).toMatchObject({ policy: shorter, hold: { on: true, reason: 'a dispute' } });
    await account.hold({ on: false, reason: '' });
    await server.pass(8);
    expect(await states('file')).toEqual(['current', 'expired', 'expired', 'expired', 'expired']);
  });

  test('a purge waits seven days, can be cancelled, and then is EXPIRED by what the journal says', async () => {
    for (let count = 0; count < 3; count += 1) await put('file', randomBytes(3000));
    const [, second, first] = vault.tree.versions(idOf('file'));
    const seqs = [first?.seq ?? 0, second?.seq ?? 0];
    await vault.history.purge(idOf('file'), seqs);
    expect(await states('file')).toEqual(['current', 'purging', 'purging']);
    await vault.history.purge(idOf('file'), []);
    expect(await states('file')).toEqual(['current', 'kept', 'kept']);
    await vault.history.purge(idOf('file'), seqs.slice(0, 1));
    await server.pass(8);
    expect(await states('file')).toEqual(['current', 'kept', 'expired']);
    expect(await readError(first)).toMatchObject({ code: 'EXPIRED', details: { cause: 'purge' } });
    expect(await readError(second)).toBeUndefined();
  });
});

describe('content that the server must have', () => {
  test('and has not is INTEGRITY, for the reader and for whoever refers to it', async () => {
    await put('file', randomBytes(3000));
    await put('file', randomBytes(4000));
    await server.whileDown(() => loseChunks());
    for (const version of vault.tree.versions(idOf('file')))
      expect(await readError(version)).toMatchObject({ code: 'INTEGRITY' });
    expect((await vault.verify([rootEntry])).problems).toMatchObject([{ error: { code: 'INTEGRITY' } }]);
    const [, first] = vault.tree.versions(idOf('file'));
    expect(await refusals((batch) => batch.restoreVersion(idOf('file'), first?.seq ?? 0))).toEqual(['INTEGRITY']);
  });

  test('and that was collected between put and commit is sent again; beside it what is there is not doubted', async () => {
    await put('kept', randomBytes(2000));
    const path = join(folder, 'slow');
    const bytes = randomBytes(3_000_000);
    writeFileSync(path, bytes);
    await using uploader = await vault.uploader();
    const content = await uploader.upload({ path, size: bytes.byteLength });
    await uploader.flush();
    await server.pass(2);
    await using batch = vault.batch({ uploader });
    const { mtime, mode } = content;
    await batch.putFile({ parent: rootEntry, name: 'slow', content, mtime, mode });
    await batch.copyFile(entryOf('kept'), { parent: rootEntry, name: 'copy' });
    expect((await batch.commit()).flatMap(({ refused }) => refused)).toEqual([]);
    expect((await vault.verify([rootEntry])).problems).toEqual([]);
    expect((await read(entryOf('slow'))).equals(bytes)).toBe(true);
  });

  test('and that came from a stream cannot be sent again: it is told, and the rest of the commit is done', async () => {
    await using uploader = await vault.uploader();
    const content = await uploader.uploadStream(parts(randomBytes(2000)));
    await uploader.flush();
    await server.pass(2);
    await using batch = vault.batch({ uploader });
    await batch.putFile({ parent: rootEntry, name: 'stream', content, mtime: [0, 0], mode: 0o644 });
    await batch.makeDirectory({ parent: rootEntry, name: 'beside', mtime: [0, 0], mode: 0o755 });
    const reports = await batch.commit();
    expect(codes(reports)).toEqual(['MISSING_CHUNKS']);
    expect(vault.tree.children(rootEntry).map(({ name }) => name)).toEqual(['beside']);
  });
});

describe('healing', () => {
  test('sends again what was lost, and only from a file that holds it', async () => {
    const bytes = randomBytes(5_000_000);
    await put('file', bytes);
    const path = join(folder, 'copy of it');
    writeFileSync(path, bytes);
    expect(await vault.lostContent()).toBeUndefined();
    await server.whileDown(() => loseChunks());
    await using lost = await vault.lostContent();
    if (lost === undefined) throw new TypeError('nothing is lost');
    expect(lost.size).toBeGreaterThan(1);
    const file = entryOf('file');
    expect(await lost.isPartOf(file)).toBe(true);
    const other = join(folder, 'other');
    writeFileSync(other, randomBytes(bytes.byteLength));
    expect(await lost.heal(file, { path: other, size: bytes.byteLength })).toBe(0);
    const count = lost.size;
    expect(await lost.heal(file, { path, size: bytes.byteLength })).toBe(count);
    expect(lost.size).toBe(0);
    expect(await vault.lostContent()).toBeUndefined();
    expect((await read(file)).equals(bytes)).toBe(true);
  });
});

test('a file of more than 1,024 chunks expires, comes back as a version, and is healed', async () => {
  const path = join(folder, 'islands');
  writeIslands(path, 1100);
  await putPath('file', path);
  const first = entryOf('file');
  expect(isSegmented(first.content)).toBe(true);
  await put('file', randomBytes(10));
  expect(await refusals((batch) => batch.restoreVersion(idOf('file'), first.seq))).toEqual([]);
  expect((await vault.verify([rootEntry])).problems).toEqual([]);
  await server.whileDown(() => loseChunks());
  expect((await vault.verify([rootEntry])).problems).toMatchObject([{ error: { code: 'INTEGRITY' } }]);
  {
    await using lost = await vault.lostContent();
    expect(await lost?.isPartOf(entryOf('file'))).toBe(true);
    expect(await lost?.heal(entryOf('file'), { path, size: first.size })).toBeGreaterThanOrEqual(1100);
  }
  expect((await vault.verify([rootEntry])).problems).toEqual([]);
  expect(Buffer.from(await read(entryOf('file'))).subarray(0, 4)).toEqual(Buffer.from([0, 0, 0, 1]));
  for (let count = 0; count < 6; count += 1) await put('file', randomBytes(10));
  await server.pass(100);
  expect((await states('file')).join(' ')).toBe('current kept kept kept kept expired expired expired expired');
  expect(await readError(first)).toMatchObject({ code: 'EXPIRED' });
});

function entryOf(name: string): Entry {
  const entry = vault.tree.lookup(`/${name}`);
  if (entry === undefined) throw new TypeError(`there is no ${name}`);
  return entry;
}

function idOf(name: string): Uint8Array {
  return entryOf(name).entry;
}

async function put(name: string, bytes: Uint8Array, parent = rootEntry): Promise<void> {
  const path = join(folder, 'upload');
  writeFileSync(path, bytes);
  await putPath(name, path, parent);
}

async function putPath(name: string, path: string, parent = rootEntry): Promise<void> {
  const present = vault.tree.child(parent, name);
  await using uploader = await vault.uploader();
  const content = await uploader.upload({ path, size: 0 });
  await using batch = vault.batch({ uploader });
  const { mtime, mode } = content;
  await batch.putFile({ parent, name, content, mtime, mode, ...(present && { entry: present.entry }) });
  await batch.commit();
}

async function makeDirectory(name: string): Promise<Uint8Array> {
  await using batch = vault.batch();
  const entry = await batch.makeDirectory({ parent: rootEntry, name, mtime: [0, 0], mode: 0o755 });
  await batch.commit();
  return entry;
}

async function remove(entry: Uint8Array): Promise<void> {
  await using batch = vault.batch();
  await batch.remove([entry]);
  await batch.commit();
}

type Batch = ReturnType<Vault['batch']>;

async function undelete(batch: Batch, path: string, to = path): Promise<void> {
  const removed = findRemoved(vault.tree, path);
  if (removed === undefined) throw new TypeError('it was never removed');
  if (to === path) {
    const wish = { now: vault.tree, was: removed.before, names: path.split('/').slice(1), nowMs: 0 };
    return undeleteEntry({ batch, ...wish });
  }
  await batch.undelete(removed.entry.entry, { parent: rootEntry, name: to.slice(1), seq: removed.entry.seq });
}

/** Codes of what a batch could not do. */
async function refusals(work: (batch: Batch) => Promise<unknown>): Promise<string[]> {
  await using batch = vault.batch();
  await work(batch);
  return codes(await batch.commit());
}

function codes(reports: readonly CommitReport[]): string[] {
  return reports.flatMap(({ refused }) => refused.map(({ error }) => error.code));
}

/** Newest first. */
async function states(name: string): Promise<string[]> {
  return (await vault.history.ask(idOf(name))).map(({ state }) => state);
}

async function read(entry: Pick<Entry, 'content' | 'size'>): Promise<Buffer> {
  await using downloader = await vault.downloader();
  const whole = Buffer.alloc(entry.size);
  await downloader.download(entry.content, (offset, part) => whole.set(part, offset));
  return whole;
}

/** As a command tells it; undefined when the version can be read. */
async function readError(version: (Pick<Entry, 'content' | 'size'> & VersionName) | undefined): Promise<unknown> {
  if (version === undefined) throw new TypeError('there is no such version');
  try {
    await read(version);
    return undefined;
  } catch (error) {
    if (!isCofferError(error)) throw error;
    return await vault.history.explain(version, error);
  }
}

/** A disk that lost the files with all content, and not the journal. */
function loseChunks(): void {
  const users = join(server.storage, 'users');
  for (const user of readdirSync(users)) {
    const chunks = join(users, user, 'chunks');
    for (const name of readdirSync(chunks)) rmSync(join(chunks, name));
  }
}

/** Pieces of data apart in a sparse file: each is a chunk of its own. */
function writeIslands(path: string, count: number): void {
  const apart = 256 * 1024;
  const file = openSync(path, 'w');
  for (let index = 0; index < count; index += 1) {
    const bytes = randomBytes(64);
    bytes.writeUInt32BE(index + 1);
    writeSync(file, bytes, 0, bytes.byteLength, index * apart);
  }
  ftruncateSync(file, count * apart);
  closeSync(file);
}

async function* parts(...list: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* list;
}

import type { ChunkId, EntryId } from '@coffer/core';
import { dayMs, MiB, newEntryId, silentLogger, systemClock, systemRandom } from '@coffer/core';
import type { Clock } from '@coffer/core';
import { putRef, TestAccount, TestVault } from '@coffer/journal/testing';
import { Storage } from '@coffer/storage';
import type { StorageOptions } from '@coffer/storage';

/** Long enough ago for trash (30 days) and graces (a day) to be over. */
const agoMs = 40 * dayMs;

/** What a chunk holds. Small: what is measured grows with their number. */
const chunkBytes = 300;

const chunksPerFile = 10;
const filesPerCommit = 100;

/** The account whose vault is filled. */
export const ownerSeed = 1;

/** As a server opens it. */
export function storageOptions(path: string, clock: Clock, onFatal: (error: unknown) => void): StorageOptions {
  const adapters = { clock, random: systemRandom, logger: silentLogger };
  return { path, packBytes: 64 * MiB, reserve: 0.01, ...adapters, onFatal };
}

export async function addAccount(storage: Storage, account: TestAccount, username: string): Promise<void> {
  const records = { registrationRecord: new Uint8Array(3), unlockRecord: new Uint8Array(4) };
  await storage.accounts.create({ username, role: 'user', ...records, identity: account.statements });
}

/**
 * A storage as it was `agoMs` ago: of every ten files four are kept, three were removed and three sent and never
 * committed. So every pack is to be compacted.
 */
export async function fill(path: string, chunks: number): Promise<void> {
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() - agoMs };
  await Storage.init({ path, clock, random: systemRandom });
  await using storage = await Storage.open(storageOptions(path, clock, fail));
  const owner = new TestAccount(ownerSeed);
  const device = owner.enroll();
  const home = new TestVault({ owner });
  await addAccount(storage, owner, 'owner');
  await storage.createVault(home.genesis);
  const removed: EntryId[] = [];
  for (let sent = 0; sent < chunks; sent += filesPerCommit * chunksPerFile) {
    const files = await send(storage, home, owner);
    const committed = files.filter((_, index) => index % 10 < 7);
    const refs = committed.map(({ entry, ids }) => putRef(entry, { uploader: owner.account, ids }));
    await storage.append(home.id, [home.append({ by: device, refs })]);
    removed.push(...files.filter((_, index) => index % 10 >= 4 && index % 10 < 7).map(({ entry }) => entry));
  }
  while (removed.length > 0) {
    const entries = removed.splice(0, 1000);
    await storage.append(home.id, [home.append({ by: device, refs: [{ kind: 'drop', entries, reason: 'removed' }] })]);
  }
}

interface SentFile {
  readonly entry: EntryId;
  readonly ids: readonly ChunkId[];
}

async function send(storage: Storage, { id: vault }: TestVault, { account }: TestAccount): Promise<SentFile[]> {
  const files: SentFile[] = [];
  const payload = systemRandom.bytes(chunkBytes);
  const writer = await storage.putChunks({ vault, uploader: account, kind: 'chunk' });
  for (let file = 0; file < filesPerCommit; file += 1) {
    const ids = Array.from({ length: chunksPerFile }, () => systemRandom.bytes(32));
    for (const id of ids) await writer.put(id, payload);
    files.push({ entry: newEntryId(systemClock, systemRandom), ids });
  }
  await writer.finish();
  return files;
}

function fail(error: unknown): never {
  throw new Error('the storage failed', { cause: error });
}

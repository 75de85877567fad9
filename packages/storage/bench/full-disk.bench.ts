/**
 * Fills a small filesystem to the brim, twenty times, and shows that removals, downloads and logins go on and that
 * uploads come back by themselves (BARS §Faults 5):
 *
 *     mount -t tmpfs -o size=64m tmpfs /mnt/small && tsx --conditions=source packages/storage/bench/full-disk.bench.ts /mnt/small
 */
import {
  concatBytes,
  isCofferError,
  KiB,
  MiB,
  newEntryId,
  silentLogger,
  systemClock,
  systemRandom,
} from '@coffer/core';
import { putRef, TestAccount, TestVault } from '@coffer/journal/testing';
import { checkStorage, Storage } from '@coffer/storage';
import { randomBytes } from 'node:crypto';
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const root = process.argv[2];
if (root === undefined) throw new TypeError('name a folder on a small filesystem');
const path = join(root, 'storage');
const filler = join(root, 'filler');
await Storage.init({ path, clock: systemClock, random: systemRandom });
const fatal: unknown[] = [];
const storage = await Storage.open({
  path,
  packBytes: 4 * MiB,
  reserve: 0.05,
  clock: systemClock,
  random: systemRandom,
  logger: silentLogger,
  onFatal: (error) => void fatal.push(error),
});
const owner = new TestAccount(1);
const device = owner.enroll();
const home = new TestVault({ owner });
const records = { registrationRecord: new Uint8Array(3), unlockRecord: new Uint8Array(4) };
await storage.accounts.create({ username: 'anna', role: 'user', ...records, identity: owner.statements });
await storage.createVault(home.genesis);
const scope = { vault: home.id, uploader: owner.account };
const stored: { readonly entry: Uint8Array; readonly ids: Uint8Array }[] = [];

async function upload(): Promise<void> {
  const writer = await storage.putChunks({ ...scope, kind: 'chunk' });
  const ids = [0, 1, 2, 3].map(() => new Uint8Array(randomBytes(32)));
  for (const id of ids) await writer.put(id, new Uint8Array(randomBytes(100 * KiB)));
  await writer.finish();
  const entry = newEntryId(systemClock, systemRandom);
  const commit = home.make({ by: device, refs: [putRef(entry, { uploader: owner.account, ids })] });
  await storage.append(home.id, [commit]);
  home.add(commit);
  stored.push({ entry, ids: concatBytes(...ids) });
}

/** Bytes of something else on the disk that took the last room. */
function fillToTheBrim(): number {
  let bytes = 0;
  for (let step = 64 * KiB; step >= 1;) {
    try {
      appendFileSync(filler, new Uint8Array(step));
      bytes += step;
    } catch {
      step = step === 1 ? 0 : Math.max(1, step >> 3);
    }
  }
  return bytes;
}

async function tolerate(work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (isCofferError(error, 'NO_SPACE')) return false;
    throw error;
  }
}

for (let cycle = 1; cycle <= 20; cycle += 1) {
  let uploads = 0;
  while (uploads < 8 && (await tolerate(upload))) uploads += 1;
  const filled = fillToTheBrim();
  const refused = !(await tolerate(upload));
  let removals = 0;
  for (const { entry } of stored.slice(-10)) {
    const commit = home.make({ by: device, refs: [{ kind: 'drop', entries: [entry], reason: 'removed' }] });
    const done = await tolerate(async () => void (await storage.append(home.id, [commit])));
    if (!done) continue;
    home.add(commit);
    removals += 1;
  }
  await storage.accounts.touchDevice(owner.account, device.device);
  let read = 0;
  for await (const { payload } of storage.readChunks({ ...scope, ids: stored.at(-1)?.ids ?? new Uint8Array(0) }))
    read += payload.byteLength;
  rmSync(filler);
  await systemClock.sleep(300);
  const { freeBytes, writable } = await storage.status();
  console.log(
    JSON.stringify({
      cycle,
      uploads,
      filled,
      refused,
      removals,
      of: Math.min(10, stored.length),
      read,
      writable,
      freeBytes,
      fatal: fatal.length,
    }),
  );
  if (!refused || removals === 0 || read === 0 || fatal.length > 0) process.exitCode = 1;
}
await storage[Symbol.asyncDispose]();
let findings = 0;
for await (const finding of checkStorage({ path, readData: true })) {
  findings += 1;
  console.log(finding);
}
console.log(JSON.stringify({ findings }));
if (findings > 0) process.exitCode = 1;

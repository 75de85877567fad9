/**
 * How long a start takes after a kill, with a lot stored: `tsx --conditions=source packages/storage/bench/recovery-speed.bench.ts [FOLDER] [GIB]`.
 * A process fills the storage, is killed in the middle of an upload, and another one opens it (bar: 5 s at 10 GiB).
 */
import { MiB, newEntryId, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { putRef, TestAccount, TestVault } from '@coffer/journal/testing';
import { Storage } from '@coffer/storage';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [folder = '/tmp', gib = '10', child] = process.argv.slice(2);

async function open(path: string): Promise<Storage> {
  const deps = { clock: systemClock, random: systemRandom, logger: silentLogger };
  return Storage.open({ path, packBytes: 64 * MiB, reserve: 0.01, ...deps, onFatal: (error) => console.error(error) });
}

async function fill(path: string): Promise<void> {
  const storage = await open(path);
  const owner = new TestAccount(1);
  const device = owner.enroll();
  const home = new TestVault({ owner });
  const records = { registrationRecord: new Uint8Array(3), unlockRecord: new Uint8Array(4) };
  await storage.accounts.create({ username: 'anna', role: 'user', ...records, identity: owner.statements });
  await storage.createVault(home.genesis);
  const scope = { vault: home.id, uploader: owner.account, kind: 'chunk' } as const;
  const payload = new Uint8Array(randomBytes(MiB));
  for (let stored = 0; ; stored += 64) {
    const writer = await storage.putChunks(scope);
    const ids = Array.from({ length: 64 }, () => new Uint8Array(randomBytes(32)));
    for (const id of ids) await writer.put(id, payload);
    await writer.finish();
    const entry = newEntryId(systemClock, systemRandom);
    await storage.append(home.id, [
      home.append({ by: device, refs: [putRef(entry, { uploader: owner.account, ids })] }),
    ]);
    if (stored / 1024 >= Number(gib)) console.log('full');
  }
}

if (child !== undefined) await fill(child);
else {
  const root = mkdtempSync(join(folder, 'coffer-recovery-'));
  try {
    const path = join(root, 'storage');
    await Storage.init({ path, clock: systemClock, random: systemRandom });
    const script = fileURLToPath(import.meta.url);
    const worker = spawn(process.execPath, [...process.execArgv, script, folder, gib, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(worker.stdout, 'data');
    await systemClock.sleep(100);
    worker.kill('SIGKILL');
    await once(worker, 'close');
    for (let round = 0; round < 3; round += 1) {
      const start = performance.now();
      const storage = await open(path);
      console.log(
        `${round === 0 ? 'start after the kill' : 'start again'}: ${(performance.now() - start).toFixed(0)} ms`,
      );
      await storage[Symbol.asyncDispose]();
    }
    const start = performance.now();
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(path, `index.db${suffix}`), { force: true });
    const storage = await open(path);
    console.log(`start without an index: ${(performance.now() - start).toFixed(0)} ms`);
    await storage[Symbol.asyncDispose]();
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

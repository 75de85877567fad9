/** Fills a storage until it is killed: `fill-and-die.ts FOLDER BYTES`; says `full` when so much is acknowledged, and goes on. */
import { silentLogger, systemClock, systemRandom, toHex } from '@coffer/core';
import { putRef, TestAccount, TestVault } from '@coffer/journal/testing';
import { Storage } from '@coffer/storage';
import { randomFillSync } from 'node:crypto';
import { writeSync } from 'node:fs';

const MiB = 1024 * 1024;
const chunkBytes = 2 * MiB;
const chunksPerFile = 16;

const [path = '', wanted = '0'] = process.argv.slice(2);
const deps = { clock: systemClock, random: systemRandom };
await Storage.init({ path, ...deps });
const storage = await Storage.open({
  path,
  packBytes: 64 * MiB,
  reserve: 0,
  ...deps,
  logger: silentLogger,
  onFatal: (error) => {
    throw error;
  },
});
const owner = new TestAccount(1);
const device = owner.enroll();
const home = new TestVault({ owner });
const records = { registrationRecord: new Uint8Array(3), unlockRecord: new Uint8Array(4) };
await storage.accounts.create({ username: 'alice', role: 'user', ...records, identity: owner.statements });
await storage.createVault(home.genesis);
writeSync(1, `vault ${toHex(home.id)}\n`);

for (let stored = 0; ; stored += chunksPerFile * chunkBytes) {
  const writer = await storage.putChunks({ vault: home.id, uploader: owner.account, kind: 'chunk' });
  const ids = Array.from({ length: chunksPerFile }, () => systemRandom.bytes(32));
  for (const id of ids) await writer.put(id, randomFillSync(new Uint8Array(chunkBytes)));
  await writer.finish();
  const refs = [putRef(systemRandom.bytes(16), { uploader: owner.account, ids })];
  const commit = home.make({ by: device, refs });
  await storage.append(home.id, [commit]);
  home.add(commit);
  writeSync(1, `acknowledged ${commit.header.seq}\n`);
  if (stored >= Number(wanted)) writeSync(1, 'full\n');
}

import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAccount, Profile } from '@coffer/client';
import { rootEntry } from '@coffer/core';
import type { VaultId } from '@coffer/core';
import type { Coffer, Vault } from '../../src/index.ts';
import { RestlessFolder } from '../kill/restless-folder.ts';
import type { Seeded } from '../seeded.ts';
import { openLyingServer } from './lying-server.ts';

/** Commits that the victim has not seen; each push is one, two when it removes as well. */
const newsPushes = 4;
/** More than the owner's in all, so that every position of its journal has one in theirs. */
const othersCommits = 30;

/**
 * The owner works and pushes `work`, keeps a `before` of it that the victim is going to know, and works on. What an attacker has
 * kept of the past is in `older` and `forked`, what an attack may spoil in `kept`, with the storage of `before`. The daemon is
 * stopped in the end. Gives another account's vault.
 */
export async function prepareBench(
  vault: Vault,
  { seeded, victim }: { readonly seeded: Seeded; readonly victim: Coffer },
): Promise<VaultId> {
  const { folder, daemon, storage } = vault;
  const owner = new Author(
    vault.user.device,
    new RestlessFolder(folder.join('work'), seeded.branch(0), { renames: false }),
  );
  await owner.push('as it was');
  const rival = await vault.device();
  await rival.json(['ls', '/']);
  await daemon.stop();
  copy(storage, folder.join('older'));
  await daemon.restart();

  await owner.push('as the victim knows it');
  await daemon.stop();
  copy(storage, folder.join('storage of before'));
  copy(folder.join('work'), folder.join('before'));
  await daemon.restart();
  for (let round = 0; round < newsPushes; round += 1) await owner.push(`news ${round}`);

  const { device: other } = await vault.addUser('other');
  await commitMany(other);

  await daemon.stop();
  const kept = { storage, certs: vault.certs, victim: victim.home };
  for (const [name, path] of Object.entries(kept)) copy(path, folder.join('kept', name));
  await fork(vault, rival);
  return Profile.open({ home: other.home, name: 'default' }).requireRecord().home;
}

class Author {
  readonly #device: Coffer;
  readonly #work: RestlessFolder;

  constructor(device: Coffer, work: RestlessFolder) {
    this.#device = device;
    this.#work = work;
  }

  async push(news: string): Promise<void> {
    this.#work.edit();
    writeFileSync(join(this.#work.path, 'small'), `${news}\n`);
    await this.#device.json(['sync', this.#work.path, '/work', '--delete', '--force']);
  }
}

/** From the older storage on, a device that has seen nothing newer goes another way, further than the victim has been. */
async function fork({ folder, certs, daemon }: Vault, rival: Coffer): Promise<void> {
  copy(folder.join('older'), folder.join('forked'));
  await using _server = await openLyingServer({ storage: folder.join('forked'), certs, port: daemon.port });
  await commitMany(rival);
}

/** In this process: thirty runs of the program would take longer than all attacks of a test. */
async function commitMany({ home }: Coffer): Promise<void> {
  const profile = Profile.open({ home, name: 'default' });
  await using account = await openAccount({ profile, unlock: () => Promise.resolve('') });
  const vault = await account.home();
  await vault.pull();
  await using batch = vault.batch();
  for (let count = 0; count < othersCommits; count += 1) {
    await batch.makeDirectory({
      parent: rootEntry,
      name: `another way ${count}`,
      mtime: [1_700_000_000, 0],
      mode: 0o755,
    });
    await batch.commit();
  }
}

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true });
}

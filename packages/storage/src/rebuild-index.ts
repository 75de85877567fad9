import type { Clock, Logger, Random } from '@coffer/core';
import { rm } from 'node:fs/promises';
import { Accounts } from './accounts/accounts.ts';
import { DirectoryLock } from './directory-lock.ts';
import { SqliteFacts } from './facts/sqlite-facts.ts';
import { LocalPacks } from './packs/local-packs.ts';
import { nodeDisk } from './packs/node-disk.ts';
import { refuseNewerDatabases, refuseNewerPacks } from './refuse-newer.ts';
import { RetentionClock } from './retention/retention-clock.ts';
import type { Recovered } from './recovery/recover.ts';
import { recover } from './recovery/recover.ts';
import { indexPath, lockPath, readIdentity } from './storage-folder.ts';

export interface RebuildIndexOptions {
  readonly path: string;
  readonly packBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal?: AbortSignal;
}

/**
 * Makes index.db anew from the packs. Nothing in the packs is changed. An interrupted run is finished by the next start.
 * @throws NOT_FOUND, LOCKED (a server runs), UPGRADE_REQUIRED, NO_SPACE, IO
 */
export async function rebuildIndex(options: RebuildIndexOptions): Promise<Recovered> {
  const { path } = options;
  await readIdentity(path);
  using _lock = DirectoryLock.take(lockPath(path));
  refuseNewerDatabases(path);
  await using packs = new LocalPacks(options, { ...options, disk: nodeDisk });
  await refuseNewerPacks(packs, packs.list());
  await using accounts = await Accounts.open(path, options);
  for (const suffix of ['', '-wal', '-shm']) await rm(indexPath(path) + suffix, { force: true });
  await using clock = await RetentionClock.open({ ...options, accounts });
  await using facts = await SqliteFacts.open(indexPath(path), { thread: 'same' });
  return await recover({ ...options, clock, facts, packs, accounts });
}

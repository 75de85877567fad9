import type { AccountId, VaultId } from '@coffer/core';
import { Accounts } from './accounts/accounts.ts';
import type { Facts } from './facts/facts.ts';
import { SqliteFacts } from './facts/sqlite-facts.ts';
import { LocalPacks } from './packs/local-packs.ts';
import { nodeDisk } from './packs/node-disk.ts';
import type { Packs } from './packs/packs.ts';
import { refuseNewerDatabases } from './refuse-newer.ts';
import { recover } from './recovery/recover.ts';
import { RetentionClock } from './retention/retention-clock.ts';
import { SpaceGuard } from './space-guard.ts';
import type { StorageIdentity } from './storage-folder.ts';
import { indexPath, lockToServe, readIdentity } from './storage-folder.ts';
import { StorageHealth } from './storage-health.ts';
import type { StorageOptions } from './storage-options.ts';

/** What a storage is built on, in working order: whatever a crash left is recovered. */
export interface StorageParts {
  readonly options: StorageOptions;
  readonly identity: StorageIdentity;
  readonly health: StorageHealth;
  readonly accounts: Accounts;
  readonly facts: Facts;
  readonly packs: Packs;
  readonly space: SpaceGuard;
  readonly clock: RetentionClock;
  /** Vaults that a recovery could not bring to their head. */
  readonly stuck: readonly VaultId[];
  /** How statements of accounts become durable; to be set before the first one is made. */
  readonly recording: { record?: (account: AccountId, statement: Uint8Array) => Promise<void> };
}

/**
 * Takes the folder's lock and opens what lies in it. All of it belongs to `owned`, in the order in which it was opened.
 * @throws NOT_FOUND, LOCKED, UPGRADE_REQUIRED (untouched), DAMAGED, NO_SPACE, IO
 */
export async function openParts(options: StorageOptions, owned: AsyncDisposableStack): Promise<StorageParts> {
  const identity = await readIdentity(options.path);
  owned.use(lockToServe(options));
  refuseNewerDatabases(options.path);
  const { disk = nodeDisk, openFacts = openIndex, clock } = options;
  const space = new SpaceGuard(options, { disk, clock });
  // A start needs room too, and a full disk is when servers are restarted.
  await space.tend();
  const health = new StorageHealth(options);
  const onFailed = (error: unknown): void => health.fail(error);
  const recording: StorageParts['recording'] = {};
  const recordStatement = recordBy(recording);
  const accounts = owned.use(await Accounts.open(options.path, { clock, recordStatement, onFailed }));
  const facts = owned.use(await openFacts(indexPath(options.path), onFailed));
  const packs = owned.use(new LocalPacks(options, { ...options, disk }));
  const retentionClock = owned.use(await RetentionClock.open({ clock, accounts }));
  const { stuck } = await recover({ ...options, facts, packs, accounts, clock: retentionClock });
  return { options, identity, health, accounts, facts, packs, space, clock: retentionClock, stuck, recording };
}

function openIndex(path: string, onFailed: (error: unknown) => void): Promise<Facts> {
  return SqliteFacts.open(path, { thread: 'own', onFailed });
}

function recordBy(recording: StorageParts['recording']) {
  return async (account: AccountId, statement: Uint8Array): Promise<void> => {
    if (!recording.record) throw new TypeError('the storage is not open');
    await recording.record(account, statement);
  };
}

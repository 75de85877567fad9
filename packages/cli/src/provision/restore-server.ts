import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CofferError, MiB, timestampFromMs } from '@coffer/core';
import type { Clock, Logger, Random } from '@coffer/core';
import { makeCertificate } from '@coffer/journal';
import { writeOpaqueSetup } from '@coffer/server';
import { restoreStorage } from '@coffer/storage';
import type { BackupNote, Restored } from '@coffer/storage';
import { openAuthority } from './authority.ts';
import type { AuthorityKeys } from './authority.ts';
import { openOpaqueSetup } from './opaque-copy.ts';

export interface RestoreServerOptions {
  readonly storage: string;
  /** `--home` of the administrator, with the authority's keys. */
  readonly home: string;
  readonly backup: string | undefined;
  readonly leastGeneration: number | undefined;
  /** Shown to every person. */
  readonly reason: string;
  readonly passphrase: () => Promise<string | undefined>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Size of packs begun by a restore: it appends one statement. */
const packBytes = 64 * MiB;

/**
 * Makes a server out of `users/` and a backup, on the machine where the authority's keys are.
 * @throws NOT_FOUND without the keys, INTEGRITY when they are of another server, and as `restoreStorage`
 */
export async function restoreServer(options: RestoreServerOptions): Promise<Restored> {
  const { storage, reason, clock } = options;
  return restoreStorage({
    ...options,
    path: storage,
    file: options.backup,
    packBytes,
    prepare: async (backup) => {
      const { authority } = await keysFor(options, backup);
      const origin = {
        v: 1,
        type: 'generation',
        authority: authority.publicKey,
        server: backup.server,
        reason,
      } as const;
      return ({ n, heads }) =>
        makeCertificate({ ...origin, at: timestampFromMs(clock.nowMs()), n, heads: [...heads] }, authority.sign);
    },
  });
}

/** The authority's keys, once they have opened what the daemon needs. */
async function keysFor(options: RestoreServerOptions, backup: BackupNote): Promise<AuthorityKeys> {
  const { storage, home, passphrase } = options;
  const keys = await openAuthority({ home, server: backup.server }, passphrase);
  if (keys === undefined) {
    throw new CofferError('NOT_FOUND', 'the authority key of this server is not on this machine', {
      hint: 'Copy the folder authority, which `coffer admin init` told you to keep safe, into the folder given with --home.',
    });
  }
  if (!existsSync(join(storage, 'opaque-setup'))) await restoreSetup(options, { backup, keys });
  return keys;
}

async function restoreSetup(
  { storage }: RestoreServerOptions,
  { backup, keys }: { readonly backup: BackupNote; readonly keys: AuthorityKeys },
): Promise<void> {
  if (backup.opaqueSetup === undefined) {
    throw new CofferError('NOT_FOUND', 'neither the storage folder nor the backup has the login secret', {
      hint: 'Put the file opaque-setup into the storage folder.',
    });
  }
  const { recovery } = keys;
  await writeOpaqueSetup(storage, openOpaqueSetup({ sealed: backup.opaqueSetup, server: backup.server, recovery }));
}

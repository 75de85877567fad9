import { CofferError, idKey, toHex } from '@coffer/core';
import { PathVaults } from '@coffer/sync';
import type { JobOptions } from '@coffer/sync';
import { jobsFolder } from './compose.ts';
import type { HomeSession } from './compose.ts';
import type { CommandContext } from './context.ts';
import { displayPath } from './vault-paths.ts';

export interface PathToCheck {
  readonly session: HomeSession;
  readonly job: JobOptions;
  /** As the account sees it. */
  readonly path: string;
  /** The vault is one that the account shares itself. */
  readonly isOwnShare: boolean;
}

/**
 * Notes which vault the path of a job leads to, or refuses one that led elsewhere the last time. What the account itself began to
 * share since then is the same folder still. @throws CONFLICT
 */
export function checkSameVault(
  context: CommandContext,
  { session, job, path, isOwnShare }: PathToCheck,
  { force, dryRun }: { readonly force: boolean; readonly dryRun: boolean },
): void {
  const known = new PathVaults(jobsFolder(context));
  const synced = { local: job.local, path };
  const before = known.of(synced);
  const wasShared = isOwnShare && before === toHex(session.vault.id);
  if (before !== undefined && before !== toHex(job.vault.id) && !wasShared && !force) {
    const ids = `${before.slice(0, 8)} then, ${idKey(job.vault.id).slice(0, 8)} now`;
    throw new CofferError(
      'CONFLICT',
      `${displayPath(path.split('/').slice(1))} is not what this folder was last synced with (${ids})`,
      {
        hint: 'Others may see what is in it. Sync another folder with it, or pass --force if this one is meant.',
      },
    );
  }
  if (!dryRun) known.note(synced, job.vault.id);
}

import { lstatSync, realpathSync } from 'node:fs';
import type { Entry, LostContent, Vault } from '@coffer/client';
import { CofferError, isCofferError } from '@coffer/core';
import { fromEntryName, fromFsPath, joinPath, toFsPath } from './byte-name.ts';
import type { ByteName } from './byte-name.ts';
import { fileError } from './file-error.ts';
import { failureOfOnePath } from './file-failures.ts';
import type { ReportDraft } from './report.ts';
import type { VaultRoot } from './vault-root.ts';

export interface HealLost {
  readonly vault: Vault;
  readonly vaultRoot: VaultRoot;
  /** Real path of the folder. */
  readonly root: ByteName;
  readonly report: ReportDraft;
}

/**
 * Sends content again that the server has lost, from files of the job that still hold it. What is lost and not found here is
 * noted in the report; it fails nothing.
 * @throws UNREACHABLE; the signal's reason
 */
export async function healLost(job: HealLost, signal?: AbortSignal): Promise<void> {
  const { vault, vaultRoot, root, report } = job;
  if (vaultRoot.entry === undefined) return;
  await using lost = await vault.lostContent(signal);
  if (lost === undefined) return;
  for (const { path, entry } of vault.tree.walk(vaultRoot.entry.entry)) {
    if (lost.size === 0) return;
    if (entry.kind !== 'file' || !(await lost.isPartOf(entry, signal))) continue;
    const below = path.map(fromEntryName).join('/');
    try {
      const healed = await heal(lost, { entry, file: joinPath(root, below) }, signal);
      report.counts.healed += healed;
      if (healed === 0) report.note(below, lostError());
    } catch (error) {
      if (isCofferError(error, 'QUOTA', 'NO_SPACE')) return report.note(below, error);
      report.note(below, failureOfOnePath(fileError(error)));
    }
  }
}

/** Nothing is read that lies outside the folder, or cannot be the file by its size. */
async function heal(
  lost: LostContent,
  { entry, file }: { readonly entry: Entry; readonly file: ByteName },
  signal: AbortSignal | undefined,
): Promise<number> {
  const path = toFsPath(file);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isFile() !== true || found.size !== entry.size) return 0;
  if (fromFsPath(realpathSync(path, { encoding: 'buffer' })) !== file) return 0;
  return await lost.heal(entry, { path, size: found.size }, signal);
}

function lostError(): CofferError {
  return new CofferError('INTEGRITY', 'the server has lost content of this file, and it is not here any more', {
    hint: 'Sync a device that still has it; other versions are not affected.',
  });
}

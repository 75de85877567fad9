import type { EntryId, IdKey } from '@coffer/core';
import { idKey } from '@coffer/core';
import type { AppliedCommit, VaultFacts, VaultMember } from '../facts/facts.ts';

export interface MemoryVersion {
  readonly entry: IdKey;
  readonly seq: number;
  readonly bytes: number;
  ended: 'replaced' | 'removed' | 'moved' | undefined;
}

export interface MemoryVault extends VaultFacts {
  members: readonly VaultMember[];
  readonly commits: AppliedCommit[];
  readonly versions: MemoryVersion[];
}

export function endVersion(vault: MemoryVault, entry: EntryId, ended: MemoryVersion['ended']): void {
  const current = vault.versions.find((version) => version.entry === idKey(entry) && version.ended === undefined);
  if (current) current.ended = ended;
}

export function keepVersion(vault: MemoryVault, entry: EntryId, seq: number): void {
  const kept = vault.versions.find((version) => version.entry === idKey(entry) && version.seq === seq);
  if (!kept || kept.ended === undefined) return;
  endVersion(vault, entry, 'replaced');
  kept.ended = undefined;
}

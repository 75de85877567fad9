import type { IdKey } from '@coffer/core';
import type { AppliedCommit, TeamStateFacts, VaultFacts, VaultMember } from '../facts/facts.ts';
import type { MemoryVersions } from './memory-retention.ts';

export interface MemoryVault extends VaultFacts {
  members: readonly VaultMember[];
  readonly commits: (AppliedCommit & { readonly author: IdKey })[];
  readonly teamStates: TeamStateFacts[];
  readonly history: MemoryVersions;
}

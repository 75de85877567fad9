import type { AccountId, IdKey } from '@coffer/core';
import { idKey } from '@coffer/core';
import type { UsageFacts } from '../facts/facts.ts';
import type { MemoryChunks } from './memory-chunks.ts';
import { countOf, sum } from './memory-chunks.ts';
import type { MemoryVault } from './memory-vault.ts';

/** What there is, to be added up. */
export interface MemoryStored {
  readonly chunks: MemoryChunks;
  readonly vaults: ReadonlyMap<IdKey, MemoryVault>;
}

/** What the account's vaults hold, counted anew each time. */
export function usageOf({ chunks, vaults }: MemoryStored, owner: AccountId): UsageFacts {
  const key = idKey(owner);
  const own = chunks.all.filter((chunk) => chunk.owner === key);
  const owned = [...vaults.values()].filter((vault) => idKey(vault.owner) === key);
  const versions = owned.flatMap(({ history }) => history.versions);
  return {
    chunkBytes: sum(own.map(({ place }) => place?.bytes ?? 0)),
    uncommittedBytes: sum(own.filter((chunk) => countOf(chunk) === 0).map(({ place }) => place?.bytes ?? 0)),
    journalBytes: sum(owned.flatMap(({ commits }) => commits.map(({ place }) => place.bytes))),
    files: versions.filter(({ ended }) => ended === undefined).length,
    versions: versions.length,
    trashBytes: sum(versions.filter(({ ended }) => ended === 'removed').map(({ bytes }) => bytes)),
    othersBytes: writtenOf({ chunks, vaults }, owner),
  };
}

/** What another account, or all others, have sent into the vaults of the owner. */
export function writtenOf({ chunks, vaults }: MemoryStored, owner: AccountId, writer?: IdKey): number {
  const key = idKey(owner);
  const isWanted = (sender: IdKey): boolean => sender !== key && (writer === undefined || sender === writer);
  const own = chunks.all.filter((chunk) => chunk.owner === key && isWanted(chunk.sender));
  const owned = [...vaults.values()].filter((vault) => idKey(vault.owner) === key);
  const commits = owned.flatMap((vault) => vault.commits.filter(({ author }) => isWanted(author)));
  return sum([...own.map(({ place }) => place?.bytes ?? 0), ...commits.map(({ place }) => place.bytes)]);
}

import type { Clock, IdKey, Random } from '@coffer/core';
import { CofferError, idKey, isCofferError } from '@coffer/core';
import { LocalPacks } from '../packs/local-packs.ts';
import { nodeDisk } from '../packs/node-disk.ts';
import { recordKinds } from '../packs/pack-format.ts';
import type { PackInfo, Packs } from '../packs/packs.ts';
import { scanRange } from '../recovery/index-pack.ts';

export interface VaultLimit {
  /** The storage folder. */
  readonly path: string;
  /** Vaults that the statement of a generation can name. */
  readonly maxVaults: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the journals for how many vaults there are, before anything is changed: a storage that was half restored and
 * whose generation cannot be signed would serve nobody. Costs what the rebuild of the index costs for journals.
 * @throws LIMIT, IO; the signal's reason
 */
export async function refuseTooManyVaults({ path, maxVaults, signal, ...deps }: VaultLimit): Promise<void> {
  await using packs = new LocalPacks({ path, packBytes: 0 }, { ...deps, disk: nodeDisk });
  const vaults = new Set<IdKey>();
  for await (const pack of packs.list()) {
    signal?.throwIfAborted();
    if (pack.kind === 'journal') await addVaults(packs, pack, vaults);
    if (vaults.size > maxVaults) throw tooMany(maxVaults);
  }
}

/** A pack that cannot be read is told of by the rebuild. */
async function addVaults(packs: Packs, pack: PackInfo, vaults: Set<IdKey>): Promise<void> {
  try {
    for await (const scanned of scanRange(packs, { pack, from: 0, to: pack.bytes }))
      if (scanned.type === 'record' && scanned.header.kind === recordKinds.commit)
        vaults.add(idKey(scanned.header.vault));
  } catch (error) {
    if (!isCofferError(error, 'DAMAGED', 'NOT_FOUND', 'IO')) throw error;
  }
}

function tooMany(maxVaults: number): CofferError {
  return new CofferError('LIMIT', `this storage holds more than ${maxVaults} vaults, which no generation can name`, {
    hint: 'Nothing was changed. Divide its accounts among several servers: copy some folders of users/ to each.',
    details: { maxVaults },
  });
}

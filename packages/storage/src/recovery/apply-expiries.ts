import type { Logger, VaultId } from '@coffer/core';
import { equalBytes, idKey, isCofferError } from '@coffer/core';
import type { Facts } from '../facts/facts.ts';
import type { FoundExpiry } from '../facts/retention-facts.ts';
import type { Packs } from '../packs/packs.ts';
import { openRecord } from '../packs/record-reader.ts';
import { batchesOf, readPuts } from '../retention/read-puts.ts';
import type { ExpiryRecord } from '../statement.ts';
import { decodeStatement, expiryVersions } from '../statement.ts';

/** Found expiries asked of the index at a time. */
const batch = 100;

export interface ApplyExpiries {
  readonly facts: Facts;
  readonly packs: Packs;
  readonly logger: Logger;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Carries out the expiries that a recovery found, once the commits of their vaults are applied. Those of vaults that are
 * stuck wait: what they name may be among the commits that do not follow.
 */
export async function applyExpiries(options: ApplyExpiries, stuck: readonly VaultId[]): Promise<void> {
  for (const vault of await options.facts.vaultsToExpire()) {
    if (stuck.some((other) => equalBytes(other, vault))) continue;
    for (;;) {
      options.signal?.throwIfAborted();
      const found = await options.facts.foundExpiries(vault, batch);
      for (const expiry of found) await applyOne(options, expiry);
      if (found.length < batch) break;
    }
  }
}

async function applyOne(options: ApplyExpiries, found: FoundExpiry): Promise<void> {
  const { facts } = options;
  const statement = await tryRead(options, found);
  const known = await facts.vault(found.vault);
  const names = statement && known && equalBytes(known.owner, found.owner) ? statement.versions : [];
  const change = { ...found, atMs: statement?.atMs ?? 0, cause: statement?.cause ?? 'rules', packs: [] } as const;
  const versions = names.map(([entry, seq]) => ({ entry, seq }));
  for await (const puts of batchesOf(readPuts({ ...options, ...found, versions }), expiryVersions)) {
    const { vault, owner, atMs, cause, packs } = change;
    await facts.expireVersions({ vault, owner, atMs, cause, packs, versions: puts });
  }
  // Only when all of it happened it is forgotten.
  const { vault, owner, atMs, cause, packs } = change;
  await facts.expireVersions({ vault, owner, atMs, cause, packs, versions: [], found: found.id });
}

/** A statement that is damaged names nothing: its versions stay. */
async function tryRead(
  { packs, logger }: ApplyExpiries,
  { id, owner, vault, place }: FoundExpiry,
): Promise<ExpiryRecord | undefined> {
  const { pack, offset, bytes } = place;
  try {
    const record = await packs.read({ owner, kind: 'journal', pack, offset, length: bytes });
    const statement = decodeStatement(openRecord(record, { place: { ...place, id }, at: 0 }).payload);
    return statement?.type === 'expiry' ? statement : undefined;
  } catch (error) {
    if (!isCofferError(error, 'DAMAGED', 'NOT_FOUND', 'INVALID')) throw error;
    logger.error({ vault: idKey(vault), pack, offset, code: error.code }, 'a stored expiry cannot be read');
    return undefined;
  }
}

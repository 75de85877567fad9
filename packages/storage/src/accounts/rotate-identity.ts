import { CofferError, equalBytes } from '@coffer/core';
import type { AccountId } from '@coffer/core';
import { foldChain } from '@coffer/journal';
import type { AccountsTables } from './accounts-tables.ts';

/** Another identity of the same account. */
export interface IdentityRotation {
  readonly account: AccountId;
  /** A `rotate` at the end of the chain. */
  readonly statement: Uint8Array;
  /** Sealed under the same password as the one before. */
  readonly unlockRecord: Uint8Array;
  readonly expectedAuthEpoch: number;
}

export interface RotationParts {
  readonly tables: AccountsTables;
  /** In one transaction, durable when it returns. */
  readonly change: (work: () => void) => void;
  /** Makes the statement durable among the packs. */
  readonly recordStatement: ((account: AccountId, statement: Uint8Array) => Promise<void>) | undefined;
}

/**
 * Statement and secrets in one step, then the statement among the packs: one there that this step refused would be a chain without
 * its secrets, once it was recovered. When the packs do not take it, it waits as those of other processes do.
 * @throws as `Accounts.rotateIdentity`
 */
export async function rotateIdentity(
  { account, statement, unlockRecord, expectedAuthEpoch }: IdentityRotation,
  { tables, change, recordStatement }: RotationParts,
): Promise<{ readonly seq: number }> {
  const known = tables.statements(account, 0);
  const last = known.at(-1);
  const record = tables.byId(account);
  if (last === undefined || record === undefined) throw new CofferError('NOT_FOUND', 'there is no such account');
  const isThere = equalBytes(last, statement);
  const isDone = isThere && record.authEpoch === expectedAuthEpoch + 1 && equalBytes(record.unlockRecord, unlockRecord);
  if (isDone) return { seq: known.length };
  const seq = isThere ? known.length : foldChain([statement], foldChain(known)).seq;
  if (record.authEpoch !== expectedAuthEpoch) throw passwordChanged();
  change(() => {
    if (tables.byId(account)?.authEpoch !== expectedAuthEpoch) throw passwordChanged();
    if (!isThere && tables.lastStatement(account) !== seq - 1)
      throw new CofferError('CONFLICT', 'the identity chain has grown meanwhile');
    if (!isThere) tables.addStatement({ account, seq, statement, recorded: false });
    tables.update(account, { unlock_record: unlockRecord, auth_epoch: expectedAuthEpoch + 1, certificate: null });
  });
  if (isThere || recordStatement === undefined) return { seq };
  await recordStatement(account, statement);
  change(() => tables.markRecorded(account, seq));
  return { seq };
}

function passwordChanged(): CofferError {
  return new CofferError('CONFLICT', 'the password was changed meanwhile');
}

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
  /** Makes the statement durable among the packs first. */
  readonly recordStatement: ((account: AccountId, statement: Uint8Array) => Promise<void>) | undefined;
}

/**
 * Statement and secrets in one step. A crash after the packs have the statement leaves a chain without its secrets, once it
 * was recovered: the same again completes it. @throws as `Accounts.rotateIdentity`
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
  if (!isThere) await recordStatement?.(account, statement);
  change(() => {
    if (tables.byId(account)?.authEpoch !== expectedAuthEpoch) throw passwordChanged();
    if (!isThere && tables.lastStatement(account) !== seq - 1)
      throw new CofferError('CONFLICT', 'the identity chain has grown meanwhile');
    const recorded = recordStatement !== undefined;
    if (!isThere) tables.addStatement({ account, seq, statement, recorded });
    tables.update(account, { unlock_record: unlockRecord, auth_epoch: expectedAuthEpoch + 1, certificate: null });
  });
  return { seq };
}

function passwordChanged(): CofferError {
  return new CofferError('CONFLICT', 'the password was changed meanwhile');
}

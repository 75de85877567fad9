import { equalBytes, idKey } from '@coffer/core';
import { foldChain, readCertificate, type IdentityState } from '@coffer/journal';
import type { ResponseOf } from '@coffer/protocol';
import { readStoredBytes, type AccountRecord, type Accounts } from '@coffer/storage';
import { findUser } from './find-user.ts';

/** An account with its devices, as administrators see it. */
export type UserView = ResponseOf<'admin.userShow'>;

/** Devices shown; revoked ones make way first. */
const devicesShown = 256;

/** What accounts.db and the index tell; of its vaults nothing, for that a storage must be open. @throws NOT_FOUND, UPGRADE_REQUIRED, BUSY, IO */
export async function showUser(path: string, accounts: Accounts, username: string): Promise<Omit<UserView, 'vaults'>> {
  const record = await findUser(accounts, username);
  const identity = foldChain(accounts.identityStatements(record.account));
  const stored = await readStoredBytes(path);
  const { account, role, state, quotaBytes, largestFileBytes, contact, folder, createdAtMs, mustChange } = record;
  return {
    username: record.username,
    account,
    role,
    state,
    quotaBytes,
    largestFileBytes,
    storedBytes: stored?.get(idKey(account)) ?? 0,
    contact,
    folder,
    createdAtMs,
    mustChange,
    certified: isCertified(record, identity),
    fingerprint: identity.fingerprint,
    devices: await devicesOf(accounts, { record, identity }),
  };
}

/** Whether the certificate that lies there is still about the account's name and keys: both may have changed since. */
function isCertified({ certificate, canonicalUsername }: AccountRecord, { fingerprint }: IdentityState): boolean {
  if (certificate === null) return false;
  const opened = readCertificate(certificate);
  return (
    opened.type === 'identity' && opened.username === canonicalUsername && equalBytes(opened.fingerprint, fingerprint)
  );
}

async function devicesOf(
  accounts: Accounts,
  { record, identity }: { readonly record: AccountRecord; readonly identity: IdentityState },
): Promise<UserView['devices']> {
  const seen = new Map(
    (await accounts.devicesSeen(record.account)).map(({ device, lastSeenMs }) => [idKey(device), lastSeenMs]),
  );
  return [...identity.devices.values()]
    .toSorted((a, b) => Number(a.revoked) - Number(b.revoked))
    .slice(0, devicesShown)
    .map(({ device, name, scope, revoked }) => ({ name, scope, revoked, lastSeenMs: seen.get(idKey(device)) ?? null }));
}

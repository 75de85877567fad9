import { CofferError, equalBytes, type AccountId } from '@coffer/core';
import { foldChain, readCertificate } from '@coffer/journal';
import type { Accounts } from '@coffer/storage';
import { findUser } from './find-user.ts';

/**
 * Keeps a certificate of the authority for an account. It must be signed by the authority that vouches for the server's recovery
 * key, and about this account, its name and its keys as they are; who pins the authority checks all of it again. Answers whose it is.
 * @throws NOT_FOUND, INVALID, INTEGRITY
 */
export async function certifyUser(
  accounts: Accounts,
  { username, certificate }: { readonly username: string; readonly certificate: Uint8Array },
): Promise<AccountId> {
  const record = await findUser(accounts, username);
  const { account, canonicalUsername } = record;
  const { fingerprint } = foldChain(accounts.identityStatements(account));
  const opened = readCertificate(certificate);
  const isAbout =
    opened.type === 'identity' &&
    equalBytes(opened.authority, await authorityOf(accounts)) &&
    opened.username === canonicalUsername &&
    equalBytes(opened.account, account) &&
    equalBytes(opened.fingerprint, fingerprint);
  if (!isAbout) throw new CofferError('INVALID', 'this certificate is about another account, name or key');
  await accounts.setCertificate(account, certificate);
  return account;
}

/** Of this server: whoever pinned another one would take the certificate for forged. */
async function authorityOf(accounts: Accounts): Promise<Uint8Array> {
  const own = await accounts.setting('recoveryCertificate');
  if (own !== undefined) return readCertificate(own).authority;
  throw new CofferError('NOT_FOUND', 'this server has no authority');
}

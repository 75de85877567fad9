import { CofferError, equalBytes, idKey, type VaultId } from '@coffer/core';
import type { DeviceRecord, Role } from '@coffer/journal';
import type { Access } from '@coffer/protocol';
import type { Connection } from '../session/connection.ts';

export interface RightsSource {
  /** The account's role in the vault now; `undefined` for a stranger and for a vault that does not exist. */
  roleIn(vault: VaultId, account: Uint8Array): Promise<Role | undefined>;
  /** True while the account is an administrator's, asked anew each time. */
  isAdmin(account: Uint8Array): Promise<boolean>;
  /** False as soon as the account is suspended or, when one is named, the device revoked. */
  isLive(account: Uint8Array, device?: Uint8Array): Promise<boolean>;
}

export interface Demand {
  readonly access: Access;
  /** The vaults that the request names. */
  readonly vaults: readonly VaultId[];
}

/**
 * The one place where rights are decided, for the binary protocol and for HTTP (PROTOCOL §HTTPS on the same port).
 * The order of the session is the protocol's; here it is who may do what.
 * @throws REFUSED when the session's right has ended, NOT_FOUND for a vault that is not the account's business,
 *   NOT_ALLOWED for a reader who wants to write, a worker beyond its vaults, and whoever is no administrator now
 */
export async function authorize(
  source: RightsSource,
  { standing }: Connection,
  { access, vaults }: Demand,
): Promise<void> {
  if (access === 'open') return;
  const early = access === 'login' || access === 'login|device';
  if (standing.phase === 'open' || (standing.phase === 'login' && !early)) throw notLoggedIn();
  if (standing.phase === 'login') {
    if (!(await source.isLive(standing.account))) throw ended();
    return;
  }
  // A proved device has what enrolment gives; a worker must not get to the account's secrets this way.
  if (access === 'login') throw new CofferError('NOT_ALLOWED', 'this belongs to a login, before the device is proved');
  const { account, device } = standing;
  if (!(await source.isLive(account, device.device))) throw ended();
  if (access === 'admin') await checkAdmin(source, account, device);
  for (const vault of vaults) {
    if (device.scope === 'worker' && !device.vaults.some((served) => equalBytes(served, vault))) throw notServed();
    checkRole(await source.roleIn(vault, account), { access, vault });
  }
}

/** An unattended machine of an administrator syncs folders; whoever takes it must not get the server with it. */
async function checkAdmin(source: RightsSource, account: Uint8Array, { scope }: DeviceRecord): Promise<void> {
  if (!(await source.isAdmin(account)))
    throw new CofferError('NOT_ALLOWED', 'this is for administrators of the server');
  if (scope !== 'worker') return;
  throw new CofferError('NOT_ALLOWED', 'an unattended device does no administration', {
    hint: 'Log in on a machine of your own without --keystore file, or run the command on the server with --storage.',
  });
}

function checkRole(
  role: Role | undefined,
  { access, vault }: { readonly access: Access; readonly vault: VaultId },
): void {
  // A stranger must not learn which vaults exist.
  if (role === undefined)
    throw new CofferError('NOT_FOUND', 'there is no such vault', { details: { vault: idKey(vault) } });
  if (access === 'write' && role === 'read') {
    throw new CofferError('NOT_ALLOWED', 'this vault may only be read', {
      hint: 'Ask its owner for the right to write.',
    });
  }
}

function notLoggedIn(): CofferError {
  return new CofferError('NOT_LOGGED_IN', 'this needs a login', { hint: 'Log in with `coffer login`.' });
}

function ended(): CofferError {
  return new CofferError('REFUSED', 'this session has ended', {
    hint: 'The device was revoked or the account suspended; log in again.',
  });
}

function notServed(): CofferError {
  return new CofferError('NOT_ALLOWED', 'this device does not serve that vault');
}

import { CofferError, equalBytes, integrityError, isCofferError } from '@coffer/core';
import type { Random } from '@coffer/core';
import { hasEscrow, sealUnlockRecord } from '@coffer/crypto';
import type { StartedLogin, StartedRegistration } from '@coffer/crypto';
import type { ClientConnection, ResponseOf } from '@coffer/protocol';
import type { Connections } from '../connection/connections.ts';
import type { Greeted } from '../connection/session.ts';
import { opaqueLogin, prepareLogin } from '../login/opaque-login.ts';
import type { DeviceKeys, FullDeviceKeys } from '../profile/device-keys.ts';
import type { Keystore } from '../profile/keystore.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';
import { recoveryKeyOf } from './recovery-key.ts';

/** Something that was asked about the own password. */
export type OwnRequest = ResponseOf<'account.requests'>['requests'][number];

export interface PasswordPair {
  /** The one in force. */
  readonly current: string;
  readonly next: string;
}

export interface PasswordChange {
  /** False: an administrator decides upon it first, and until then the old password is the one. */
  readonly inForce: boolean;
  /** The new records have an escrow for the administrator's recovery key. */
  readonly escrow: boolean;
}

export interface OwnCredentialsDeps {
  readonly connections: Connections;
  readonly record: ProfileRecord;
  /** As the server called the account last. */
  readonly username: () => string;
  /** It is called so from now on. */
  readonly onRenamed: (username: string) => void;
  readonly keys: DeviceKeys;
  readonly keystore: Keystore;
  readonly random: Random;
  /** Throws when the keys of this device are not the account's any more: they must not be sealed under a new password. */
  readonly checkKeys: (connection: ClientConnection, signal?: AbortSignal) => Promise<void>;
}

/** The own name and password (CRYPTO §Passwords that change or are lost). @throws NOT_ALLOWED for a worker; UNREACHABLE */
export class OwnCredentials {
  readonly #deps: OwnCredentialsDeps;

  constructor(deps: OwnCredentialsDeps) {
    this.#deps = deps;
  }

  /**
   * Takes a new password, which the caller has checked, behind the one in force: whoever is at an unlocked machine has only its
   * keys. The keys of this device open with it too: at once when it is in force,
   * otherwise beside the old one until it was used. There is an escrow again only if there was one.
   * @throws REFUSED when the current one is wrong; INTEGRITY when the server gives a recovery key that the pinned authority did not sign; BUSY, CONFLICT
   */
  async changePassword({ current, next }: PasswordPair, signal?: AbortSignal): Promise<PasswordChange> {
    const { connections, record, keys, keystore } = this.#deps;
    if (keys.kind !== 'full') throw notHere();
    // It also tells what the account is called now, which a login names.
    await connections.run('control', (one) => this.#deps.checkKeys(one, signal), signal);
    const login = await prepareLogin(current);
    await using opaque = login.client;
    const started = await opaque.startRegistration(next);
    const changed = await connections.behindPassword(
      (greeted) => this.#logIn(greeted, login.started, signal),
      (one) => this.#change(one, { keys, started, signal }),
      signal,
    );
    if (changed.inForce) await keystore.save(record, keys, next);
    else await keystore.saveNext(record, keys, next);
    return changed;
  }

  /** @throws EXISTS, INVALID for a name that is taken, or none, or reads like another */
  async rename(username: string, signal?: AbortSignal): Promise<void> {
    const wait = { ...(signal && { signal }) };
    await this.#deps.connections.run('control', (one) => one.request('account.rename', { username }, wait), signal);
    this.#deps.onRenamed(username);
  }

  /** Newest first. */
  async requests(signal?: AbortSignal): Promise<readonly OwnRequest[]> {
    const wait = { ...(signal && { signal }) };
    const ask = (one: ClientConnection) => one.request('account.requests', {}, wait);
    return (await this.#deps.connections.run('control', ask, signal)).response.requests;
  }

  /** Withdraws all that wait, or were approved and not finished. @returns how many */
  async cancelRequests(signal?: AbortSignal): Promise<number> {
    const wait = { ...(signal && { signal }) };
    const ask = (one: ClientConnection) => one.request('account.requestsCancel', {}, wait);
    return (await this.#deps.connections.run('control', ask, signal)).response.cancelled;
  }

  async #logIn(greeted: Greeted, started: StartedLogin, signal: AbortSignal | undefined): Promise<void> {
    const { record, username } = this.#deps;
    try {
      const { account } = await opaqueLogin({ greeted, username: username(), started }, signal);
      if (!equalBytes(account, record.account)) throw integrityError('The account of this name');
    } catch (error) {
      throw isCofferError(error, 'REFUSED') ? wrongPassword(error) : error;
    }
  }

  async #change(
    connection: ClientConnection,
    change: {
      readonly keys: FullDeviceKeys;
      readonly started: StartedRegistration;
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<PasswordChange> {
    const { keys, started, signal } = change;
    const { server, account, authority } = this.#deps.record;
    const { random } = this.#deps;
    const wait = { ...(signal && { signal }) };
    const start = await connection.request('account.passwordStart', { request: started.request }, wait);
    const { response, authEpoch, recovery, unlockRecord: inForce } = start.response;
    // After the start: keys that are changed from here on are another count of `authEpoch`, and the finish is refused.
    await this.#deps.checkKeys(connection, signal);
    const vouched = recoveryKeyOf({ certificate: recovery, authority, server });
    // Who registered without one did not ask for it by choosing another password.
    const recoveryKey = hasEscrow(inForce) ? vouched : undefined;
    const { record, exportKey } = await started.finish({ account, server, response });
    const { ark, identitySeed, sealSeed, dedup, formerSealSeeds } = keys;
    const secrets = { ark, identitySeed, sealSeed, dedup, formerSealSeeds };
    const sealed = { server, account, exportKey, secrets, random };
    const unlockRecord = sealUnlockRecord({ ...sealed, ...(recoveryKey && { recoveryKey }) });
    const finish = await connection.request('account.passwordFinish', { record, unlockRecord, authEpoch }, wait);
    return { inForce: finish.response.request === null, escrow: recoveryKey !== undefined };
  }
}

function wrongPassword(cause: CofferError): CofferError {
  return new CofferError('REFUSED', 'the current password is not right', {
    hint: 'Nothing was changed. If it is lost, use `coffer password reset-request`.',
    cause,
  });
}

function notHere(): CofferError {
  return new CofferError('NOT_ALLOWED', 'an unattended device may not change the account', {
    hint: 'Sign in with --keystore password or keyring, and run it there.',
  });
}

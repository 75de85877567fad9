import { CofferError, idKey, isCofferError } from '@coffer/core';
import type { Random } from '@coffer/core';
import { decodeDeviceKeys, encodeDeviceKeys } from './device-keys.ts';
import type { DeviceKeys } from './device-keys.ts';
import type { Keyring } from './keyring.ts';
import { readPrivateFile, removePrivateFile, writePrivateFile } from './private-file.ts';
import type { ProfileRecord } from './profile-record.ts';

/** Asked for at most once per opening. */
export type AskPassword = () => Promise<string>;

export interface KeystoreDeps {
  readonly path: string;
  readonly random: Random;
  readonly keyring: Keyring;
}

type Owner = Pick<ProfileRecord, 'server' | 'account' | 'device' | 'keystore'>;

/** A keystore holds a few secrets and, on a worker, one per epoch. */
const maxBytes = 2 ** 20;

/** The device's keys on disk, sealed as the profile says (CRYPTO §Keys *Device keystore*). */
export class Keystore {
  readonly #deps: KeystoreDeps;

  constructor(deps: KeystoreDeps) {
    this.#deps = deps;
  }

  /** @throws IO */
  async save(owner: Owner, keys: DeviceKeys, password: string): Promise<void> {
    const plain = encodeDeviceKeys(keys);
    writePrivateFile(this.#deps.path, await this.#sealed(owner, { plain, password }));
    removePrivateFile(this.#nextPath);
  }

  /**
   * Lets a password that is not in force yet open the keys as well; it takes the place of the old one when it is used first.
   * Nothing to do for keys that no password seals. @throws IO
   */
  async saveNext(owner: Owner, keys: DeviceKeys, password: string): Promise<void> {
    if (owner.keystore !== 'password') return;
    writePrivateFile(this.#nextPath, await this.#sealed(owner, { plain: encodeDeviceKeys(keys), password }));
  }

  /** Nothing is opened. @throws CONFIG when others may read it, IO */
  isThere(): boolean {
    return readPrivateFile(this.#deps.path, maxBytes) !== undefined;
  }

  /** @throws REFUSED for a wrong password or a damaged file; NOT_LOGGED_IN; IO without the keyring */
  async open(owner: Owner, ask: AskPassword): Promise<DeviceKeys> {
    const stored = readPrivateFile(this.#deps.path, maxBytes);
    if (stored === undefined) throw missing();
    try {
      return decodeDeviceKeys(await this.#opened(owner, { stored, ask }));
    } catch (error) {
      if (!isCofferError(error, 'INTEGRITY')) throw error;
      throw new CofferError('REFUSED', 'the keys of this device did not open', {
        hint:
          owner.keystore === 'password'
            ? 'Wrong password, or the keystore is damaged; log in again if it stays so.'
            : 'The keystore is damaged: log in again.',
        cause: error,
      });
    }
  }

  /** Forgets the key that the system's keyring holds; the file goes with the profile. */
  async forget(owner: Owner): Promise<void> {
    if (owner.keystore === 'keyring') await this.#deps.keyring.remove(keyringName(owner));
  }

  get #nextPath(): string {
    return `${this.#deps.path}-next`;
  }

  async #openedBy(password: string, stored: Uint8Array): Promise<Uint8Array> {
    const { openKeystore } = await import('@coffer/crypto');
    const secret = { password };
    const next = readPrivateFile(this.#nextPath, maxBytes);
    try {
      return await openKeystore({ secret, keystore: stored });
    } catch (error) {
      if (next === undefined || !isCofferError(error, 'INTEGRITY')) throw error;
    }
    const plain = await openKeystore({ secret, keystore: next });
    writePrivateFile(this.#deps.path, next);
    removePrivateFile(this.#nextPath);
    return plain;
  }

  async #sealed(owner: Owner, { plain, password }: { plain: Uint8Array; password: string }): Promise<Uint8Array> {
    const { random, keyring } = this.#deps;
    if (owner.keystore === 'file') return plain;
    const { sealKeystore } = await import('@coffer/crypto');
    if (owner.keystore === 'password') return sealKeystore({ secret: { password }, plain, random });
    const wrappingKey = random.bytes(32);
    await keyring.save(keyringName(owner), wrappingKey);
    return sealKeystore({ secret: { wrappingKey }, plain, random });
  }

  async #opened(owner: Owner, { stored, ask }: { stored: Uint8Array; ask: AskPassword }): Promise<Uint8Array> {
    if (owner.keystore === 'file') return stored;
    const { openKeystore } = await import('@coffer/crypto');
    if (owner.keystore === 'password') return this.#openedBy(await ask(), stored);
    const wrappingKey = await this.#deps.keyring.load(keyringName(owner));
    if (wrappingKey === undefined) throw missing();
    return openKeystore({ secret: { wrappingKey }, keystore: stored });
  }
}

function keyringName({ server, account, device }: Owner): string {
  return `${idKey(server)}/${idKey(account)}/${idKey(device)}`;
}

function missing(): CofferError {
  return new CofferError('NOT_LOGGED_IN', 'the keys of this device are gone', { hint: 'Log in again: coffer login' });
}

import { CofferError, equalBytes, idKey, isCofferError, timestampToMs } from '@coffer/core';
import type { DeviceId, IdKey, Random, ServerId, VaultId } from '@coffer/core';
import type { Directory } from '@coffer/journal';
import type { FullDeviceKeys } from '../profile/device-keys.ts';
import type { Connections } from '../connection/connections.ts';
import type { OwnChain } from '../login/identity-chain.ts';
import { revokeDevice } from '../login/revoke-device.ts';
import type { ProfileDeps } from '../profile/profile.ts';
import type { JournalVault } from '../vaults/journal-vault.ts';
import { eachOf, isAboutAll } from '../each-of.ts';
import { rekeyIfStale } from './rekey.ts';

/** A device of the account, as the identity chain certifies it and the server saw it. */
export interface OwnDevice {
  readonly device: DeviceId;
  readonly name: string;
  readonly scope: 'full' | 'worker';
  readonly revoked: boolean;
  /** This one. */
  readonly current: boolean;
  readonly enrolledAtMs: number;
  /** Null: never, or not by this server. */
  readonly lastSeenMs: number | null;
}

export interface OwnDevicesDeps extends Pick<ProfileDeps, 'clock'> {
  readonly connections: Connections;
  readonly chain: OwnChain;
  readonly server: ServerId;
  /** This device. */
  readonly device: DeviceId;
  /** Undefined on a worker. */
  readonly keys: FullDeviceKeys | undefined;
  readonly random: Random;
  readonly directory: Directory;
  /** Every vault of the account itself, brought up to date; those that are teams first, since new keys of the others are sealed to theirs. */
  readonly ownVaults: (signal?: AbortSignal) => AsyncIterable<OwnVault>;
}

export interface OwnVault {
  readonly vault: JournalVault;
  readonly isTeam: boolean;
}

export interface Rekeys {
  /** How many vaults got a new key. */
  readonly vaults: number;
  /** Own teams that could get none: they were taken out of what the account shares. */
  readonly lostTeams: readonly VaultId[];
}

/** The devices of the account (CRYPTO §Keys). @throws NOT_ALLOWED for a worker; UNREACHABLE, INTEGRITY */
export class OwnDevices {
  readonly #deps: OwnDevicesDeps;

  constructor(deps: OwnDevicesDeps) {
    this.#deps = deps;
  }

  /** As they were enrolled. */
  async list(signal?: AbortSignal): Promise<readonly OwnDevice[]> {
    const { connections, chain, device: own } = this.#deps;
    const options = { ...(signal && { signal }) };
    const seen = await connections.run(
      'control',
      async (one) => {
        await chain.refresh(one, signal);
        return (await one.request('device.list', {}, options)).response.devices;
      },
      signal,
    );
    chain.save();
    const lastSeen = new Map(seen.map(({ device, lastSeenMs }) => [idKey(device), lastSeenMs]));
    return [...chain.current.devices.values()].map(({ device, name, scope, revoked, at }) => ({
      device,
      name,
      scope,
      revoked,
      current: equalBytes(device, own),
      enrolledAtMs: Math.round(timestampToMs(at)),
      lastSeenMs: lastSeen.get(idKey(device)) ?? null,
    }));
  }

  /** Its sessions end at once. False when it was revoked before. @throws NOT_FOUND, INVALID for this device itself; CONFLICT */
  async revoke(device: DeviceId, signal?: AbortSignal): Promise<boolean> {
    const { connections, chain, clock, device: own } = this.#deps;
    const { identitySeed } = this.#requireKeys();
    if (equalBytes(device, own)) throw ownDevice();
    return await connections.run(
      'control',
      async (connection) => {
        await chain.refresh(connection, signal);
        const known = chain.current.devices.get(idKey(device));
        if (known === undefined) throw noDevice();
        if (known.revoked) return false;
        await revokeDevice({ connection, chain, identitySeed, device, clock }, signal);
        await chain.refresh(connection, signal);
        chain.save();
        return true;
      },
      signal,
    );
  }

  /**
   * A new epoch in every vault of the account whose key a revoked device, or an identity that is not the account's any more,
   * still holds; for those that are `due` in any case. Interrupted, the next call goes on; a vault that gets none keeps
   * none of the others back, and a team that gets none is a member of none of them any more.
   * @throws the first failure of what is no team; CONFLICT when others change a vault all the time
   */
  async rekey({ due }: { readonly due: readonly DeviceId[] }, signal?: AbortSignal): Promise<Rekeys> {
    const { chain, directory, server, random, connections } = this.#deps;
    this.#requireKeys();
    await connections.run('control', (one) => chain.refresh(one, signal), signal);
    chain.save();
    let vaults = 0;
    const lost = new Map<IdKey, VaultId>();
    // Whoever stole a device could have made a vault of which nothing can be made: it must not save the others for them.
    await eachOf(this.#deps.ownVaults(signal), async ({ vault, isTeam }) => {
      try {
        await vault.pull(signal);
        const about = { identity: chain.current, gone: chain.revokedWorkers(), due };
        const { made, takenOut } = await rekeyIfStale({ vault, directory, server, random, ...about }, signal);
        if (made) vaults += 1;
        for (const team of takenOut) lost.set(idKey(team), team);
      } catch (error) {
        if (!isTeam || !isCofferError(error) || isAboutAll(error)) throw error;
        lost.set(idKey(vault.id), vault.id);
      }
    });
    return { vaults, lostTeams: [...lost.values()] };
  }

  #requireKeys(): FullDeviceKeys {
    const { keys } = this.#deps;
    if (keys !== undefined) return keys;
    throw new CofferError('NOT_ALLOWED', 'an unattended device may not change the account', {
      hint: 'Sign in with --keystore password or keyring, and run it there.',
    });
  }
}

function ownDevice(): CofferError {
  return new CofferError('INVALID', 'this is the device that you are at', {
    hint: 'Use `coffer logout`: it revokes this device and removes its keys.',
  });
}

function noDevice(): CofferError {
  return new CofferError('NOT_FOUND', 'the account has no such device', { hint: 'See `coffer device`.' });
}

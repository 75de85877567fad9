import type { AccountId, CofferError, DeviceId, ServerId } from '@coffer/core';
import type { OwnCredentials } from './credentials/own-credentials.ts';
import type { HoldState } from './history.ts';
import type { People } from './people/people.ts';
import type { OwnDevices } from './devices/own-devices.ts';
import type { Notifications } from './notifications/notification.ts';
import type { OperationsLog } from './profile/operations-log.ts';
import type { Places } from './sharing/places.ts';
import type { SharedVaults } from './sharing/shared-vaults.ts';
import type { Sharing } from './sharing/sharing.ts';
import type { Teams } from './teams/teams.ts';
import type { ServerAdmin } from './server-admin.ts';
import type { Vault } from './vault.ts';

/** Who is logged in where; known without the server. */
export interface AccountInfo {
  readonly username: string;
  readonly account: AccountId;
  readonly device: DeviceId;
  readonly deviceName: string;
  /** `host:port`. */
  readonly server: string;
  readonly serverId: ServerId;
  readonly role: 'user' | 'admin';
  /** A worker has no identity: it can sync, but neither share nor change the account. */
  readonly scope: 'full' | 'worker';
  /** The folder on this machine that the account is meant for. The server's word at the login: nothing follows it unasked. */
  readonly folder: string | undefined;
}

/** Bytes and counts of everything the account stores. */
export interface AccountUsage {
  readonly storedBytes: number;
  readonly quotaBytes: number | null;
  readonly files: number;
  readonly versions: number;
  readonly trashBytes: number;
  readonly uncommittedBytes: number;
  readonly journalBytes: number;
}

/** Name of a device of the account, as its identity chain certifies it. */
export interface DeviceSummary {
  readonly device: DeviceId;
  readonly name: string;
  readonly scope: 'full' | 'worker';
  readonly revoked: boolean;
}

/** A device that is logged in. Connects when something first needs the server; disposing closes what it opened. */
export interface Account extends AsyncDisposable {
  readonly info: AccountInfo;
  /** What this device did, with paths; never leaves it. */
  readonly operations: OperationsLog;
  /** @throws UNREACHABLE, NOT_LOGGED_IN when the device was revoked */
  usage(signal?: AbortSignal): Promise<AccountUsage>;
  /** Keeps every version of the account's vaults while it is on, and for seven days after. @throws NOT_ALLOWED for a worker; UNREACHABLE */
  hold(hold: { readonly on: boolean; readonly reason: string }, signal?: AbortSignal): Promise<HoldState>;
  /** The home vault with its state as it was folded last; call `pull` to bring it up to date. @throws UNREACHABLE, INTEGRITY */
  home(signal?: AbortSignal): Promise<Vault>;
  /** The own name and password. */
  readonly credentials: OwnCredentials;
  /** Other people of the server, and how far their keys are theirs. */
  readonly people: People;
  /** Shares of the account's own files. */
  readonly sharing: Sharing;
  /** Teams that the account is in. */
  readonly teams: Teams;
  /** What others share with the account. */
  readonly shared: SharedVaults;
  /** Resolves paths over mounts and `/Shared`. */
  readonly places: Places;
  /** For administrators of the server; others are refused when they use it. */
  readonly server: ServerAdmin;
  readonly notifications: Notifications;
  readonly ownDevices: OwnDevices;
  /** Devices of the own identity chain, as last seen. */
  devices(): readonly DeviceSummary[];
  /** As {@link devices}, after what the server has more of the chain. @throws UNREACHABLE, INTEGRITY */
  refreshDevices(signal?: AbortSignal): Promise<readonly DeviceSummary[]>;
  /** Connects and proves the device, unless that happened already. @throws UNREACHABLE, PIN_MISMATCH, CERTIFICATE, NOT_LOGGED_IN */
  connect(signal?: AbortSignal): Promise<void>;
  /** What `status` shows: undefined when the server was reached, else why not. */
  reachability(signal?: AbortSignal): Promise<CofferError | undefined>;
}

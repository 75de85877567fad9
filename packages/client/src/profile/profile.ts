import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CofferError, idKey, systemClock, systemRandom } from '@coffer/core';
import type { Clock, Random, VaultId } from '@coffer/core';
import { AuditMemory } from './audit-memory.ts';
import { systemKeyring } from './keyring.ts';
import type { Keyring } from './keyring.ts';
import { Keystore } from './keystore.ts';
import { OperationsLog } from './operations-log.ts';
import { Pins } from './pins.ts';
import { checkOwnFolder, makePrivateFolder, readPrivateFile, writePrivateFile } from './private-file.ts';
import { decodeProfileRecord, encodeProfileRecord } from './profile-record.ts';
import type { ProfileRecord } from './profile-record.ts';

export interface ProfileOptions {
  /** Folder that holds all profiles. */
  readonly home: string;
  /** 1 to 64 letters, digits, dots, hyphens, underscores; not beginning with a dot. */
  readonly name: string;
}

export interface ProfileDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly keyring: Keyring;
}

const systemDeps: ProfileDeps = { clock: systemClock, random: systemRandom, keyring: systemKeyring };

/** One login on this machine: a 0700 folder with record, keystore, pins, folded journals and the operations log. */
export class Profile {
  readonly path: string;
  readonly name: string;
  readonly deps: ProfileDeps;
  #record: ProfileRecord | undefined;

  private constructor(path: string, { name, deps }: { name: string; deps: ProfileDeps }) {
    this.path = path;
    this.name = name;
    this.deps = deps;
    checkOwnFolder(path);
    const stored = readPrivateFile(this.#file('profile.json'), 64 * 1024);
    this.#record = stored === undefined ? undefined : decodeProfileRecord(stored);
  }

  /** Nothing is created before a login. @throws INVALID for a name that cannot be a folder; CONFIG, DAMAGED, IO */
  static open({ home, name }: ProfileOptions, deps: ProfileDeps = systemDeps): Profile {
    if (!/^(?!\.)[\w.-]{1,64}$/.test(name)) {
      throw new CofferError('INVALID', 'this cannot be the name of a profile', {
        hint: 'Take letters, digits, hyphens.',
      });
    }
    return new Profile(join(home, name), { name, deps });
  }

  /** Undefined before a login. */
  get record(): ProfileRecord | undefined {
    return this.#record;
  }

  /** @throws NOT_LOGGED_IN */
  requireRecord(): ProfileRecord {
    if (this.#record !== undefined) return this.#record;
    throw new CofferError('NOT_LOGGED_IN', 'nobody is logged in here', {
      hint: 'Log in first: coffer login USER@HOST, or with your invite.',
    });
  }

  /** The last step of a login. @throws IO */
  save(record: ProfileRecord): void {
    writePrivateFile(this.#file('profile.json'), encodeProfileRecord(record));
    this.#record = record;
  }

  get keystore(): Keystore {
    return new Keystore({ path: this.#file('keystore'), random: this.deps.random, keyring: this.deps.keyring });
  }

  /** @throws DAMAGED */
  pins(): Pins {
    return Pins.open(this.#file('pins'));
  }

  /** New keys of the account that were made here and are not in force yet. */
  get rotationPath(): string {
    return this.#file('rotation');
  }

  get hasRotation(): boolean {
    return existsSync(this.rotationPath);
  }

  /** How the server's audit log ended when this device looked last. @throws DAMAGED */
  auditMemory(): AuditMemory {
    return AuditMemory.open(this.#file('audit-ends'));
  }

  operations(): OperationsLog {
    makePrivateFolder(this.path);
    return new OperationsLog(this.#file('operations.jsonl'), this.deps.clock);
  }

  /** The own identity chain as it was last seen; empty before the first login. */
  get chainPath(): string {
    return this.#file('identity');
  }

  /** Folder of the identity chains of others. */
  get chainsPath(): string {
    return this.#file('chains');
  }

  /** Folder of the journals of teams. */
  get teamsPath(): string {
    return this.#file('teams');
  }

  /** Which teams this device has seen under which name. */
  get teamNamesPath(): string {
    return this.#file('team-names');
  }

  /** Whom this device knows, and by which keys. */
  get peoplePath(): string {
    return this.#file('people');
  }

  /** What was begun to be shared and is not finished. */
  get pendingSharesPath(): string {
    return this.#file('pending-shares');
  }

  /** Held by the process that makes or finishes shares. */
  get sharingLockPath(): string {
    return this.#file('sharing.lock');
  }

  /** Unattended devices that were to be revoked, and whose vaults may not have new keys yet. */
  get rekeyDuePath(): string {
    return this.#file('rekey-due');
  }

  /** The reset of the password that this profile asked for before anybody was logged in. */
  get resetPath(): string {
    return this.#file('reset');
  }

  statePath(vault: VaultId): string {
    return join(this.path, 'state', `${idKey(vault)}.db`);
  }

  /** Removes keys, pins, folded journals and logs from this machine. @throws IO */
  erase(): void {
    try {
      rmSync(this.path, { recursive: true, force: true });
    } catch (cause) {
      throw new CofferError('IO', 'the profile could not be removed', {
        cause,
        hint: `Remove ${this.path} yourself: it holds keys.`,
      });
    }
    this.#record = undefined;
  }

  #file(name: string): string {
    return join(this.path, name);
  }
}

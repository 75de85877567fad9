import { CofferError, equalBytes, isCofferError } from '@coffer/core';
import type { AccountId, DeviceId, Hash, ServerId } from '@coffer/core';
import { comparisonWords } from '@coffer/crypto';
import { openCertificate } from '@coffer/journal';
import type { IdentityState } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import type { Connections } from '../connection/connections.ts';
import type { Chains, ServerClaim } from './chains.ts';
import type { PeopleFile } from './people-file.ts';

/**
 * Why this device believes that the keys are the person's. Nothing is sealed to `unverified` and `changed`
 * (CRYPTO §Keys *Trust between people*).
 */
export type Trust =
  /** The pinned authority vouches for name and keys. */
  | 'certified'
  /** The words were compared with these keys. */
  | 'verified'
  | 'unverified'
  /** Other keys, or another account under the name, than this device knew, and nobody vouches for them. */
  | 'changed';

export interface Person {
  /** Of a team: its id. */
  readonly account: AccountId;
  /** Canonical; as the server says, unless `certified`. Made safe by whoever shows it. */
  readonly username: string;
  readonly fingerprint: Hash;
  readonly trust: Trust;
  /** Of a team, which is to a share what a person is: the name of its owner, by whose keys it is trusted. */
  readonly voucher?: string;
}

export interface DeviceName {
  readonly device: DeviceId;
  readonly name: string;
}

export interface PeopleDeps {
  readonly connections: Connections;
  readonly chains: Chains;
  readonly file: PeopleFile;
  readonly server: ServerId;
  /** Undefined when the login pinned none. */
  readonly authority: Uint8Array | undefined;
}

/** Other people of the server, and how far their keys are theirs. */
export class People {
  readonly #deps: PeopleDeps;

  constructor(deps: PeopleDeps) {
    this.#deps = deps;
  }

  /** By name, with the newest keys. @throws NOT_FOUND, INVALID for oneself, BUSY, INTEGRITY, UNREACHABLE */
  async find(username: string, signal?: AbortSignal): Promise<Person> {
    const wanted = canonicalUsername(username);
    const options = { ...(signal && { signal }) };
    const found = await this.#ask((one) => one.request('directory.lookUp', { username }, options), signal);
    const { account } = found.response;
    if (canonicalUsername(found.response.username) !== wanted) throw wrongAnswer();
    if (this.#deps.chains.isOwn(account)) throw yourself();
    const { certificate } = await this.#refresh(account, signal);
    const person = this.#judge({ username: wanted, certificate }, this.#state(account));
    this.#remember(person);
    return person;
  }

  /** Of an account that a journal names, with the newest keys. @throws NOT_FOUND, INTEGRITY, UNREACHABLE */
  async byAccount(account: AccountId, signal?: AbortSignal): Promise<Person> {
    return this.meet(account, await this.#refresh(account, signal));
  }

  /** What the server says of an account whose chain was just fetched, judged and remembered. @throws INTEGRITY */
  meet(account: AccountId, claim: ServerClaim): Person {
    const person = this.#judge({ ...claim, username: canonicalUsername(claim.username) }, this.#state(account));
    this.#remember(person);
    return person;
  }

  /** The name under which this device knows an account, and what its devices call themselves; without the server. */
  known(account: AccountId): { readonly username: string | undefined; readonly devices: readonly DeviceName[] } {
    const { file, chains } = this.#deps;
    const devices = [...(chains.current(account)?.devices.values() ?? [])].map(({ device, name }) => ({
      device,
      name,
    }));
    return { username: file.byAccount(account)?.username, devices };
  }

  /** Twelve words, the same on both sides. */
  words({ account, fingerprint }: Pick<Person, 'account' | 'fingerprint'>): readonly string[] {
    const { chains, server } = this.#deps;
    const own = chains.ownIdentity;
    return comparisonWords(server, [own, { account, fingerprint }]);
  }

  /** The words were compared. Holds for these keys only. @throws IO */
  verify({ account, username, fingerprint }: Person): void {
    this.#deps.file.save({ account, username, fingerprint, verified: true });
  }

  #state(account: AccountId): IdentityState {
    const state = this.#deps.chains.current(account);
    if (state === undefined) throw wrongAnswer();
    return state;
  }

  #judge({ username, certificate }: ServerClaim, { account, fingerprint }: IdentityState): Person {
    return { account, username, fingerprint, trust: this.#trust({ username, certificate, account, fingerprint }) };
  }

  #trust(claim: ServerClaim & { readonly account: AccountId; readonly fingerprint: Hash }): Trust {
    const { account, username, fingerprint } = claim;
    const { file } = this.#deps;
    const known = file.byAccount(account);
    const isSame = known?.username === username && equalBytes(known.fingerprint, fingerprint);
    // Somebody's verified keys under the name of somebody else prove nothing.
    if (isSame && known.verified) return 'verified';
    if (this.#isCertified(claim)) return 'certified';
    const namesake = file.byName(username);
    const isOther = namesake !== undefined && !equalBytes(namesake.account, account);
    return isOther || (known !== undefined && !isSame) ? 'changed' : 'unverified';
  }

  /** Name, account and keys together: a real certificate of somebody else proves nothing. */
  #isCertified(claim: ServerClaim & { readonly account: AccountId; readonly fingerprint: Hash }): boolean {
    const { authority, server } = this.#deps;
    if (authority === undefined || claim.certificate === undefined) return false;
    try {
      const opened = openCertificate(claim.certificate, authority);
      return (
        opened.type === 'identity' &&
        opened.username === claim.username &&
        equalBytes(opened.account, claim.account) &&
        equalBytes(opened.fingerprint, claim.fingerprint) &&
        equalBytes(opened.server, server)
      );
    } catch (error) {
      if (isCofferError(error)) return false;
      throw error;
    }
  }

  /** What was known before stays known until somebody vouches for what is new. */
  #remember({ account, username, fingerprint, trust }: Person): void {
    const { file } = this.#deps;
    const known = file.byAccount(account);
    if (trust === 'changed') return;
    const isSame = known?.username === username && equalBytes(known.fingerprint, fingerprint);
    if (!isSame) file.save({ account, username, fingerprint, verified: trust === 'verified' });
  }

  #refresh(account: AccountId, signal: AbortSignal | undefined): Promise<ServerClaim> {
    return this.#ask((one) => this.#deps.chains.refresh(one, account, signal), signal);
  }

  #ask<Result>(work: (connection: ClientConnection) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    return this.#deps.connections.run('control', work, signal);
  }
}

/** As the server's accounts are unique: NFKC, lower case. */
export function canonicalUsername(username: string): string {
  return username.normalize('NFKC').toLowerCase().normalize('NFKC');
}

function yourself(): CofferError {
  return new CofferError('INVALID', 'that is you', { hint: 'Name another person; `coffer whoami` says who you are.' });
}

function wrongAnswer(): CofferError {
  return new CofferError('INTEGRITY', 'the server answered about somebody else', {
    hint: 'The server does not tell the truth; do not rely on it.',
  });
}

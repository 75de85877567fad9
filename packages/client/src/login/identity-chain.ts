import { CofferError, decodeCbor, encodeCbor, equalBytes, idKey, integrityError, timestampToMs } from '@coffer/core';
import type { AccountId, DeviceId, VaultId } from '@coffer/core';
import { IdentityChains, parseIdentityStatement } from '@coffer/journal';
import type { Directory, IdentityState } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from '../profile/private-file.ts';

const Stored = z.array(z.custom<Uint8Array>((value) => value instanceof Uint8Array)).max(65_536);

/** 65,536 statements of about 250 bytes, with room for those that carry keys. */
const maxBytes = 64 * 2 ** 20;

export interface RevokedWorker {
  readonly device: DeviceId;
  readonly vaults: readonly VaultId[];
  /** By the clock of the device that revoked it. */
  readonly atMs: number;
}

/** The own identity chain: what was verified once is kept, and only what follows it is believed. */
export class OwnChain {
  readonly #path: string;
  readonly #account: AccountId;
  readonly #chains = new IdentityChains();
  #statements: Uint8Array[] = [];
  #expected: Uint8Array | undefined;

  private constructor(path: string, account: AccountId) {
    this.#path = path;
    this.#account = account;
  }

  /** Nothing known, nothing written before {@link save}. */
  static create(path: string, account: AccountId): OwnChain {
    return new OwnChain(path, account);
  }

  /** @throws DAMAGED */
  static open(path: string, account: AccountId): OwnChain {
    const chain = new OwnChain(path, account);
    const stored = readPrivateFile(path, maxBytes);
    if (stored !== undefined) chain.#take(parseStored(stored));
    return chain;
  }

  get directory(): Directory {
    return this.#chains;
  }

  /** @throws TypeError before anything was fetched */
  get current(): IdentityState {
    const state = this.#chains.current(this.#account);
    if (state === undefined) throw new TypeError('the identity chain was not fetched yet');
    return state;
  }

  /** Statements known; 0 before the first fetch. */
  get seq(): number {
    return this.#statements.length;
  }

  /**
   * Fetches what follows. The server can withhold statements, not change them. @returns the authority's certificate, if there is one
   * @throws INTEGRITY; NOT_LOGGED_IN, with the chain saved, when it is not that of the expected identity
   */
  async refresh(connection: ClientConnection, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      const options = { ...(signal && { signal }) };
      const { response } = await connection.request('account.identity', { after: this.seq }, options);
      if (response.statements.length > 0) this.append(response.statements);
      if (!response.more) {
        this.#checkExpected();
        return response.certificate ?? undefined;
      }
      if (response.statements.length === 0) throw integrityError('The identity chain');
    }
  }

  /** From now on a chain that ends with another identity is told by {@link refresh}: another device gave the account new keys. */
  expectIdentity(signKey: Uint8Array): void {
    this.#expected = signKey;
  }

  #checkExpected(): void {
    if (this.#expected === undefined || equalBytes(this.current.signKey, this.#expected)) return;
    this.save();
    throw keysChanged();
  }

  /** @throws INTEGRITY */
  append(statements: readonly Uint8Array[]): void {
    this.#take(statements);
  }

  /** True when this very statement is part of it. */
  contains(statement: Uint8Array): boolean {
    return this.#statements.some((one) => equalBytes(one, statement));
  }

  /** Unattended devices that were revoked: the vaults they served, and when. */
  revokedWorkers(): readonly RevokedWorker[] {
    const gone = this.#statements
      .map((statement) => parseIdentityStatement(statement).payload)
      .filter((payload) => payload.type === 'revoke');
    return gone.flatMap(({ device, at }) => {
      const known = this.current.devices.get(idKey(device));
      return known?.scope === 'worker' ? [{ device, vaults: known.vaults, atMs: timestampToMs(at) }] : [];
    });
  }

  /** Whether the account got new keys after the device was revoked. */
  rotatedSince(device: DeviceId): boolean {
    const payloads = this.#statements.map((statement) => parseIdentityStatement(statement).payload);
    const revoked = payloads.findIndex((one) => one.type === 'revoke' && equalBytes(one.device, device));
    return revoked >= 0 && payloads.slice(revoked).some(({ type }) => type === 'rotate');
  }

  save(): void {
    writePrivateFile(this.#path, encodeCbor(this.#statements));
  }

  #take(statements: readonly Uint8Array[]): void {
    const kept = statements.map((statement) => Uint8Array.from(statement));
    try {
      this.#chains.append(this.#account, kept);
    } catch {
      throw integrityError('The identity chain');
    }
    this.#statements = [...this.#statements, ...kept];
  }
}

function keysChanged(): CofferError {
  return new CofferError('NOT_LOGGED_IN', 'another device gave the account new keys', {
    hint: 'Run the command again: this device takes them over with your password.',
  });
}

function parseStored(bytes: Uint8Array): Uint8Array[] {
  try {
    return Stored.parse(decodeCbor(bytes));
  } catch (cause) {
    throw new CofferError('DAMAGED', 'the identity of this profile is damaged', {
      hint: 'Log out and log in again.',
      cause,
    });
  }
}

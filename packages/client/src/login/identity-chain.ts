import { CofferError, decodeCbor, encodeCbor, integrityError } from '@coffer/core';
import type { AccountId } from '@coffer/core';
import { IdentityChains } from '@coffer/journal';
import type { Directory, IdentityState } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import { z } from 'zod';
import { readPrivateFile, writePrivateFile } from '../profile/private-file.ts';

const Stored = z.array(z.custom<Uint8Array>((value) => value instanceof Uint8Array)).max(65_536);

/** 65,536 statements of about 250 bytes, with room for those that carry keys. */
const maxBytes = 64 * 2 ** 20;

/** The own identity chain: what was verified once is kept, and only what follows it is believed. */
export class OwnChain {
  readonly #path: string;
  readonly #account: AccountId;
  readonly #chains = new IdentityChains();
  #statements: Uint8Array[] = [];

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
   * @throws INTEGRITY
   */
  async refresh(connection: ClientConnection, signal?: AbortSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      const options = { ...(signal && { signal }) };
      const { response } = await connection.request('account.identity', { after: this.seq }, options);
      if (response.statements.length > 0) this.append(response.statements);
      if (!response.more) return response.certificate ?? undefined;
      if (response.statements.length === 0) throw integrityError('The identity chain');
    }
  }

  /** @throws INTEGRITY */
  append(statements: readonly Uint8Array[]): void {
    this.#take(statements);
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

import { join } from 'node:path';
import { decodeCbor, encodeCbor, equalBytes, idKey, integrityError } from '@coffer/core';
import type { AccountId, Hash, IdKey } from '@coffer/core';
import { IdentityChains, identityExtends } from '@coffer/journal';
import type { Directory, IdentityState } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import { z } from 'zod';
import type { OwnChain } from '../login/identity-chain.ts';
import { readPrivateFile, writePrivateFile } from '../profile/private-file.ts';

const Stored = z.array(z.custom<Uint8Array>((value) => value instanceof Uint8Array)).max(65_536);

/** As much as an account may state, with room for statements that carry keys. */
const maxBytes = 64 * 2 ** 20;

/** What the server says of an account beside the chain; believed by nobody before it is checked. */
export interface ServerClaim {
  readonly username: string;
  readonly certificate: Uint8Array | undefined;
}

/**
 * Identity chains of the account itself and of others, each kept as it was verified: the server can withhold what follows,
 * never change what was seen. A chain that does not extend the known one is INTEGRITY.
 */
export class Chains implements Directory {
  readonly #folder: string;
  readonly #own: OwnChain;
  readonly #chains = new IdentityChains();
  readonly #counts = new Map<IdKey, number>();
  readonly #stored = new Map<IdKey, Uint8Array[]>();

  /** `folder`: of the profile, for the chains of others; made when one is kept. */
  constructor({ folder, own }: { readonly folder: string; readonly own: OwnChain }) {
    this.#folder = folder;
    this.#own = own;
  }

  identity(account: AccountId, head: Hash): IdentityState | undefined {
    if (this.isOwn(account)) return this.#own.directory.identity(account, head);
    this.#load(account);
    return this.#chains.identity(account, head);
  }

  /** The newest state known here; undefined for whom nothing was fetched of yet. */
  current(account: AccountId): IdentityState | undefined {
    if (this.isOwn(account)) return this.#own.current;
    this.#load(account);
    return this.#chains.current(account);
  }

  /** True when `head` is a head of the account's chain that is known here. */
  knows(account: AccountId, head: Hash): boolean {
    const state = this.current(account);
    return state !== undefined && identityExtends(state, head);
  }

  /** Fetches what follows what is known. @throws NOT_FOUND, INTEGRITY, UNREACHABLE */
  async refresh(connection: ClientConnection, account: AccountId, signal?: AbortSignal): Promise<ServerClaim> {
    if (this.isOwn(account)) return this.#refreshOwn(connection, signal);
    this.#load(account);
    for (;;) {
      const after = this.#counts.get(idKey(account)) ?? 0;
      const options = { ...(signal && { signal }) };
      const { response } = await connection.request('directory.identity', { account, after }, options);
      if (response.statements.length > 0) this.#append(account, response.statements);
      if (!response.more) return { username: response.username, certificate: response.certificate ?? undefined };
      if (response.statements.length === 0) throw integrityError('The identity chain');
    }
  }

  get ownIdentity(): IdentityState {
    return this.#own.current;
  }

  isOwn(account: AccountId): boolean {
    return equalBytes(account, this.#own.current.account);
  }

  async #refreshOwn(connection: ClientConnection, signal: AbortSignal | undefined): Promise<ServerClaim> {
    const known = this.#own.seq;
    const certificate = await this.#own.refresh(connection, signal);
    if (this.#own.seq !== known) this.#own.save();
    return { username: '', certificate };
  }

  #append(account: AccountId, statements: readonly Uint8Array[]): void {
    this.#take(account, statements);
    writePrivateFile(this.#path(account), encodeCbor(this.#stored.get(idKey(account)) ?? []));
  }

  #load(account: AccountId): void {
    const key = idKey(account);
    if (this.#counts.has(key)) return;
    this.#counts.set(key, 0);
    const bytes = readPrivateFile(this.#path(account), maxBytes);
    if (bytes === undefined) return;
    const stored = Stored.safeParse(decodeCbor(bytes));
    if (!stored.success) throw integrityError('The identity chain');
    this.#take(account, stored.data);
  }

  #take(account: AccountId, statements: readonly Uint8Array[]): void {
    const key = idKey(account);
    const kept = statements.map((statement) => Uint8Array.from(statement));
    try {
      const state = this.#chains.append(account, kept);
      // Somebody of another server with the same keys is somebody else.
      if (!equalBytes(state.server, this.#own.current.server)) throw integrityError('The identity chain');
    } catch {
      throw integrityError('The identity chain');
    }
    this.#stored.set(key, [...(this.#stored.get(key) ?? []), ...kept]);
    this.#counts.set(key, this.#stored.get(key)?.length ?? 0);
  }

  #path(account: AccountId): string {
    return join(this.#folder, idKey(account));
  }
}

import { CofferError } from '@coffer/core';
import type { ClientConnection, RequestOf, ResponseOf } from '@coffer/protocol';
import { AccountAdmin } from './account-admin.ts';
import type { Connections } from './connection/connections.ts';
import type { AuditMemory } from './profile/audit-memory.ts';
import { ServerWatch } from './server-watch.ts';

export type ServerStatus = ResponseOf<'admin.status'>;
export type ServerUser = ResponseOf<'admin.userList'>['users'][number];

/** Accounts of one server that are believed: a list that never ends would fill this machine's memory. */
const accountLimit = 100_000;

/**
 * The server as its administrator sees it. Long work is the server's own: it goes on when this side leaves, and asking again
 * joins it. @throws NOT_ALLOWED for whoever is no administrator, UNREACHABLE
 */
export class ServerAdmin {
  readonly #connections: Connections;
  readonly #auditMemory: () => AuditMemory;

  /** `auditMemory` is opened when the log is verified. */
  constructor(connections: Connections, auditMemory: () => AuditMemory) {
    this.#connections = connections;
    this.#auditMemory = auditMemory;
  }

  /** Its log, sessions and alerts. */
  get watch(): ServerWatch {
    return new ServerWatch(this.#connections, this.#auditMemory);
  }

  /** Its accounts and invites. */
  get accounts(): AccountAdmin {
    return new AccountAdmin(this.#connections);
  }

  status(signal?: AbortSignal): Promise<ServerStatus> {
    return this.#ask((one) => one.request('admin.status', {}, optionsOf(signal)), signal);
  }

  /** Expires and collects. `acceptClock`: the time of the server's machine is right. */
  async collect(
    options: { readonly acceptClock: boolean },
    signal?: AbortSignal,
  ): Promise<Readonly<Record<string, number>>> {
    return (await this.#ask((one) => one.request('admin.collect', options, optionsOf(signal)), signal)).counts;
  }

  scrub(signal?: AbortSignal): Promise<ResponseOf<'admin.scrub'>> {
    return this.#ask((one) => one.request('admin.scrub', {}, optionsOf(signal)), signal);
  }

  backup(signal?: AbortSignal): Promise<ResponseOf<'admin.backup'>> {
    return this.#ask((one) => one.request('admin.backup', {}, optionsOf(signal)), signal);
  }

  recount(signal?: AbortSignal): Promise<ResponseOf<'admin.recount'>> {
    return this.#ask((one) => one.request('admin.recount', {}, optionsOf(signal)), signal);
  }

  /** All accounts by name. @throws INTEGRITY when there is no end of them */
  async users(signal?: AbortSignal): Promise<readonly ServerUser[]> {
    const all: ServerUser[] = [];
    while (all.length < accountLimit) {
      const { users, more } = await this.#ask(
        (one) => one.request('admin.userList', { skip: all.length }, optionsOf(signal)),
        signal,
      );
      all.push(...users);
      if (!more || users.length === 0) return all;
    }
    throw new CofferError('INTEGRITY', `the server lists more than ${accountLimit} accounts`, {
      hint: 'No server has as many. On the server itself, `coffer admin user list --storage DIR` shows those there are.',
    });
  }

  async setQuota(change: RequestOf<'admin.userQuota'>, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.userQuota', change, optionsOf(signal)), signal);
  }

  #ask<Result>(work: (connection: ClientConnection) => Promise<{ readonly response: Result }>, signal?: AbortSignal) {
    return this.#connections.run('control', async (connection) => (await work(connection)).response, signal);
  }
}

function optionsOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

import type { ClientConnection, RequestOf, ResponseOf } from '@coffer/protocol';
import type { Connections } from './connection/connections.ts';

export type ServerAccount = ResponseOf<'admin.userShow'>;

export type ServerInvites = ResponseOf<'admin.inviteList'>;
/** A request with everything that is needed to decide upon it; the server's word. */
export type RequestDetails = ResponseOf<'admin.requestShow'>;

/** A request to set a lost password anew, opened with the keys of the administrator. */
export interface OpenedReset {
  /** What the new device shows: compared by voice. */
  readonly words: readonly string[];
  /** Whose keys the authority certified; undefined when it named nobody. */
  readonly certifiedName: string | undefined;
  /** What is odd about it, for the administrator to judge. */
  readonly warning: string | undefined;
  /** The account's root key for the new device alone; only once somebody has said that the words are the same. */
  readonly seal: () => Uint8Array;
}
export type ServerRequest = ResponseOf<'admin.requestList'>['requests'][number];

/** Accounts, invites and requests of the server, for its administrators. @throws NOT_ALLOWED for others, UNREACHABLE */
export class AccountAdmin {
  readonly #connections: Connections;

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  /** @throws NOT_FOUND */
  show(username: string, signal?: AbortSignal): Promise<ServerAccount> {
    return this.#ask((one) => one.request('admin.userShow', { username }, optionsOf(signal)), signal);
  }

  /** Suspending ends the sessions of the account. @throws NOT_FOUND, NOT_ALLOWED for the last administrator */
  async setState(change: RequestOf<'admin.userState'>, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.userState', change, optionsOf(signal)), signal);
  }

  /** @throws as {@link setState} */
  async setRole(change: RequestOf<'admin.userRole'>, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.userRole', change, optionsOf(signal)), signal);
  }

  /** For good. @throws as {@link setState} */
  async remove(username: string, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.userRemove', { username }, optionsOf(signal)), signal);
  }

  /** Gives the server what the authority has signed. @throws NOT_FOUND, INVALID */
  async certify(certified: RequestOf<'admin.userCertify'>, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.userCertify', certified, optionsOf(signal)), signal);
  }

  /** @throws EXISTS when the name is taken, INVALID, LIMIT */
  invite(invite: RequestOf<'admin.inviteCreate'>, signal?: AbortSignal): Promise<ResponseOf<'admin.inviteCreate'>> {
    return this.#ask((one) => one.request('admin.inviteCreate', invite, optionsOf(signal)), signal);
  }

  /** With the names of those who made them. */
  invites(signal?: AbortSignal): Promise<ServerInvites> {
    return this.#ask((one) => one.request('admin.inviteList', {}, optionsOf(signal)), signal);
  }

  /** @throws NOT_FOUND, also when it was used */
  async revokeInvite(id: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.inviteRevoke', { id }, optionsOf(signal)), signal);
  }

  /** What people asked for, those that wait first. */
  async requests(signal?: AbortSignal): Promise<readonly ServerRequest[]> {
    return (await this.#ask((one) => one.request('admin.requestList', {}, optionsOf(signal)), signal)).requests;
  }

  /** @throws NOT_FOUND */
  showRequest(request: Uint8Array, signal?: AbortSignal): Promise<RequestDetails> {
    return this.#ask((one) => one.request('admin.requestShow', { request }, optionsOf(signal)), signal);
  }

  /** @throws NOT_FOUND, CONFLICT when it was decided already, EXPIRED */
  approveRequest(
    approval: RequestOf<'admin.requestApprove'>,
    signal?: AbortSignal,
  ): Promise<ResponseOf<'admin.requestApprove'>> {
    return this.#ask((one) => one.request('admin.requestApprove', approval, optionsOf(signal)), signal);
  }

  /** @throws as {@link approveRequest} */
  async rejectRequest(rejection: RequestOf<'admin.requestReject'>, signal?: AbortSignal): Promise<void> {
    await this.#ask((one) => one.request('admin.requestReject', rejection, optionsOf(signal)), signal);
  }

  #ask<Result>(work: (connection: ClientConnection) => Promise<{ readonly response: Result }>, signal?: AbortSignal) {
    return this.#connections.run('control', async (connection) => (await work(connection)).response, signal);
  }
}

function optionsOf(signal: AbortSignal | undefined): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

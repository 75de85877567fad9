import type { TLSSocket } from 'node:tls';
import { CofferError, type VaultId } from '@coffer/core';
import {
  BufferBudget,
  operationOf,
  ServerConnection,
  type Call,
  type Handlers,
  type OperationName,
  type ProtocolLimits,
} from '@coffer/protocol';
import type { Watcher } from '../events/watch-hub.ts';
import { createHandlers } from '../handlers/create-handlers.ts';
import { statusOf } from '../log/audit.ts';
import type { Services } from '../handlers/services.ts';
import { loginFailed } from '../handlers/session-handlers.ts';
import { TlsTransport } from '../net/tls-transport.ts';
import { authorize, type RightsSource } from '../rights/authorize.ts';
import { rightsOf } from '../rights/rights-of.ts';
import { Connection } from './connection.ts';
import type { Interposer } from './interposer.ts';

export interface CofferConnectionsOptions {
  /** Asked for each new connection: a reload changes them. */
  readonly limits: () => ProtocolLimits;
  readonly interposer?: Interposer;
}

/** Every connection of the binary protocol: made from a socket, given its context, cleaned up after. */
export class CofferConnections implements AsyncDisposable {
  readonly #services: Services;
  readonly #options: CofferConnectionsOptions;
  readonly #handlers: Handlers<Connection>;
  readonly #budget: BufferBudget;
  readonly #rights: RightsSource;
  readonly #live = new Set<ServerConnection<Connection>>();

  constructor(services: Services, options: CofferConnectionsOptions) {
    this.#services = services;
    this.#options = options;
    const handlers = createHandlers(services);
    this.#handlers = options.interposer?.handlers?.(handlers) ?? handlers;
    this.#budget = new BufferBudget(services, options.limits());
    this.#rights = rightsOf(services);
  }

  get size(): number {
    return this.#live.size;
  }

  /** Takes over the socket. */
  serve(socket: TLSSocket, address: string): void {
    const { clock, random, logger } = this.#services;
    const context: Connection = new Connection({
      session: this.#services.random.bytes(8),
      openedMs: this.#services.clock.nowMs(),
      restedMs: () => connection.restedMs,
      address,
      watcher: this.#watcherOf(() => ({ context, connection })),
      announce: (id) => connection.sendEvent('notification.arrived', { id }),
      end: (reason) => void connection.terminate(new CofferError('REFUSED', reason)),
    });
    const transport = new TlsTransport(socket);
    const connection = ServerConnection.serve(this.#options.interposer?.transport?.(transport) ?? transport, {
      handlers: this.#handlers,
      context,
      clock,
      random,
      logger,
      limits: this.#options.limits(),
      budget: this.#budget,
      authorize: (op, request, call) => this.#authorize(op, request, call),
    });
    this.#live.add(connection);
    void connection.closed.then(() => this.#closed(connection, context));
  }

  /** Tells every client to leave; what runs is finished. Resolves when all are gone. */
  async goAway(reason: string, reconnectAfterMs: number): Promise<void> {
    await Promise.all([...this.#live].map((connection) => connection.goAway({ reason, reconnectAfterMs })));
  }

  /** Cuts off what still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#live].map((connection) => connection[Symbol.asyncDispose]()));
  }

  async #authorize(op: OperationName, request: unknown, { context }: Call<Connection>): Promise<void> {
    const { access } = operationOf(op);
    try {
      await authorize(this.#rights, context, { access, vaults: vaultsOf(request) });
    } catch (error) {
      if (access === 'admin') this.#tellOfDenial(op, context, error);
      throw error;
    }
  }

  /** Nobody's client asks for this by mistake. */
  #tellOfDenial(op: OperationName, { standing, address }: Connection, error: unknown): void {
    const { audit, alerts, guard, logger } = this.#services;
    if (!guard.worthNoting(address)) return;
    const status = statusOf(error);
    const who = standing.phase === 'device' ? { account: standing.account, device: standing.device.device } : {};
    const event = { event: op, operation: operationOf(op).code, status, address, note: 'denied', ...who };
    audit.record('admin', event);
    audit.record('anomaly', event);
    const account = standing.phase === 'device' ? standing.account : undefined;
    void alerts.raise({ kind: 'denied', account, address, word: op });
    logger.warn({ operation: op, status, address }, 'an administrative request was denied');
  }

  #watcherOf(get: () => { context: Connection; connection: ServerConnection<Connection> }): Watcher {
    return {
      mayRead: async (vault) => (await this.#rights.roleIn(vault, get().context.account)) !== undefined,
      notify: (vault, seq) => get().connection.sendEvent('vault.advanced', { vault, seq }),
    };
  }

  #closed(connection: ServerConnection<Connection>, context: Connection): void {
    this.#live.delete(connection);
    this.#services.hub.leave(context.watcher);
    this.#services.sessions.leave(context);
    // A start without a finish is a failed login: the client found the password wrong by itself.
    if (context.login !== undefined) loginFailed(this.#services, context, context.login);
  }
}

/** The vaults that a request names, by the table's convention (`vault`, `vaults`). */
function vaultsOf(request: unknown): readonly VaultId[] {
  const { vault, vaults } = request as { readonly vault?: VaultId; readonly vaults?: readonly VaultId[] };
  return vault === undefined ? (vaults ?? []) : [vault];
}

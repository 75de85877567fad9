import { isCofferError, type AccountId, type Logger } from '@coffer/core';
import type { NotificationKind } from '@coffer/protocol';
import type { Accounts, Notice } from '@coffer/storage';
import { statusOf } from '../log/audit.ts';
import type { Connection } from '../session/connection.ts';
import type { Sessions } from '../session/sessions.ts';

export interface NotificationsDeps {
  readonly accounts: Pick<Accounts, 'notifications' | 'admins'>;
  readonly sessions: Pick<Sessions, 'ofAccount'>;
  readonly logger: Logger;
}

/** A notice of the protocol's vocabulary. */
export type KnownNotice = Notice & { readonly kind: NotificationKind };

/**
 * Tells people what happened: kept in accounts.db, and told live to the full devices that are connected. A slow device
 * hears only of the newest id, so nothing piles up for it. Told after the fact: a notice that cannot be kept is logged and
 * fails nothing.
 */
export class Notifications {
  readonly #deps: NotificationsDeps;
  /** The newest id not told yet to a connection that is being told. */
  readonly #telling = new WeakMap<Connection, { pending: number | undefined }>();

  constructor(deps: NotificationsDeps) {
    this.#deps = deps;
  }

  /** Resolves when it is kept, or was given up; never rejects. */
  async notify(account: AccountId, notice: KnownNotice): Promise<void> {
    try {
      const id = await this.#deps.accounts.notifications.add(account, notice);
      for (const connection of this.#deps.sessions.ofAccount(account)) this.#tell(connection, id);
    } catch (error) {
      const fields = { kind: notice.kind, status: statusOf(error) };
      if (isCofferError(error)) this.#deps.logger.warn(fields, 'a notification could not be kept');
      else this.#deps.logger.error({ ...fields, reason: String(error) }, 'a notification could not be kept');
    }
  }

  /** Tells every active administrator. */
  async notifyAdmins(notice: KnownNotice): Promise<void> {
    for (const account of await this.#deps.accounts.admins()) await this.notify(account, notice);
  }

  #tell(connection: Connection, id: number): void {
    if (connection.role !== 'control' || connection.device.scope !== 'full') return;
    const telling = this.#telling.get(connection);
    if (telling === undefined) void this.#send(connection, id);
    else telling.pending = id;
  }

  async #send(connection: Connection, id: number): Promise<void> {
    const telling = { pending: id as number | undefined };
    this.#telling.set(connection, telling);
    try {
      for (let next = telling.pending; next !== undefined; next = telling.pending) {
        telling.pending = undefined;
        await connection.announce(next);
      }
    } catch {
      // The connection is gone; whoever comes back asks for the list.
    } finally {
      this.#telling.delete(connection);
    }
  }
}

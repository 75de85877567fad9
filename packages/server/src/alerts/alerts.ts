import { isCofferError, type Logger } from '@coffer/core';
import type { AlertKind } from '@coffer/protocol';
import type { Accounts, NewAlert } from '@coffer/storage';
import { statusOf } from '../log/audit.ts';
import type { Notifications } from '../notifications/notifications.ts';

export interface AlertsDeps {
  readonly accounts: Pick<Accounts, 'alerts'>;
  readonly notifications: Pick<Notifications, 'notifyAdmins'>;
  readonly logger: Logger;
}

/** An alert of the protocol's vocabulary. */
export type KnownAlert = NewAlert & { readonly kind: AlertKind };

/** What administrators should look at: kept until they did, and told to each of them. One that cannot be kept is logged and fails nothing. */
export class Alerts {
  readonly #deps: AlertsDeps;

  constructor(deps: AlertsDeps) {
    this.#deps = deps;
  }

  /** Resolves when it is kept, or was given up; never rejects. */
  async raise(alert: KnownAlert): Promise<void> {
    try {
      await this.#deps.accounts.alerts.add(alert);
    } catch (error) {
      const fields = { kind: alert.kind, status: statusOf(error) };
      if (isCofferError(error)) this.#deps.logger.warn(fields, 'an alert could not be kept');
      else this.#deps.logger.error({ ...fields, reason: String(error) }, 'an alert could not be kept');
    }
    await this.#deps.notifications.notifyAdmins({ kind: 'alert', word: alert.kind });
  }
}

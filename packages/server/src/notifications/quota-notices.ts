import { isCofferError, type AccountId, type Logger } from '@coffer/core';
import type { Storage } from '@coffer/storage';
import { statusOf } from '../log/audit.ts';
import type { Notifications } from './notifications.ts';

/** Per cent of the quota at which its account is told, highest first. */
const levels = [95, 80] as const;
/** So far it must fall below a level before that is told again: who stores and removes at the edge is told once. */
const hysteresis = 5;

export interface QuotaNoticesDeps {
  readonly storage: Pick<Storage, 'usage' | 'accounts'>;
  readonly notifications: Pick<Notifications, 'notify'>;
  readonly logger: Logger;
}

/** Tells an account when it has reached 80 and 95 per cent of its quota, once each until it fell below. */
export class QuotaNotices {
  readonly #deps: QuotaNoticesDeps;

  constructor(deps: QuotaNoticesDeps) {
    this.#deps = deps;
  }

  /** After something was stored or removed. Never throws what a disk may do. */
  async check(account: AccountId): Promise<void> {
    const { storage, notifications, logger } = this.#deps;
    try {
      const { storedBytes, quotaBytes } = await storage.usage(account);
      const { told } = storage.accounts;
      const before = told.quotaLevel(account);
      const now = quotaBytes === null ? 0 : levelOf((storedBytes * 100) / Math.max(1, quotaBytes), before);
      if (now === before) return;
      told.setQuotaLevel(account, now);
      if (now > before) await notifications.notify(account, { kind: 'quota', figure: now });
    } catch (error) {
      if (!isCofferError(error)) throw error;
      logger.warn({ status: statusOf(error) }, 'a quota could not be compared');
    }
  }
}

function levelOf(percent: number, before: number): number {
  const reached = levels.find((level) => percent >= level) ?? 0;
  const left = levels.find((level) => percent >= level - hysteresis) ?? 0;
  return reached >= before ? reached : Math.max(reached, Math.min(before, left));
}

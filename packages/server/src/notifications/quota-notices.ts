import { isCofferError, type AccountId, type Logger } from '@coffer/core';
import type { MemberUsage, Storage } from '@coffer/storage';
import { statusOf } from '../log/audit.ts';
import type { Notifications } from './notifications.ts';

/** Per cent of the quota at which its account is told, highest first. */
const levels = [95, 80] as const;
/** So far it must fall below a level before that is told again: who stores and removes at the edge is told once. */
const hysteresis = 5;

export interface QuotaNoticesDeps {
  readonly storage: Pick<Storage, 'usage' | 'memberUsage' | 'accounts'>;
  readonly notifications: Pick<Notifications, 'notify'>;
  readonly logger: Logger;
}

/** Tells an account when it, or a member of its vaults, has reached 80 and 95 per cent of what it may store there, once each until it fell below. */
export class QuotaNotices {
  readonly #deps: QuotaNoticesDeps;

  constructor(deps: QuotaNoticesDeps) {
    this.#deps = deps;
  }

  /** After something was stored or removed. Never throws what a disk may do. */
  check(account: AccountId): Promise<void> {
    const { storage, notifications } = this.#deps;
    const { told } = storage.accounts;
    return this.#compare({
      usage: () => storage.usage(account),
      told: () => told.quotaLevel(account),
      tell: async (figure, isMore) => {
        told.setQuotaLevel(account, figure);
        if (isMore) await notifications.notify(account, { kind: 'quota', figure });
      },
    });
  }

  /** The same for what `member`, another account, may store with the owner, who is told. */
  checkMember(owner: AccountId, member: AccountId): Promise<void> {
    const { storage, notifications } = this.#deps;
    const { told } = storage.accounts;
    return this.#compare({
      usage: () => storage.memberUsage(owner, member),
      told: () => told.memberQuotaLevel(owner, member),
      tell: async (figure, isMore) => {
        told.setMemberQuotaLevel({ owner, member, level: figure });
        if (isMore) await notifications.notify(owner, { kind: 'member-quota', actor: member, figure });
      },
    });
  }

  async #compare({ usage, told, tell }: Comparison): Promise<void> {
    try {
      const { storedBytes, quotaBytes } = await usage();
      const before = told();
      const now = quotaBytes === null ? 0 : levelOf((storedBytes * 100) / Math.max(1, quotaBytes), before);
      if (now !== before) await tell(now, now > before);
    } catch (error) {
      if (!isCofferError(error)) throw error;
      this.#deps.logger.warn({ status: statusOf(error) }, 'a quota could not be compared');
    }
  }
}

interface Comparison {
  readonly usage: () => Promise<MemberUsage>;
  /** The level that was told last. */
  readonly told: () => number;
  readonly tell: (level: number, isMore: boolean) => Promise<void>;
}

function levelOf(percent: number, before: number): number {
  const reached = levels.find((level) => percent >= level) ?? 0;
  const left = levels.find((level) => percent >= level - hysteresis) ?? 0;
  return reached >= before ? reached : Math.max(reached, Math.min(before, left));
}

import type { AccountId, DeviceId, EntryId, VaultId } from '@coffer/core';
import type { NotificationKind } from '@coffer/protocol';

export type { NotificationKind } from '@coffer/protocol';

/** What the server says happened. It is the server's word: nothing is decided by it. Absent is null. */
export interface Notification {
  /** Counts for this account alone; a later one is newer. */
  readonly id: number;
  readonly atMs: number;
  readonly kind: NotificationKind;
  readonly read: boolean;
  /** So many equal ones became this one. */
  readonly times: number;
  readonly actor: AccountId | null;
  /** What the server calls the actor; from others, and unchecked. */
  readonly username: string | null;
  readonly vault: VaultId | null;
  readonly entry: EntryId | null;
  readonly device: DeviceId | null;
  readonly request: Uint8Array | null;
  /** A fixed word: a role, a decision. */
  readonly word: string | null;
  /** A percentage, a count of attempts. */
  readonly figure: number | null;
}

export interface NotificationPage {
  /** Newest first. */
  readonly notifications: readonly Notification[];
  readonly unread: number;
}

/** What the account is told. @throws NOT_ALLOWED for a worker; UNREACHABLE, NOT_LOGGED_IN */
export interface Notifications {
  /** All that are kept, a few hundred at most. */
  list(signal?: AbortSignal): Promise<NotificationPage>;
  /** Marks one as read; answers how many are unread. @throws NOT_FOUND */
  read(id: number, signal?: AbortSignal): Promise<number>;
  /** Marks all that there are now; one that arrives meanwhile stays unread. */
  readAll(signal?: AbortSignal): Promise<void>;
  /** Yields what is unread at once, then each new one as it arrives, oldest first. Ends with the signal's reason. */
  watch(signal?: AbortSignal): AsyncIterable<Notification>;
}

export { Accounts } from './accounts/accounts.ts';
export type { AccountsOptions, NewInvite, UseInvite } from './accounts/accounts.ts';
export type { IdentityRotation } from './accounts/rotate-identity.ts';
export type { Credentials } from './accounts/activate-credentials.ts';
export type { AccountRequest, RequestId, RequestKind, RequestState } from './accounts/request-record.ts';
export type { Requests } from './accounts/requests.ts';
export type {
  AccountRecord,
  AccountRole,
  AccountState,
  DeviceSeen,
  Invite,
  NewAccount,
} from './accounts/account-record.ts';
export type { Alert, AlertList, NewAlert } from './accounts/alerts.ts';
export type { JobOf, ToldState } from './accounts/told-state.ts';
export type { Notice, Notification, NotificationList, NotificationPage } from './accounts/notifications.ts';
export { canonicalUsername } from './accounts/username.ts';
export { refuseOlderAccounts } from './accounts/refuse-older.ts';
export { backupAccounts } from './backup/backup-accounts.ts';
export type { BackupOptions, MadeBackup } from './backup/backup-accounts.ts';
export { listBackups } from './backup/backup-files.ts';
export type { AccountsBackup } from './backup/backup-files.ts';
export type { BackupNote } from './backup/backup-note.ts';
export { checkStorage } from './check/check-storage.ts';
export type { CheckOptions } from './check/check-storage.ts';
export { findingText } from './check/finding.ts';
export type { Finding, FindingKind, FindingText } from './check/finding.ts';
export type { ChunkRead } from './chunks/read-chunks.ts';
export type { ChunkWriter, Stored } from './chunks/chunk-writer.ts';
export type { CollectOptions, Collection } from './collection/collector.ts';
export type { ScrubOptions } from './collection/scrub.ts';
export type { LostChunk, UsageDifference } from './facts/collection-facts.ts';
export { missingChunks } from './missing-chunks.ts';
export type { MissingChunk } from './facts/facts.ts';
export { readStoredBytes } from './read-stored-bytes.ts';
export { readClock } from './retention/retention-clock.ts';
export { rebuildIndex } from './rebuild-index.ts';
export type { RebuildIndexOptions } from './rebuild-index.ts';
export type { ExpiryCause, HoldBy, Tombstone, VersionEnd } from './facts/retention-facts.ts';
export type { HoldStatus } from './retention/hold-status.ts';
export type { ClockStatus } from './retention/retention-clock.ts';
export type { Expired, KeptVersion, RetentionStatus, SetHold, VersionList, VersionSum } from './retention/retention.ts';
export type { Recovered } from './recovery/recover.ts';
export { restoreStorage } from './restore/restore-storage.ts';
export type { Restored, RestoreOptions } from './restore/restore-storage.ts';
export { readIdentity } from './storage-folder.ts';
export type { StorageIdentity } from './storage-folder.ts';
export { Storage } from './storage.ts';
export type { MemberUsage, StorageStatus, Usage, VaultSummary } from './storage-answers.ts';
export type { ChunkScope, InitStorageOptions, StorageOptions } from './storage-options.ts';
export type { PulledCommit } from './vaults/pull-commits.ts';
export type { Ack } from './vaults/vault-appender.ts';

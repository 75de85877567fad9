export { alertText, countedAlertText } from './alert-text.ts';
export { auditFindings, isSound } from './audit-findings.ts';
export { auditCategories } from '@coffer/protocol';
export type { AuditCategory } from '@coffer/protocol';
export { auditLineText, readAuditLine } from './audit-line.ts';
export type { AuditLine } from './audit-line.ts';
export type {
  AccountAdmin,
  OpenedReset,
  RequestDetails,
  ServerAccount,
  ServerInvites,
  ServerRequest,
} from './account-admin.ts';
export type { Account, AccountInfo, AccountUsage, DeviceSummary } from './account.ts';
export type {
  Attributes,
  CommitBatch,
  CommitBatchOptions,
  CommitReport,
  DirectoryPut,
  FilePut,
  Placement,
  RefusedOperation,
  SymlinkPut,
} from './commit-batch.ts';
export { parseBandwidth } from './bandwidth/bandwidth-limits.ts';
export type { BandwidthLimits } from './bandwidth/bandwidth-limits.ts';
export { BandwidthSchedule, limitsAt } from './bandwidth/bandwidth-schedule.ts';
export { copyEntry } from './copy-entry.ts';
export type { CopyEntry } from './copy-entry.ts';
export { examine } from './doctor/examine.ts';
export type { ExamineOptions } from './doctor/examine.ts';
export type { Finding } from './doctor/finding.ts';
export type {
  Downloader,
  DownloaderOptions,
  DownloadProgress,
  DownloadSink,
  FileFacts,
  LaidFile,
  LanePlace,
  LayTarget,
} from './downloader.ts';
export { createFileTimes, doubles } from './file-times.ts';
export type { FileTimes } from './file-times.ts';
export type { DeletedEntry, Entry, Version, WalkedEntry } from './entry.ts';
export { checkName, nameFromBytes, nameProblem, nameToBytes } from '@coffer/journal';
export type { Content, EntryKind, EntryName, LinkTarget, RetentionPolicy } from '@coffer/journal';
export { readFile } from './read-file.ts';
export type { ReadFile } from './read-file.ts';
export type { Listing, TreeReader, VaultPath } from './tree-reader.ts';
export type { FileSource, UploadedContent, Uploader, UploaderOptions, UploadProgress } from './uploader.ts';
export type {
  Ignored,
  IgnoredAuthor,
  JobRun,
  PullReport,
  Vault,
  VaultHead,
  VerifyOptions,
  VerifyProblem,
  VerifyReport,
} from './vault.ts';
export type {
  HoldState,
  KeptVersion,
  RetentionInForce,
  RetentionReport,
  VaultHistory,
  VersionName,
  VersionState,
} from './history.ts';
export type { LostContent } from './lost-content.ts';
export { storedBytesOf } from './state/stored-content.ts';
export { findRemoved } from './history/find-removed.ts';
export type { RemovedEntry } from './history/find-removed.ts';
export { restoreEntries, undeleteEntry } from './history/restore-entries.ts';
export type { RestoreEntries, RestoreReport } from './history/restore-entries.ts';
export { wordRows } from './people/word-rows.ts';
export type { People, Person, Trust as PersonTrust } from './people/people.ts';
export type { Notification, NotificationKind, NotificationPage, Notifications } from './notifications/notification.ts';
export { notificationText } from './notifications/notification-text.ts';
export type { NotificationNames } from './notifications/notification-text.ts';
export type { Place, Places, ResolveOptions, SharedFolder } from './sharing/places.ts';
export { isEndOfShare, onlyReadNow } from './sharing/end-of-share.ts';
export type { BrokenShare, IncomingShare, SharedVaults } from './sharing/shared-vaults.ts';
export type { OutgoingShare, ShareMember, ShareState, Sharing } from './sharing/sharing.ts';
export type { Team, TeamGrant, TeamMember, Teams } from './teams/teams.ts';
export { sharedWithTeam } from './teams/shared-with-team.ts';
export type { TeamShare } from './teams/shared-with-team.ts';
export type { OwnDevice, OwnDevices } from './devices/own-devices.ts';
export { lostTeamText, revokeOwn } from './devices/revoke-own.ts';
export type { RevokeOwnOptions, RevokeOwnReport } from './devices/revoke-own.ts';
export { OperationsLog } from './profile/operations-log.ts';
export type { OperationAction, OperationRecord } from './profile/operations-log.ts';
export { Profile } from './profile/profile.ts';
export type { ProfileDeps, ProfileOptions } from './profile/profile.ts';
export type { KeystoreKind, ProfileRecord } from './profile/profile-record.ts';
export type { Keyring } from './profile/keyring.ts';
export { displayName, formatPath, splitPath } from './vault-path.ts';
export { openAccount } from './open-account.ts';
export type { OpenAccountOptions } from './open-account.ts';
export type {
  AuditReport,
  LoggedLine,
  ReadLogs,
  ServerAlert,
  ServerSession,
  ServerShare,
  ServerWatch,
} from './server-watch.ts';
export type { ServerAdmin, ServerStatus, ServerUser } from './server-admin.ts';
export type { GenerationNews } from './connection/generation.ts';
export { login } from './login/login.ts';
export type { LoginInfo, LoginOptions, LoginTarget } from './login/login.ts';
export { firstStatement } from './credentials/first-statement.ts';
export type { OwnCredentials, OwnRequest, PasswordChange, PasswordPair } from './credentials/own-credentials.ts';
export { register } from './credentials/register.ts';
export type { RegisterInfo, RegisterOptions } from './credentials/register.ts';
export { finishReset, requestReset, resetStatus } from './credentials/reset.ts';
export type { FinishReset, RequestReset, ResetDone, ResetStatus, ResetWords } from './credentials/reset.ts';
export { logout } from './login/logout.ts';
export type { LogoutOptions } from './login/logout.ts';
export type { Trust } from './connection/trust.ts';
export { createTlsDial } from './connection/dial.ts';
export type { Address, Dial, Dialled } from './connection/dial.ts';

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
export type { Downloader, DownloaderOptions, DownloadProgress, DownloadSink } from './downloader.ts';
export type { DeletedEntry, Entry, Version, WalkedEntry } from './entry.ts';
export { checkName, nameFromBytes, nameProblem, nameToBytes } from '@coffer/journal';
export type { Content, EntryKind, EntryName, LinkTarget } from '@coffer/journal';
export type { TreeReader, VaultPath } from './tree-reader.ts';
export type { FileSource, UploadedContent, Uploader, UploaderOptions, UploadProgress } from './uploader.ts';
export type { JobRun, PullReport, Vault, VaultHead, VerifyOptions, VerifyProblem, VerifyReport } from './vault.ts';

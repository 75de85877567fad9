/** An open file: positional, so that a failed write leaves no doubt where it began. */
export interface DiskFile {
  /** Writes from the first byte of the first part on; may write less than all. Resolves to the bytes written. */
  write(parts: readonly Uint8Array[], position: number): Promise<number>;
  /** Fills `into` from `position` on; resolves to fewer bytes only at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Content and length survive a power cut afterwards. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  size(): Promise<number>;
  close(): Promise<void>;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

/**
 * The few things that packs need from a filesystem. Errors are those of `node:fs` (`code` ENOSPC, EIO, ENOENT, …).
 * `MemoryDisk` of `@coffer/storage/testing` plays power cuts; `FaultyDisk` injects failures.
 */
export interface Disk {
  /** `create` refuses an existing file. */
  open(path: string, mode: 'create' | 'write' | 'read'): Promise<DiskFile>;
  /** True when the folder did not exist before; its parent must. */
  makeFolder(path: string): Promise<boolean>;
  /** Names created in or removed from the folder survive a power cut afterwards. */
  syncFolder(path: string): Promise<void>;
  /** Length of a file without opening it. */
  size(path: string): Promise<number>;
  /** Empty when there is no such folder. */
  list(path: string): Promise<readonly string[]>;
  remove(path: string): Promise<void>;
  space(path: string): Promise<DiskSpace>;
}

/** `code` of an error of `node:fs`. */
export function diskErrorCode(error: unknown): string | undefined {
  // Not `instanceof Error`: errors of node:fs may come from another realm (a test's, a worker's).
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** True when the filesystem or the disk quota is full: the one failed write that can be undone. */
export function isDiskFull(error: unknown): boolean {
  const code = diskErrorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

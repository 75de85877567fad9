import type { Downloader, DownloadSink, Entry, Vault } from '@coffer/client';
import { isCofferError } from '@coffer/core';

export interface DownloadEntry {
  readonly vault: Vault;
  readonly downloader: Downloader;
  readonly entry: Entry;
  readonly sink: DownloadSink;
}

/** Downloads a file; why its content is not there is told as EXPIRED or INTEGRITY. @throws what downloading throws, but for NOT_FOUND */
export async function downloadEntry(
  { vault, downloader, entry, sink }: DownloadEntry,
  signal?: AbortSignal,
): Promise<void> {
  try {
    await downloader.download(entry.content, sink, signal);
  } catch (error) {
    if (!isCofferError(error, 'NOT_FOUND', 'DAMAGED')) throw error;
    throw await vault.history.explain(entry, error, signal);
  }
}

import type { Downloader, DownloadSink, Entry, LaidFile, LayTarget, Vault } from '@coffer/client';
import { isCofferError } from '@coffer/core';

export interface DownloadEntry {
  readonly vault: { readonly history: Pick<Vault['history'], 'explain'> };
  readonly downloader: Pick<Downloader, 'layDown'>;
  readonly entry: Pick<Entry, 'entry' | 'seq' | 'content'>;
  readonly target: LayTarget;
}

/**
 * Downloads a file, or has a lane lay it down; why its content is not there is told as EXPIRED or INTEGRITY. @throws what downloading throws, but for the
 * server's NOT_FOUND and DAMAGED; what the sink throws
 */
export async function downloadEntry(
  { vault, downloader, entry, target }: DownloadEntry,
  signal?: AbortSignal,
): Promise<LaidFile | undefined> {
  // A folder that vanishes under the file is NOT_FOUND too, and no fault of the server.
  let isLocal = false;
  const watched: DownloadSink = async (...piece) => {
    try {
      await target.sink(...piece);
    } catch (error) {
      isLocal = true;
      throw error;
    }
  };
  try {
    return await downloader.layDown(entry.content, { ...target, sink: watched }, signal);
  } catch (error) {
    if (isLocal || !isCofferError(error, 'NOT_FOUND', 'DAMAGED')) throw error;
    throw await vault.history.explain(entry, error, signal);
  }
}

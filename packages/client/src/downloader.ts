import type { Content } from '@coffer/journal';

export interface DownloaderOptions {
  /** Worker threads that open chunks. Default 1. */
  readonly lanes?: number;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

export interface DownloadProgress {
  /** Sealed bytes received. */
  readonly bytesReceived: number;
  /** Plain bytes handed to sinks. */
  readonly bytesWritten: number;
}

/**
 * Takes verified plain bytes at their offset in the file, in order. Holes are left out: the file begins empty and is cut
 * or grown to its size afterwards. The bytes belong to the sink until its promise resolves, no longer;
 * they may lie in memory that threads share.
 */
export type DownloadSink = (offset: number, bytes: Uint8Array) => Promise<void> | void;

/** Fetches, opens and checks contents; chunks of files asked for together travel together. */
export interface Downloader extends AsyncDisposable {
  readonly progress: DownloadProgress;
  /** Keep up to this many `download` calls in flight. */
  readonly parallel: number;
  /** @throws INTEGRITY, EXPIRED, NOT_FOUND, UNREACHABLE; what the sink throws */
  download(content: Content, sink: DownloadSink, signal?: AbortSignal): Promise<void>;
}

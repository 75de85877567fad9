import type { BigIntStats } from 'node:fs';
import type { Timestamp } from '@coffer/core';
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

/** Where a lane lays a file down by itself. */
export interface LanePlace {
  /**
   * Of a file that is not there yet, and of the file itself, in one open directory that stays the same whatever happens to its name
   * (`/proc/self/fd/N/name`), as `node:fs` takes them.
   */
  readonly temporary: string | Uint8Array;
  readonly path: string | Uint8Array;
  /** The plain bytes must be so many. */
  readonly size: number;
  readonly mtime: Timestamp;
  readonly mode: number;
  /** Called once, when the lane needs the directory no longer. */
  readonly release: () => void;
}

/** A file that a lane laid down: complete, with times and mode, under its name, where nothing was. */
export interface LaidFile {
  /** As it then was; undefined when somebody else touched it in the same moment. */
  readonly stats: FileFacts | undefined;
}

export type FileFacts = Pick<BigIntStats, 'size' | 'mtimeNs' | 'ctimeNs' | 'ino' | 'mode'>;

export interface LayTarget {
  /** Gets what no lane laid down. */
  readonly sink: DownloadSink;
  /** Asked when the bytes are there, and not for every file; undefined, or an error, keeps the lane from it. */
  readonly place: () => LanePlace | undefined;
}

/** Fetches, opens and checks contents; chunks of files asked for together travel together. */
export interface Downloader extends AsyncDisposable {
  readonly progress: DownloadProgress;
  /** Keep up to this many `download` calls in flight. */
  readonly parallel: number;
  /** @throws INTEGRITY, EXPIRED, NOT_FOUND, UNREACHABLE; what the sink throws */
  download(content: Content, sink: DownloadSink, signal?: AbortSignal): Promise<void>;
  /**
   * As {@link download}, but the lane that opens a small file may lay it down at once. Undefined when it did not, for whatever
   * reason: nothing is then left behind, and the sink got the bytes.
   */
  layDown(content: Content, target: LayTarget, signal?: AbortSignal): Promise<LaidFile | undefined>;
}

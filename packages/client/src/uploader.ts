import type { ChunkId, Hash, Timestamp } from '@coffer/core';
import type { Content } from '@coffer/journal';

export interface UploaderOptions {
  /** Worker threads that read and seal. Default 1; 2 pays for trees of small files. */
  readonly lanes?: number;
  /** Called with growing totals, at most once per megabyte or file. */
  readonly onProgress?: (progress: UploadProgress) => void;
}

export interface UploadProgress {
  /** Plain bytes read from files. */
  readonly bytesRead: number;
  /** Sealed bytes handed to the connection. */
  readonly bytesSent: number;
}

export interface FileSource {
  /** Path on this machine; bytes where names may not be UTF-8. Symlinks are not followed. */
  readonly path: string | Uint8Array;
  /** Size as scanned, bytes; only a hint for scheduling. */
  readonly size: number;
  /** Content of the version that this one replaces: its chunks need not be asked for or sealed again. */
  readonly previous?: Content;
}

/** What is stored of one file; valid for a commit in the vault of the uploader that made it. */
export interface UploadedContent {
  readonly content: Content;
  readonly chunks: readonly ChunkId[];
  readonly segments: readonly ChunkId[];
  /** Plain bytes that were read. */
  readonly size: number;
  readonly contentHash: Hash;
  /** Sealed bytes sent for this file; 0 when everything was there. */
  readonly bytesSent: number;
  /** Of the open file, unchanged between the first and the last byte read. Zero for streams. */
  readonly mtime: Timestamp;
  readonly mode: number;
}

/** Seals files and sends the chunks that the server lacks. Its content may be committed by `vault.batch({ uploader })`. */
export interface Uploader extends AsyncDisposable {
  readonly progress: UploadProgress;
  /** Keep up to this many `upload` calls in flight: small files travel together. */
  readonly parallel: number;
  /**
   * Resolves once every chunk is handed to the connection; they are durable only after {@link flush}.
   * @throws BUSY when the file kept changing while it was read; NOT_FOUND, NOT_ALLOWED or IO when it cannot be read;
   * QUOTA, NO_SPACE, UNREACHABLE for the whole uploader
   */
  upload(file: FileSource, signal?: AbortSignal): Promise<UploadedContent>;
  uploadStream(source: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<UploadedContent>;
  /**
   * Sends again what the server has lost of a file since it was uploaded. A batch does this by itself.
   * @throws MISSING_CHUNKS when there is nothing to read it from any more; BUSY when the file is another by now
   */
  resend(content: UploadedContent, signal?: AbortSignal): Promise<void>;
  /** Resolves when the server confirmed all chunks of the uploads that resolved before. A batch does this by itself. */
  flush(signal?: AbortSignal): Promise<void>;
}

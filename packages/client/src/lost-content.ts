import type { Entry } from './entry.ts';
import type { FileSource } from './uploader.ts';

/**
 * Content of the vault that the server says it cannot read any more. Only what this device finds in its own journal counts;
 * what is sent again is cut and hashed here, and compared with the journal, never with what the server says.
 */
export interface LostContent extends AsyncDisposable {
  /** Chunks and segments that are still lost. */
  readonly size: number;
  /** Whether the content of the file, as it is shown, lost something. @throws UNREACHABLE */
  isPartOf(entry: Entry, signal?: AbortSignal): Promise<boolean>;
  /**
   * Reads a local file and sends again what is lost of it, when its content is that of the entry. @returns how many
   * chunks and segments are there again; 0 when the file holds something else
   * @throws BUSY, NOT_FOUND, NOT_ALLOWED, IO about the file; QUOTA, NO_SPACE, UNREACHABLE
   */
  heal(entry: Entry, file: FileSource, signal?: AbortSignal): Promise<number>;
}

import type { Downloader, DownloadSink } from './downloader.ts';
import type { Entry } from './entry.ts';
import type { Vault } from './vault.ts';

/** Zeros of a hole are written in pieces of this size. */
const zeroBytes = 64 * 1024;

export interface ReadFile {
  readonly vault: Vault;
  readonly entry: Entry;
  /** Takes all bytes in order, holes filled with zeros; they belong to it until its promise resolves. */
  readonly sink: (bytes: Uint8Array) => Promise<void>;
  /** Used instead of one of its own, and not disposed. */
  readonly downloader?: Downloader;
}

/** Reads one file from its first byte to its last. @throws INTEGRITY, EXPIRED, NOT_FOUND, UNREACHABLE */
export async function readFile({ vault, entry, sink, ...shared }: ReadFile, signal: AbortSignal): Promise<void> {
  await using own = shared.downloader === undefined ? await vault.downloader({ lanes: 1 }) : undefined;
  const downloader = shared.downloader ?? own;
  if (downloader === undefined) throw new TypeError('there is always one of the two');
  let position = 0;
  const fillTo = async (offset: number): Promise<void> => {
    while (position < offset) {
      const zeros = new Uint8Array(Math.min(zeroBytes, offset - position));
      await sink(zeros);
      position += zeros.byteLength;
    }
  };
  const write: DownloadSink = async (offset, bytes) => {
    await fillTo(offset);
    await sink(bytes);
    position += bytes.byteLength;
  };
  try {
    await downloader.download(entry.content, write, signal);
  } catch (error) {
    throw await vault.history.explain(entry, error, signal);
  }
  await fillTo(entry.size);
}

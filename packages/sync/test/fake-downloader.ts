import type { Content, Downloader, DownloadSink, LaidFile, LayTarget } from '@coffer/client';
import { FileLayer } from '@coffer/client/testing';
import { CofferError, idKey } from '@coffer/core';

/** What it reads of a vault in memory. */
interface Source {
  readonly contents: ReadonlyMap<string, Uint8Array>;
  /** Told of each transfer; may throw. */
  transfer(signal: AbortSignal | undefined): void;
}

/** Plain bytes of what stands for a chunk. */
const pieceBytes = 65_536;

export class FakeDownloader implements Downloader {
  readonly #layer = new FileLayer();
  readonly parallel = 4;
  readonly progress = { bytesReceived: 0, bytesWritten: 0 };
  readonly #vault: Source;

  constructor(vault: Source) {
    this.#vault = vault;
  }

  /** In pieces of {@link pieceBytes}; pieces of zeros are holes. */
  async download(content: Content, sink: DownloadSink, signal?: AbortSignal): Promise<void> {
    this.#vault.transfer(signal);
    const bytes = this.#bytesOf(content);
    for (let offset = 0; offset < bytes.byteLength; offset += pieceBytes) {
      signal?.throwIfAborted();
      const piece = bytes.subarray(offset, offset + pieceBytes);
      this.progress.bytesReceived += piece.byteLength;
      if (piece.some((byte) => byte !== 0)) await sink(offset, piece);
    }
  }

  /** What is one piece is laid down as a lane does it. */
  async layDown(content: Content, { sink, place }: LayTarget, signal?: AbortSignal): Promise<LaidFile | undefined> {
    const bytes = this.#bytesOf(content);
    if (bytes.byteLength > pieceBytes || bytes.every((byte) => byte === 0)) {
      await this.download(content, sink, signal);
      return undefined;
    }
    this.#vault.transfer(signal);
    this.progress.bytesReceived += bytes.byteLength;
    const laid = this.#lay(bytes, place);
    if (laid === undefined) await sink(0, bytes);
    return laid;
  }

  #lay(bytes: Uint8Array, place: LayTarget['place']): LaidFile | undefined {
    try {
      const found = place();
      if (found === undefined) return undefined;
      const { release, ...rest } = found;
      const laid = this.#layer.lay(bytes, rest);
      release();
      return laid;
    } catch {
      return undefined;
    }
  }

  #bytesOf(content: Content): Uint8Array {
    const [[hash]] = content as unknown as [[Uint8Array]];
    const bytes = this.#vault.contents.get(idKey(hash));
    if (bytes === undefined) throw new CofferError('INTEGRITY', 'no such content');
    return bytes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }
}

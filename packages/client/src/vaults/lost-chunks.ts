import { equalBytes, idKey, isCofferError } from '@coffer/core';
import type { AccountId, ChunkId, IdKey } from '@coffer/core';
import type { ChunkKeys } from '@coffer/crypto';
import { encodeContent } from '../state/stored-content.ts';
import { isHole, isSegmented, isSharedTuple } from '@coffer/journal';
import type { ChunkTuple, Content, ContentTuple } from '@coffer/journal';
import type { ClientConnection } from '@coffer/protocol';
import type { Entry } from '../entry.ts';
import type { LostContent } from '../lost-content.ts';
import type { FileDownloader } from '../transfer/file-downloader.ts';
import type { FileSource, Uploader } from '../uploader.ts';

export interface LostChunksDeps {
  readonly vault: Uint8Array;
  readonly account: AccountId;
  /** By generation of the dedup secret. */
  readonly keys: ReadonlyMap<number, ChunkKeys>;
  readonly openUploader: () => Promise<Uploader>;
  readonly openDownloader: () => FileDownloader;
}

type Control = <Result>(
  work: (connection: ClientConnection) => Promise<Result>,
  signal?: AbortSignal,
) => Promise<Result>;

/** Ids that are listened to in one run, those of others included; each takes 100 bytes. What is beyond is healed by the next run. */
const maxLost = 200_000;

/** {@link LostContent} of a vault: what the account itself has uploaded. */
export class LostChunks implements LostContent {
  readonly #deps: LostChunksDeps;
  readonly #lost: Set<IdKey>;
  readonly #owned = new AsyncDisposableStack();
  #uploader: Promise<Uploader> | undefined;
  #downloader: FileDownloader | undefined;

  private constructor(deps: LostChunksDeps, lost: Set<IdKey>) {
    this.#deps = deps;
    this.#lost = lost;
  }

  /** Asks the server; undefined when it has lost nothing. @throws UNREACHABLE */
  static async ask(deps: LostChunksDeps, control: Control, signal?: AbortSignal): Promise<LostChunks | undefined> {
    const lost = new Set<IdKey>();
    let after: ChunkId | null = null;
    let told = 0;
    for (let more = true; more && told < maxLost;) {
      const message: { vault: Uint8Array; after: ChunkId | null } = { vault: deps.vault, after };
      const { response } = await control(
        (connection) => connection.request('chunk.lost', message, { ...(signal && { signal }) }),
        signal,
      );
      told += response.chunks.length;
      for (const { uploader, id } of response.chunks) if (equalBytes(uploader, deps.account)) lost.add(idKey(id));
      const last: ChunkId | undefined = response.chunks.at(-1)?.id;
      more = response.more && last !== undefined;
      after = last ?? null;
    }
    return lost.size === 0 ? undefined : new LostChunks(deps, lost);
  }

  get size(): number {
    return this.#lost.size;
  }

  async isPartOf({ content }: Entry, signal?: AbortSignal): Promise<boolean> {
    if (this.#lost.size === 0) return false;
    return (await this.#idsOf(content, signal)).some((id) => this.#lost.has(id));
  }

  async heal(entry: Entry, file: FileSource, signal?: AbortSignal): Promise<number> {
    this.#uploader ??= this.#deps.openUploader().then((uploader) => this.#owned.use(uploader));
    const uploader = await this.#uploader;
    const read = await uploader.upload({ path: file.path, size: file.size }, signal);
    await uploader.flush(signal);
    // Byte for byte what the journal says, sizes included: what was sent opens with what members know of it.
    if (!equalBytes(encodeContent(read.content), encodeContent(entry.content))) return 0;
    // Lists of segments that were lost can be read again now.
    const ids = await this.#idsOf(entry.content, signal);
    return ids.filter((id) => this.#lost.delete(id)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }

  /** All ids that the content refers to, as far as they can be known here; those of a list that is lost itself cannot. */
  async #idsOf(content: Content, signal: AbortSignal | undefined): Promise<readonly IdKey[]> {
    if (!isSegmented(content)) return this.#chunkIds(content);
    const ids: IdKey[] = [];
    for (const [segment, list] of content[1]) ids.push(idKey(segment), ...this.#chunkIds([list]));
    try {
      this.#downloader ??= this.#owned.use(this.#deps.openDownloader());
      for await (const tuples of this.#downloader.tuples(content, signal)) ids.push(...this.#chunkIds(tuples));
    } catch (error) {
      if (!isCofferError(error, 'NOT_FOUND', 'DAMAGED', 'INTEGRITY')) throw error;
    }
    return ids;
  }

  #chunkIds(tuples: readonly ContentTuple[]): readonly IdKey[] {
    return tuples.filter((tuple) => !isHole(tuple)).flatMap((tuple) => this.#chunkId(tuple));
  }

  #chunkId(tuple: ChunkTuple): readonly IdKey[] {
    const { account, keys } = this.#deps;
    if (isSharedTuple(tuple)) return equalBytes(tuple[3], account) ? [idKey(tuple[4])] : [];
    const chunkKeys = keys.get(tuple[3]);
    return chunkKeys === undefined ? [] : [idKey(chunkKeys.id(tuple[0]))];
  }
}

import type { Clock, Random } from '@coffer/core';
import type { ChunkKeys } from '@coffer/crypto';
import type { DataBatch } from '@coffer/protocol';
import type { Connections } from '../connection/connections.ts';
import type { DownloaderOptions } from '../downloader.ts';
import type { DeviceKeys } from '../profile/device-keys.ts';
import type { ProfileRecord } from '../profile/profile-record.ts';
import type { VaultJournal } from '../state/vault-journal.ts';
import { ChunkFetcher } from '../transfer/chunk-fetcher.ts';
import { ChunkSender } from '../transfer/chunk-sender.ts';
import { FileDownloader } from '../transfer/file-downloader.ts';
import { FileUploader } from '../transfer/file-uploader.ts';
import { OpenThread } from '../transfer/open-thread.ts';
import { UploadThread } from '../transfer/upload-thread.ts';
import type { UploaderOptions } from '../uploader.ts';

export interface TransferDeps {
  readonly record: ProfileRecord;
  readonly keys: Pick<DeviceKeys, 'dedup'>;
  readonly chunkKeys: ReadonlyMap<number, ChunkKeys>;
  readonly connections: Connections;
  readonly journal: VaultJournal;
  readonly clock: Clock;
  readonly random: Random;
}

const compressionLevel = 3;

/** Lanes and senders for one vault. The caller disposes it. */
export function openUploader(deps: TransferDeps, { lanes = 1, onProgress }: UploaderOptions): FileUploader {
  const { record, journal, clock, random } = deps;
  const newest = newestDedup(deps);
  const setup = { cutKey: journal.cutKey(), dedupSecret: newest.secret, compressionLevel };
  return new FileUploader(
    {
      startLane: (handlers) => new UploadThread({ setup, ...handlers }),
      sender: new ChunkSender({ clock, put: (frames, signal) => put(deps, { kind: 'chunk', frames }, signal) }),
      segmentSender: new ChunkSender({
        clock,
        put: (frames, signal) => put(deps, { kind: 'segment', frames }, signal),
      }),
      has: (ids) => hasChunks(deps, ids),
      account: record.account,
      form: journal.kind === 'home' ? 'home' : 'shared',
      keys: newest.keys,
      dedupGeneration: newest.g,
      clock,
      random,
    },
    { lanes, compressionLevel, onProgress },
  );
}

/** The caller disposes it. */
export function openDownloader(deps: TransferDeps, options: DownloaderOptions): FileDownloader {
  const { connections, record, keys, chunkKeys, journal } = deps;
  const fetcher = new ChunkFetcher({
    threads: Array.from({ length: options.lanes ?? 1 }, () => new OpenThread({ dedup: keys.dedup })),
    get: (uploader, wanted, onFrame, signal) =>
      connections.run(
        'download',
        async (connection) => {
          const ids = wanted();
          if (ids.byteLength === 0) return;
          const { data } = await connection.request('chunk.get', { vault: journal.vault, uploader, ids }, { signal });
          for await (const frame of data) onFrame(frame);
        },
        signal,
      ),
  });
  return new FileDownloader({ fetcher, owner: record.account, keys: chunkKeys }, options);
}

/** A request's DATA of one frame. */
export async function* oneFrame(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

interface Put {
  readonly kind: 'chunk' | 'segment';
  readonly frames: () => AsyncIterable<DataBatch>;
}

async function put({ connections, journal }: TransferDeps, { kind, frames }: Put, signal: AbortSignal): Promise<void> {
  const message = { vault: journal.vault, kind };
  await connections.run(
    'upload',
    (connection) => connection.request('chunk.put', message, { data: frames(), signal }),
    signal,
  );
}

/** One byte for each of at most 4,096 ids: 1 when the own upload is there. */
export async function hasChunks(
  { connections, journal }: Pick<TransferDeps, 'connections' | 'journal'>,
  ids: Uint8Array,
): Promise<Uint8Array> {
  const { response } = await connections.run('control', (connection) =>
    connection.request('chunk.has', { vault: journal.vault, ids }),
  );
  return Uint8Array.from(
    { length: ids.byteLength / 32 },
    (_, bit) => ((response.present[bit >> 3] ?? 0) >> (bit & 7)) & 1,
  );
}

function newestDedup({ keys, chunkKeys }: TransferDeps): { g: number; secret: Uint8Array; keys: ChunkKeys } {
  const newest = keys.dedup.at(-1);
  const chunk = newest === undefined ? undefined : chunkKeys.get(newest.g);
  if (newest === undefined || chunk === undefined) throw new TypeError('a device holds no dedup secret');
  return { ...newest, keys: chunk };
}

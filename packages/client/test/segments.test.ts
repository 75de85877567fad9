import { describe, expect, test } from '@jest/globals';
import { idKey, splitBytes, systemRandom } from '@coffer/core';
import type { IdKey } from '@coffer/core';
import { ChunkKeys, hashPlain, openChunk } from '@coffer/crypto';
import { contentBytes, isSegmented, parseSegment, segmentId } from '@coffer/journal';
import type { Content } from '@coffer/journal';
import type { ChunkFetcher, WantedChunk } from '../src/transfer/chunk-fetcher.ts';
import type { ChunkRecord } from '../src/transfer/chunk-records.ts';
import { FileDownloader } from '../src/transfer/file-downloader.ts';
import { buildContent } from '../src/transfer/uploaded-content.ts';
import { codeOf } from './support/code-of.ts';

const account = systemRandom.bytes(16);
const keys = ChunkKeys.from(systemRandom.bytes(32));

describe('a file of more chunks than an operation lists', () => {
  test('has segments that name every chunk, and comes back in order, holes left out', async () => {
    const server = new Stored();
    const records = [...chunks(1500), { kind: 'hole', bytes: 1_000_000 } as const, ...chunks(1000)];
    const uploaded = await build(records, server);
    const { content, segments } = uploaded;
    if (!isSegmented(content)) throw new TypeError('it has no segments');
    expect(contentBytes(content)).toBe(2500 * 4 + 1_000_000);
    expect(uploaded.chunks).toEqual([]);
    expect(segments.map(idKey)).toEqual([...server.segments.keys()].toSorted());
    const named = [...server.segments.values()].flatMap((payload) =>
      parseSegment(payload).chunks.flatMap(({ ids }) => splitBytes(ids, 32).map(idKey)),
    );
    const own = records.flatMap((record) => (record.kind === 'chunk' ? [idKey(record.id)] : []));
    expect(new Set(own).isSubsetOf(new Set(named))).toBe(true);
    expect(await offsets(content, server)).toEqual(expectedOffsets(records));
  });

  test('an edit changes one or two segments, and the hash', async () => {
    const server = new Stored();
    const records = chunks(12_000);
    const before = await build(records, server);
    const after = await build(records.toSpliced(6000, 1, ...chunks(1)), server);
    const same = new Set(before.segments.map(idKey)).intersection(new Set(after.segments.map(idKey)));
    expect(before.segments.length - same.size).toBeLessThanOrEqual(2);
    expect(after.contentHash).not.toEqual(before.contentHash);
  });

  test('a hole alone at the end belongs to the run before it', async () => {
    const server = new Stored();
    const records = [...chunks(2048), { kind: 'hole', bytes: 70_000 } as const];
    const { content } = await build(records, server);
    expect(await offsets(content, server)).toEqual(expectedOffsets(records));
  });

  test('a list that is not what the operation says is INTEGRITY', async () => {
    const server = new Stored();
    const { content } = await build(chunks(2000), server);
    if (!isSegmented(content)) throw new TypeError('it has no segments');
    const [[segment, list, bytes, count], ...rest] = content[1] as [(typeof content)[1][number]];
    const wrong: Content = ['seg', [[segment, list, bytes, count - 1], ...rest]];
    expect(await codeOf(offsets(wrong, server))).toBe('INTEGRITY');
  });
});

/** Chunks of four bytes; only their hashes and ids matter here. */
function chunks(count: number): ChunkRecord[] {
  return Array.from({ length: count }, () => {
    const plainHash = hashPlain(systemRandom.bytes(4));
    return { kind: 'chunk', plainHash, id: keys.id(plainHash), plainBytes: 4, storedBytes: 60 };
  });
}

/** What would lie on a server. */
class Stored {
  readonly chunks = new Map<IdKey, Uint8Array>();
  readonly segments = new Map<IdKey, Uint8Array>();
}

async function build(records: readonly ChunkRecord[], server: Stored) {
  return buildContent(
    { job: 1, ok: true, size: 0, mtime: [0, 0], mode: 0o644, records, bytesSent: 0 },
    {
      form: 'home',
      account,
      keys,
      dedupGeneration: 0,
      random: systemRandom,
      level: 3,
      send: (frame) => void server.chunks.set(idKey(frame.subarray(0, 32)), frame.subarray(32)),
      sendSegments: async (frames) => {
        for (const frame of frames) {
          const payload = frame.subarray(32);
          expect(segmentId(payload)).toEqual(Uint8Array.from(frame.subarray(0, 32)));
          server.segments.set(idKey(frame.subarray(0, 32)), payload);
        }
        return Promise.resolve();
      },
    },
  );
}

/** Where the downloader writes each chunk; lists are opened for real, contents are four zeros. */
async function offsets(content: Content, server: Stored): Promise<number[]> {
  const fetch = ({ id, item }: WantedChunk) => {
    const sealed = server.chunks.get(idKey(id));
    const { plainHash, plainBytes, storedBytes } = item;
    const tuple = [plainHash, plainBytes, storedBytes] as const;
    const bytes = sealed === undefined ? new Uint8Array(4) : openChunk({ id, key: keys.key(plainHash), sealed, tuple });
    return Promise.resolve({ bytes, release: () => undefined });
  };
  const fetcher = {
    fetch,
    bytesReceived: 0,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  } as unknown as ChunkFetcher;
  await using downloader = new FileDownloader({ fetcher, owner: account, keys: new Map([[0, keys]]) });
  const written: number[] = [];
  await downloader.download(content, (offset) => void written.push(offset));
  return written;
}

function expectedOffsets(records: readonly ChunkRecord[]): number[] {
  const expected: number[] = [];
  let at = 0;
  for (const record of records) {
    if (record.kind === 'chunk') expected.push(at);
    at += record.kind === 'chunk' ? record.plainBytes : record.bytes;
  }
  return expected;
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { concatBytes } from '@coffer/core';
import type { Attack } from './attack.ts';
import { refused } from './attack.ts';
import type { SentChunk } from './lies.ts';
import { flipped, lieInChunks, lieInHandlers } from './lies.ts';

type Chunks = readonly SentChunk[];

/** Chunks exchanged, altered, cut, dropped, repeated. */
export const contentAttacks: readonly Attack[] = [
  {
    name: 'the content of another chunk under every id',
    brief: true,
    lie: () => lieInChunks(rotated),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'chunks in the wrong order',
    lie: () => lieInChunks((chunks) => (chunks.length < 2 ? chunks : chunks.toReversed())),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'a bit of each chunk flipped',
    brief: true,
    lie: ({ seeded }) => lieInChunks((chunks) => chunks.map((chunk) => altered(chunk, flipIn(seeded.next())))),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'a bit of the last chunk flipped',
    lie: () =>
      lieInChunks((chunks) => [...chunks.slice(0, -1), ...chunks.slice(-1).map((one) => altered(one, flipIn(1)))]),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'chunks cut short',
    lie: () => lieInChunks((chunks) => chunks.map((chunk) => altered(chunk, (sealed) => sealed.subarray(0, -1)))),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'chunks with bytes added',
    lie: () =>
      lieInChunks((chunks) =>
        chunks.map((chunk) => altered(chunk, (sealed) => concatBytes(sealed, new Uint8Array(16)))),
      ),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'noise instead of chunks',
    lie: ({ seeded }) =>
      lieInChunks((chunks) => chunks.map((chunk) => altered(chunk, ({ byteLength }) => seeded.bytes(byteLength)))),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'the first chunk left out',
    lie: () => lieInChunks((chunks) => chunks.slice(1)),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'the last chunk left out',
    lie: () => lieInChunks((chunks) => chunks.slice(0, -1)),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'no chunks at all',
    lie: () => lieInChunks(() => []),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'each chunk twice',
    lie: () => lieInChunks((chunks) => chunks.flatMap((chunk) => [chunk, chunk])),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'one chunk more than asked for',
    lie: () => lieInChunks((chunks) => [...chunks, ...chunks.slice(0, 1)]),
    outcome: { kind: 'complete' },
  },
  {
    name: 'chunks that were altered when they were stored',
    lie: () =>
      lieInHandlers((honest) => ({
        'chunk.put': (request, call) => honest['chunk.put'](request, { ...call, data: spoiled(call.data) }),
      })),
    act: async ({ victim, scratch, seeded }) => {
      mkdirSync(scratch);
      writeFileSync(join(scratch, 'spoiled'), seeded.bytes(100_000));
      await victim.device.json(['put', join(scratch, 'spoiled'), '/']);
      return await victim.device.run(['get', '/spoiled', join(scratch, 'back'), '--json']);
    },
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'altered chunks under `cat`',
    lie: () => lieInChunks(rotatedOrFlipped),
    act: ({ victim }) => victim.device.run(['cat', victim.small, '--json']),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'altered chunks under `verify`',
    lie: () => lieInChunks(rotatedOrFlipped),
    act: ({ victim }) => victim.device.run(['verify', '/', '--json']),
    outcome: refused('INTEGRITY'),
  },
];

/** Every id gets the bytes of the next; a chunk that is alone gets those of nobody. */
function rotated(chunks: Chunks): Chunks {
  return chunks.map(({ id }, index) => ({
    id,
    sealed: chunks[(index + 1) % chunks.length]?.sealed ?? new Uint8Array(0),
  }));
}

function rotatedOrFlipped(chunks: Chunks): Chunks {
  return chunks.length > 1 ? rotated(chunks) : chunks.map((chunk) => altered(chunk, flipIn(0.5)));
}

function altered({ id, sealed }: SentChunk, change: (sealed: Uint8Array) => Uint8Array): SentChunk {
  return { id, sealed: change(sealed) };
}

/** The bit that lies at this share of the whole. */
function flipIn(share: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => flipped(bytes, Math.min(bytes.byteLength * 8 - 1, Math.floor(share * bytes.byteLength * 8)));
}

async function* spoiled(data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const frame of data) yield flipped(frame, frame.byteLength * 8 - 1);
}

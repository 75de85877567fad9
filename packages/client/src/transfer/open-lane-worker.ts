import { parentPort, workerData } from 'node:worker_threads';
import { isCofferError } from '@coffer/core';
import { ChunkKeys, openChunk } from '@coffer/crypto';
import type { OpenLaneSetup, OpenReply, OpenRequest, SealedItem } from './open-lane-messages.ts';

/** Thread that opens chunks: sealed bytes in, plain bytes out, nothing kept. */
const port = parentPort;
if (port === null) throw new TypeError('an opening lane runs in a worker thread');

const keys = new Map((workerData as OpenLaneSetup).dedup.map(({ g, secret }) => [g, ChunkKeys.from(secret)]));

port.on('message', (request: OpenRequest) => {
  const reply = openAll(request);
  port.postMessage(reply, [reply.sealed, reply.plain]);
});

function openAll({ batch, buffer, items }: OpenRequest): OpenReply {
  const total = items.reduce((sum, { plainBytes }) => sum + plainBytes, 0);
  const plain = new Uint8Array(total);
  const ends: number[] = [];
  let used = 0;
  for (const item of items) {
    const opened = open(new Uint8Array(buffer, item.start, item.end - item.start), item);
    if (opened !== undefined) {
      plain.set(opened, used);
      used += opened.byteLength;
    }
    ends.push(opened === undefined ? -1 : used);
  }
  return { batch, sealed: buffer, plain: plain.buffer, ends };
}

/** `sealed` is `id ‖ sealed chunk`; the id was compared with the one asked for. */
function open(sealed: Uint8Array, { plainHash, plainBytes, storedBytes, g }: SealedItem): Uint8Array | undefined {
  const chunkKeys = keys.get(g);
  if (chunkKeys === undefined) return undefined;
  try {
    const tuple = [plainHash, plainBytes, storedBytes] as const;
    return openChunk({ id: sealed.subarray(0, 32), key: chunkKeys.key(plainHash), sealed: sealed.subarray(32), tuple });
  } catch (error) {
    if (isCofferError(error)) return undefined;
    throw error;
  }
}

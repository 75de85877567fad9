import { parentPort, workerData } from 'node:worker_threads';
import { isCofferError, MiB } from '@coffer/core';
import { ChunkKeys, openChunk } from '@coffer/crypto';
import type { OpenLaneSetup, OpenReply, OpenRequest, SealedItem } from './open-lane-messages.ts';
import { KnownSlots } from './shared-slots.ts';
import { YoungCollector } from './young-collector.ts';

/** Thread that opens chunks: sealed bytes in, plain bytes out, nothing kept. */
const port = parentPort;
if (port === null) throw new TypeError('an opening lane runs in a worker thread');

const keys = new Map((workerData as OpenLaneSetup).dedup.map(({ g, secret }) => [g, ChunkKeys.from(secret)]));
const slots = { sealed: new KnownSlots(), plain: new KnownSlots() };

const collector = new YoungCollector(8 * MiB);

port.on('message', (request: OpenRequest) => {
  port.postMessage(openAll(request));
  collector.passed(request.items.reduce((sum, { plainBytes }) => sum + plainBytes, 0));
});

function openAll({ batch, sealed, plain, items }: OpenRequest): OpenReply {
  const from = slots.sealed.bytes(sealed);
  const to = slots.plain.bytes(plain);
  let used = 0;
  const ends = items.map((item) => {
    const opened = open(from.subarray(item.start, item.end), item);
    if (opened === undefined) return -1;
    to.set(opened, used);
    used += opened.byteLength;
    return used;
  });
  return { batch, ends };
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

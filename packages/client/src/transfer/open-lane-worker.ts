import { parentPort, workerData } from 'node:worker_threads';
import { GarbageCollector, isCofferError, MiB } from '@coffer/core';
import { ChunkKeys, openChunkInto } from '@coffer/crypto';
import { FileLayer } from './file-layer.ts';
import type { OpenLaneSetup, OpenReply, OpenRequest, SealedItem } from './open-lane-messages.ts';
import { KnownSlots } from './shared-slots.ts';

/** Thread that opens chunks, and lays small files down: sealed bytes in, plain bytes or files out, nothing kept. */
const port = parentPort;
if (port === null) throw new TypeError('an opening lane runs in a worker thread');

const keys = new Map((workerData as OpenLaneSetup).dedup.map(({ g, secret }) => [g, ChunkKeys.from(secret)]));
const slots = { sealed: new KnownSlots(), plain: new KnownSlots() };

const layer = new FileLayer();
const collector = new GarbageCollector({ everyBytes: 8 * MiB, what: 'young' });

port.on('message', (request: OpenRequest) => {
  port.postMessage(openAll(request));
  collector.passed(request.items.reduce((sum, { plainBytes }) => sum + plainBytes, 0));
});

function openAll({ batch, sealed: sealedRef, plain, items }: OpenRequest): OpenReply {
  const from = slots.sealed.bytes(sealedRef);
  const to = slots.plain.bytes(plain);
  const ends: number[] = [];
  const laid: OpenReply['laid'][number][] = [];
  let used = 0;
  for (const item of items) {
    const isOpen = open({ sealed: from.subarray(item.start, item.end), item }, to, used);
    const end = used + item.plainBytes;
    laid.push(isOpen && item.place !== undefined ? layer.lay(to.subarray(used, end), item.place) : undefined);
    ends.push(isOpen ? end : -1);
    if (isOpen) used = end;
  }
  return { batch, ends, laid };
}

/** `sealed` is `id ‖ sealed chunk`; the id was compared with the one asked for. False when it does not open. */
function open({ sealed, item }: { sealed: Uint8Array; item: SealedItem }, to: Uint8Array, offset: number): boolean {
  const { plainHash, plainBytes, storedBytes, by } = item;
  const key = 'key' in by ? by.key : keys.get(by.g)?.key(plainHash);
  if (key === undefined) return false;
  try {
    const tuple = [plainHash, plainBytes, storedBytes] as const;
    openChunkInto({ id: sealed.subarray(0, 32), key, sealed: sealed.subarray(32), tuple }, to, offset);
    return true;
  } catch (error) {
    if (isCofferError(error)) return false;
    throw error;
  }
}

import { expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { CofferError, systemClock, systemRandom, toHex } from '@coffer/core';
import { ChunkKeys } from '@coffer/crypto';
import type { DataBatch } from '@coffer/protocol';
import { ChunkSender } from '../src/transfer/chunk-sender.ts';
import { packResults } from '../src/transfer/chunk-records.ts';
import { FileUploader } from '../src/transfer/file-uploader.ts';
import type { LaneReply, LaneRequest, PackedResults } from '../src/transfer/lane-messages.ts';

/** A lane in the hands of the test: what it was told, and what it says. */
interface ScriptedLane {
  readonly told: LaneRequest[];
  readonly say: (reply: LaneReply) => void;
  readonly fail: (error: CofferError) => void;
}

function scripted(): { uploader: FileUploader; lanes: ScriptedLane[]; sent: string[] } {
  const [lanes, sent]: [ScriptedLane[], string[]] = [[], []];
  const put = async (batches: () => AsyncIterable<DataBatch>): Promise<void> => {
    for await (const { frames } of batches()) {
      for (const [frame] of frames as (readonly Uint8Array[])[]) sent.push(toHex(frame!.subarray(0, 32)));
    }
  };
  const uploader = new FileUploader(
    {
      startLane: ({ onReply, onFailure }) => {
        const told: LaneRequest[] = [];
        lanes.push({ told, say: onReply, fail: onFailure });
        return { post: (request) => told.push(request), [Symbol.asyncDispose]: () => Promise.resolve() };
      },
      sender: new ChunkSender({ put, clock: systemClock }),
      segmentSender: new ChunkSender({ put, clock: systemClock }),
      has: (ids) => Promise.resolve(new Uint8Array(ids.byteLength / 32)),
      account: randomBytes(16),
      form: 'home',
      keys: ChunkKeys.from(randomBytes(32)),
      dedupGeneration: 0,
      clock: systemClock,
      random: systemRandom,
    },
    { lanes: 2, compressionLevel: 3, onProgress: undefined },
  );
  return { uploader, lanes, sent };
}

function resultOf(job: number, id: Uint8Array): PackedResults {
  const record = { kind: 'chunk', plainHash: randomBytes(32), id, plainBytes: 5, storedBytes: 90 } as const;
  return packResults([{ job, ok: true, size: 5, mtime: [0, 0], mode: 0o644, records: [record], bytesSent: 0 }]);
}

/** Two files of the same content on two lanes: the first lane is to seal the chunk, the second is done at once. */
async function sharedChunk() {
  const { uploader, lanes, sent } = scripted();
  const [id, [one, two]] = [randomBytes(32), lanes];
  if (one === undefined || two === undefined) throw new Error('two lanes were asked for');
  const uploads = [
    uploader.upload({ path: 'first', size: 100 }).catch((error: unknown) => error),
    uploader.upload({ path: 'second', size: 5 }),
  ] as const;
  one.say({ kind: 'ask', batch: 1, ids: Uint8Array.from(id) });
  two.say({ kind: 'ask', batch: 1, ids: Uint8Array.from(id) });
  await setTimeout(5);
  expect(one.told).toContainEqual({ kind: 'present', batch: 1, present: Uint8Array.of(0) });
  expect(two.told).toContainEqual({ kind: 'present', batch: 1, present: Uint8Array.of(1) });
  two.say({ kind: 'results', results: resultOf(2, id) });
  await uploads[1];
  return { uploader, one, id, sent, first: uploads[0] };
}

test('a flush waits for chunks that another lane still has to seal', async () => {
  const { uploader, one, id, sent, first } = await sharedChunk();
  await using _ = uploader;
  let isFlushed = false;
  const flushed = uploader.flush().then(() => (isFlushed = true));
  await setTimeout(50);
  expect([isFlushed, sent]).toEqual([false, []]);

  const memory = new SharedArrayBuffer(122);
  new Uint8Array(memory).set([...id, ...randomBytes(90)]);
  one.say({ kind: 'sealed', ref: { index: 0, memory }, ends: [122], results: resultOf(1, id) });
  await flushed;
  expect(sent).toEqual([id.toString('hex')]);
  expect(await first).toMatchObject({ size: 5 });
});

test('a flush that waits for a lane ends when the lane fails, or the uploader is ended', async () => {
  const failing = await sharedChunk();
  const flushed = failing.uploader.flush().catch((error: unknown) => error);
  failing.one.fail(new CofferError('INTERNAL', 'the lane died'));
  expect(await flushed).toMatchObject({ code: 'INTERNAL' });
  await failing.uploader[Symbol.asyncDispose]();

  const ended = await sharedChunk();
  const cancelled = ended.uploader.flush().catch((error: unknown) => error);
  await ended.uploader[Symbol.asyncDispose]();
  expect(await cancelled).toMatchObject({ code: 'CANCELLED' });
});

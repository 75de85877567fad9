/**
 * Question: does bulk DATA pass the codec and a whole connection at 1 GB/s and more, beside a plain copy of the bytes?
 * `node_modules/.bin/tsx --conditions=source packages/protocol/bench/codec.bench.ts [NAME]`
 *
 * Rates are the best of seven interleaved rounds (machines are shared). Pieces are as TLS gives them: 16 KiB.
 */
import { randomBytes } from 'node:crypto';
import { encodeCbor, KiB, MiB, silentLogger, systemClock, systemRandom } from '@coffer/core';
import { operationOf, ServerConnection, type OperationName } from '@coffer/protocol';
import { fakeHandlers } from '@coffer/protocol/testing';
import { FrameDecoder } from '../src/frame-decoder.ts';
import { FrameKind } from '../src/frame-kind.ts';
import { encodeFrame } from '../src/frame.ts';
import { sessionHandlers } from '../test/session-fixture.ts';
import { BenchTransport } from './bench-transport.ts';

const size = 256 * MiB;
const tlsRecordBytes = 16 * KiB;
const rounds = 7;
const id = new Uint8Array(32).fill(1);
const noise = new Uint8Array(randomBytes(4 * MiB));
const short = id.subarray(16);
const proofFrames = [
  requestFrame(1, 'session.hello', { protocol: 1, client: 'bench', role: 'bulk' }),
  requestFrame(3, 'session.challenge', { account: short, device: short }),
  requestFrame(5, 'session.prove', { signature: new Uint8Array(64) }),
];
const putFrame = requestFrame(7, 'chunk.put', { vault: id, kind: 'chunk' });
const getFrame = requestFrame(7, 'chunk.get', { vault: id, uploader: short, ids: id });
let sink = 0;

const works: Readonly<Record<string, () => number | Promise<number>>> = {
  'copy, 1 MiB': () => copy(MiB),
  'decode 1 MiB frames, pieces of 16 KiB': () => decode(MiB, tlsRecordBytes),
  'decode 1 MiB frames, pieces of 64 KiB': () => decode(MiB, 4 * tlsRecordBytes),
  'decode 4 MiB frames, pieces of 16 KiB': () => decode(4 * MiB, tlsRecordBytes),
  'decode 18 KiB frames, pieces of 16 KiB': () => decode(18 * KiB, tlsRecordBytes),
  'decode 1 KiB frames, pieces of 16 KiB': () => decode(KiB, tlsRecordBytes),
  'server receives frames of 1 MiB': () => receive(MiB),
  'server receives frames of 18 KiB': () => receive(18 * KiB),
  'server sends frames of 1 MiB': () => send(MiB),
  'server sends frames of 18 KiB': () => send(18 * KiB),
};

const [wanted = ''] = process.argv.slice(2);
const best = new Map<string, number>();
for (let round = 0; round < rounds; round += 1) {
  for (const [name, work] of Object.entries(works)) {
    if (!name.includes(wanted)) continue;
    const start = systemClock.monotonicMs();
    const bytes = await work();
    const rate = bytes / (systemClock.monotonicMs() - start) / 1000;
    best.set(name, Math.max(best.get(name) ?? 0, rate));
  }
}
console.log(`${process.version} ${process.arch}`);
for (const [name, rate] of best) console.log(`${name.padEnd(44)} ${rate.toFixed(0).padStart(7)} MB/s`);
if (sink < 0) console.log(sink);

function copy(bytes: number): number {
  for (let done = 0; done < size; done += bytes) sink += Buffer.from(noise.subarray(0, bytes)).byteLength;
  return size;
}

function decode(frameBytes: number, pieceBytes: number): number {
  const frame = encodeFrame({ kind: FrameKind.data, op: 0, stream: 1 }, noise.subarray(0, frameBytes));
  const pieces = cutInto(frame, pieceBytes);
  const decoder = new FrameDecoder({ controlBytes: 4096, dataBytes: 5 * MiB });
  const bytes = Math.min(size, frameBytes * 50_000);
  for (let done = 0; done < bytes; done += frame.byteLength) {
    for (const piece of pieces) {
      decoder.feed(piece);
      for (let next = decoder.next(); next !== undefined; next = decoder.next()) sink += next.payload.byteLength;
    }
  }
  return bytes;
}

/** A server that gets `chunk.put` from a transport that costs nothing. */
async function receive(chunkBytes: number): Promise<number> {
  const frame = encodeFrame({ kind: FrameKind.data, op: 0, stream: 7 }, noise.subarray(0, chunkBytes));
  const transport = new BenchTransport([...proofFrames, putFrame], {
    pieces: cutInto(frame, tlsRecordBytes),
    times: Math.ceil(size / chunkBytes),
  });
  await serve(transport, chunkBytes);
  return size;
}

/** A server that answers `chunk.get` to a transport that costs nothing. */
async function send(chunkBytes: number): Promise<number> {
  const transport = new BenchTransport([...proofFrames, getFrame]);
  await serve(transport, chunkBytes);
  return transport.writtenBytes;
}

async function* chunks(bytes: number): AsyncGenerator<readonly Uint8Array[], void, undefined> {
  const parts = [id, noise.subarray(0, bytes)];
  for (let done = 0; done < size; done += bytes) yield parts;
}

async function serve(transport: BenchTransport, chunkBytes: number): Promise<void> {
  ServerConnection.serve(transport, {
    handlers: fakeHandlers<null>({
      ...sessionHandlers,
      'chunk.put': async (_request, { data }) => {
        for await (const payload of data) sink += payload.byteLength;
        return { stored: 0, duplicates: 0, bytes: 0 };
      },
      'chunk.get': async () => ({ response: {}, data: limited(chunks(chunkBytes)) }),
    }),
    context: null,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
  await transport.closed;
}

function requestFrame(stream: number, op: OperationName, message: unknown): Uint8Array {
  return encodeFrame({ kind: FrameKind.request, op: operationOf(op).code, stream }, encodeCbor(message));
}

/** As many frames as one `chunk.get` may answer. */
async function* limited<Item>(items: AsyncGenerator<Item, void, undefined>) {
  let left = 4096;
  for await (const item of items) {
    if (left <= 0) return;
    left -= 1;
    yield item;
  }
}

/** Each in memory of its own, as sockets give them. */
function cutInto(bytes: Uint8Array, pieceBytes: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) pieces.push(bytes.slice(at, at + pieceBytes));
  return pieces;
}

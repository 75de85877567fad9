import { concatBytes, decodeCbor, encodeCbor } from '@coffer/core';
import type { Attack } from './attack.ts';
import { refused, unintelligible } from './attack.ts';
import { lieInFrames } from './lies.ts';
import type { ChangeFrame } from './lies.ts';

/** Kinds of frames (PROTOCOL §Frame). */
const [response, data, end] = [2, 4, 5];
/** Frames smaller than this are no chunks of files here. */
const smallestChunk = 500;

/** Frames cut, counted wrongly, in the wrong order, never ended. */
export const frameAttacks: readonly Attack[] = [
  {
    name: 'an END that counts more frames than came',
    brief: true,
    lie: () => lieInFrames(() => (frame, kind) => [kind === end ? recounted(frame, { frames: 1, bytes: 0 }) : frame]),
    outcome: unintelligible,
  },
  {
    name: 'an END that counts other bytes than came',
    lie: () => lieInFrames(() => (frame, kind) => [kind === end ? recounted(frame, { frames: 0, bytes: -1 }) : frame]),
    outcome: unintelligible,
  },
  {
    name: 'a chunk that lost its last byte on the way',
    lie: () =>
      lieInFrames(() => (frame, kind) => [
        isChunk(frame, kind) ? payloadOf(frame, (all) => all.subarray(0, -1)) : frame,
      ]),
    outcome: unintelligible,
  },
  {
    name: 'chunks without content, and an END that fits',
    lie: () => lieInFrames(emptied),
    outcome: refused('INTEGRITY'),
  },
  {
    name: 'no END, once: the line is closed in its place',
    lie: () => lieInFrames(onceInAll((frame, kind) => (kind === end ? 'close' : [frame]))),
    outcome: { kind: 'complete' },
  },
  {
    name: 'the line closed after the first chunk, once',
    lie: () => lieInFrames(onceInAll((frame, kind) => (isChunk(frame, kind) ? 'close' : [frame]))),
    outcome: { kind: 'complete' },
  },
  {
    name: 'END before the DATA',
    lie: () =>
      lieInFrames(() => {
        const held: Uint8Array[] = [];
        return (frame, kind) => {
          if (kind === data) held.push(frame);
          else if (kind === end) return [frame, ...held.splice(0)];
          else return [frame];
          return [];
        };
      }),
    outcome: unintelligible,
  },
  {
    name: 'an answer twice',
    lie: () => lieInFrames(() => (frame, kind) => (kind === response ? [frame, frame] : [frame])),
    outcome: unintelligible,
  },
  {
    name: 'a frame of four gigabytes',
    lie: () => lieInFrames(() => (frame, kind) => [kind === data ? withLength(frame, 0xffffffff) : frame]),
    outcome: unintelligible,
  },
  {
    name: 'DATA of a stream that nobody opened',
    lie: () => lieInFrames(() => (frame, kind) => (kind === data ? [ofStream(frame, 4001)] : [frame])),
    outcome: unintelligible,
  },
  {
    name: 'messages that do not parse',
    lie: () =>
      lieInFrames(() => (frame, kind) => [
        kind === response ? payloadOf(frame, (all) => all.map((byte) => byte ^ 0xff)) : frame,
      ]),
    outcome: unintelligible,
  },
  {
    name: 'an error in place of every chunk',
    lie: () => lieInFrames(() => (frame, kind) => [isChunk(frame, kind) ? asError(frame) : frame]),
    outcome: refused('INTEGRITY'),
  },
];

function isChunk(frame: Uint8Array, kind: number): boolean {
  return kind === data && frame.byteLength > smallestChunk;
}

/** Of each chunk only its id. */
function emptied(): ChangeFrame {
  let lostBytes = 0;
  return (frame, kind) => {
    if (isChunk(frame, kind)) {
      lostBytes += frame.byteLength - 12 - 32;
      return [payloadOf(frame, (all) => all.subarray(0, 32))];
    }
    if (kind !== end) return [frame];
    const counted = recounted(frame, { frames: 0, bytes: -lostBytes });
    lostBytes = 0;
    return [counted];
  };
}

/** The change happens until it did something, on whichever connection; afterwards all is honest. */
function onceInAll(change: ChangeFrame): () => ChangeFrame {
  let isDone = false;
  return () => (frame, kind) => {
    if (isDone) return [frame];
    const changed = change(frame, kind);
    isDone = changed === 'close';
    return changed;
  };
}

function recounted(frame: Uint8Array, add: { readonly frames: number; readonly bytes: number }): Uint8Array {
  const counted = decodeCbor(frame.subarray(12)) as { frames: number; bytes: number };
  const changed = { frames: counted.frames + add.frames, bytes: Math.max(0, counted.bytes + add.bytes) };
  return payloadOf(frame, () => encodeCbor(changed));
}

function asError(frame: Uint8Array): Uint8Array {
  const message = { code: 'INTEGRITY', message: 'your data is damaged', retryable: false };
  const error = payloadOf(frame, () => encodeCbor(message));
  error[4] = 3;
  return error;
}

function payloadOf(frame: Uint8Array, change: (payload: Uint8Array) => Uint8Array): Uint8Array {
  const payload = change(frame.subarray(12));
  return withLength(concatBytes(frame.subarray(0, 12), payload), payload.byteLength);
}

function withLength(frame: Uint8Array, length: number): Uint8Array {
  const copy = frame.slice();
  new DataView(copy.buffer).setUint32(0, length);
  return copy;
}

function ofStream(frame: Uint8Array, stream: number): Uint8Array {
  const copy = frame.slice();
  new DataView(copy.buffer).setUint32(8, stream);
  return copy;
}

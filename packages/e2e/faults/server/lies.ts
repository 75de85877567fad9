import { concatBytes } from '@coffer/core';
import type { Hash } from '@coffer/core';
import { payloadsOf } from '@coffer/protocol';
import type { DataSource, Handlers, Transport } from '@coffer/protocol';
import type { Interposer } from '@coffer/server';

/** An answer to `vault.pull`. */
export interface Pulled {
  /** What the client asked for. */
  readonly after: number;
  readonly seq: number;
  readonly head: Hash;
  /** Each `receivedAt(u64) ‖ commit`. */
  readonly frames: readonly Uint8Array[];
}

/** A DATA frame of `chunk.get`. */
export interface SentChunk {
  readonly id: Uint8Array;
  readonly sealed: Uint8Array;
}

/** A server that answers some operations in its own way. */
export function lieInHandlers(change: <Context>(honest: Handlers<Context>) => Partial<Handlers<Context>>): Interposer {
  return { handlers: (honest) => ({ ...honest, ...change(honest) }) };
}

/** A server that changes every journal it shows. */
export function lieInPull(change: (honest: Pulled) => Pulled): Interposer {
  return lieInHandlers((honest) => ({
    'vault.pull': async (request, call) => {
      const { response, data } = await honest['vault.pull'](request, call);
      const { seq, head, frames } = change({ after: request.after, ...response, frames: await gather(data) });
      return { response: { seq, head }, data: give(frames) };
    },
  }));
}

/** As {@link lieInPull}, about the commits alone. */
export function lieInCommits(change: (frames: readonly Uint8Array[]) => readonly Uint8Array[]): Interposer {
  return lieInPull((honest) => ({ ...honest, frames: change(honest.frames) }));
}

/** A server that changes what it sends of contents. */
export function lieInChunks(change: (chunks: readonly SentChunk[]) => readonly SentChunk[]): Interposer {
  return lieInHandlers((honest) => ({
    'chunk.get': async (request, call) => {
      const { response, data } = await honest['chunk.get'](request, call);
      const chunks = (await gather(data)).map((frame) => ({ id: frame.subarray(0, 32), sealed: frame.subarray(32) }));
      return { response, data: give(change(chunks).map(({ id, sealed }) => concatBytes(id, sealed))) };
    },
  }));
}

/** A frame on its way to the client, header included. */
export type ChangeFrame = (frame: Uint8Array, kind: number) => readonly Uint8Array[] | 'close';

/** A server that changes frames, below everything that keeps them in order. One `change` for each connection. */
export function lieInFrames(changeOf: () => ChangeFrame): Interposer {
  return {
    transport: (honest) => {
      const change = changeOf();
      let rest: Uint8Array = new Uint8Array(0);
      return redirected(honest, async (parts) => {
        rest = concatBytes(rest, ...parts);
        for (let frame = firstFrame(rest); frame !== undefined; frame = firstFrame(rest)) {
          rest = rest.slice(frame.byteLength);
          const changed = change(frame, frame[4] ?? 0);
          if (changed === 'close') return await honest.close();
          if (changed.length > 0) await honest.write(changed);
        }
      });
    },
  };
}

/** A bit of the bytes turned over. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

function redirected(honest: Transport, write: Transport['write']): Transport {
  return {
    exporter: honest.exporter,
    closed: honest.closed,
    incoming: honest.incoming,
    write,
    close: () => honest.close(),
    destroy: () => honest.destroy(),
  };
}

function firstFrame(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.byteLength < 12) return undefined;
  const length = 12 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return bytes.byteLength < length ? undefined : bytes.slice(0, length);
}

async function gather(data: DataSource): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const parts of payloadsOf(data))
    frames.push(parts instanceof Uint8Array ? parts.slice() : concatBytes(...parts));
  return frames;
}

async function* give(frames: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* frames;
}

import { decodeCbor, encodeCbor } from '@coffer/core';
import { operationOf, type OperationName } from '@coffer/protocol';
import { createMemoryTransportPair, type MemoryTransport } from '@coffer/protocol/testing';
import { FrameDecoder } from '../src/frame-decoder.ts';
import { FrameKind } from '../src/frame-kind.ts';
import { encodeFrame, type Frame } from '../src/frame.ts';
import { settle } from './manual-clock.ts';
import { helloRequest, id16 } from './session-fixture.ts';

/** One end of a connection that a test plays by hand, frame by frame. */
export class RawPeer {
  readonly transport: MemoryTransport;
  readonly frames: Frame[] = [];
  ended = false;
  #stream = -1;

  constructor(transport: MemoryTransport) {
    this.transport = transport;
    void this.#read();
  }

  /** The frames that came since the last call, when nothing more happens. */
  async received(): Promise<Frame[]> {
    await settle();
    return this.frames.splice(0);
  }

  send(...frames: readonly Partial<Frame>[]): void {
    for (const frame of frames) this.write(frameBytes(frame));
  }

  write(bytes: Uint8Array): void {
    this.transport.write([bytes]).catch(() => undefined);
  }

  /** Sends a REQUEST and gives its stream. */
  request(op: OperationName, message: unknown): number {
    this.#stream += 2;
    this.send(requestFrame(this.#stream, op, message));
    return this.#stream;
  }

  async hello(): Promise<void> {
    this.request('session.hello', helloRequest);
    await this.received();
  }

  async prove(): Promise<void> {
    await this.hello();
    this.request('session.challenge', { account: id16, device: id16 });
    await this.received();
    this.request('session.prove', { signature: new Uint8Array(64) });
    await this.received();
  }

  async #read(): Promise<void> {
    const decoder = new FrameDecoder({ controlBytes: 2 ** 20, dataBytes: 2 ** 23 });
    for await (const bytes of this.transport.incoming) {
      decoder.feed(bytes);
      for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) this.frames.push(frame);
    }
    this.ended = true;
    this.transport.destroy();
  }
}

export function requestFrame(stream: number, op: OperationName, message: unknown): Frame {
  return { kind: FrameKind.request, op: operationOf(op).code, stream, payload: encodeCbor(message) };
}

export function messageFrame(kind: FrameKind, stream: number, message: unknown): Frame {
  return { kind, op: 0, stream, payload: encodeCbor(message) };
}

export function frameBytes({ kind = FrameKind.data, op = 0, stream = 0, payload = new Uint8Array(0) }: Partial<Frame>) {
  return encodeFrame({ kind, op, stream }, payload);
}

/** The message of a frame, as it is. */
export function messageOf(frame: Frame | undefined): unknown {
  return frame === undefined ? undefined : decodeCbor(frame.payload);
}

/** A transport for what is tested, and the peer at its other end. */
export function rawPair(): { readonly peer: RawPeer; readonly transport: MemoryTransport } {
  const [there, here] = createMemoryTransportPair();
  return { peer: new RawPeer(there), transport: here };
}

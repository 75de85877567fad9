import type { FrameKind } from './frame-kind.ts';

/** Bytes before the payload (PROTOCOL §Frame). */
export const frameHeaderBytes = 12;

/** Everything of a frame but its payload. Flags are zero in version 1. */
export interface FrameHeader {
  readonly kind: FrameKind;
  /** Number of the operation or event; 0 in all other kinds. */
  readonly op: number;
  /** Client streams are odd, 0 is the connection itself. */
  readonly stream: number;
}

export interface Frame extends FrameHeader {
  /** May be a view of what was read from the transport: nobody writes to it. */
  readonly payload: Uint8Array;
}

/** The 12 bytes before a payload of `payloadBytes`. */
export function encodeFrameHeader({ kind, op, stream }: FrameHeader, payloadBytes: number): Uint8Array {
  const bytes = new Uint8Array(frameHeaderBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, payloadBytes);
  bytes[4] = kind;
  view.setUint16(6, op);
  view.setUint32(8, stream);
  return bytes;
}

/** A frame in one piece: for small ones, and for tests. */
export function encodeFrame(header: FrameHeader, payload: Uint8Array): Uint8Array {
  const head = encodeFrameHeader(header, payload.byteLength);
  const frame = new Uint8Array(frameHeaderBytes + payload.byteLength);
  frame.set(head);
  frame.set(payload, frameHeaderBytes);
  return frame;
}

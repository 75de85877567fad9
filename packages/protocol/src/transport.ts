/**
 * An ordered, reliable, encrypted pair of byte streams. The protocol knows no sockets: a TLS connection or a pair in
 * memory looks the same to it.
 */
export interface Transport {
  /** Read once. What is given is not written to afterwards. Ends when the peer ends or the connection is lost. Taking none pauses the peer. */
  readonly incoming: AsyncIterable<Uint8Array>;
  /** In the order called; the parts stay untouched until it resolves, which is when there is room for more. Rejects once closed. */
  write(parts: readonly Uint8Array[]): Promise<void>;
  /** Sends what was written, then ends; bounded in time. */
  close(): Promise<void>;
  /** Ends at once. */
  destroy(): void;
  /** Resolves, never rejects, when the connection is gone. */
  readonly closed: Promise<void>;
  /** 32 bytes that only the two ends of this connection know (`EXPORTER-coffer-auth`, RFC 8446 §7.5). */
  readonly exporter: Uint8Array;
}

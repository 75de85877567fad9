import { lp, type AccountId, type DeviceId, type ServerId } from '@coffer/core';

/** What a login or a device's proof is bound to (PROTOCOL §Session). */
export interface AuthFields {
  readonly server: ServerId;
  readonly account: AccountId;
  /** Absent at a login. */
  readonly device?: DeviceId;
  /** The transport's exporter, 32 bytes: the proof is worth nothing on another connection. */
  readonly exporter: Uint8Array;
  /** {@link negotiated} of this connection. */
  readonly negotiated: Uint8Array;
}

/** Both sides compute these bytes for themselves and prove them; a difference in anything makes the proof fail. */
export function authTranscript({ server, account, device, exporter, negotiated: agreed }: AuthFields): Uint8Array {
  return lp('coffer/1 auth transcript', server, account, device ?? new Uint8Array(0), exporter, agreed);
}

/** Everything negotiated: the payloads of `session.hello`, as they were on the wire. */
export function negotiated(helloRequest: Uint8Array, helloResponse: Uint8Array): Uint8Array {
  return lp(helloRequest, helloResponse);
}

/** Label under which a device signs {@link deviceProof}: the signature is over `lp(label, bytes)`, as all are. */
export const deviceProofLabel = 'coffer/1 device proof';

/** What a device signs to prove itself: the challenge in its place. */
export function deviceProof(transcript: Uint8Array, challenge: Uint8Array): Uint8Array {
  return lp(transcript, challenge);
}

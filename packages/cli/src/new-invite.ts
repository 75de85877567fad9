import { sha256 } from '@coffer/core';
import type { Random } from '@coffer/core';
import { encodeInvite } from '@coffer/protocol';
import type { Invite } from '@coffer/protocol';

/** A token for one registration: whoever has it can register, so the server gets its hash alone. */
export interface NewInvite {
  readonly tokenHash: Uint8Array;
  /** The invite to hand over; `server`: what it says of the server. */
  readonly textFor: (server: Pick<Invite, 'host' | 'port' | 'pin' | 'authority'>) => string;
}

/** `username`: who may register with it; undefined: anybody. */
export function newInvite(random: Random, username: string | undefined): NewInvite {
  const token = random.bytes(24);
  return {
    tokenHash: sha256(token),
    textFor: ({ host, port, pin, authority }) =>
      encodeInvite({ v: 1, host, port, pin, ...(authority && { authority }), token, ...(username && { username }) }),
  };
}

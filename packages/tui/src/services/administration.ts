import type { OpenedReset, RequestDetails } from '@coffer/client';

/** What an administrator's screens take from the program: keys and secrets that never leave this machine. */
export interface AdministrationTools {
  /** The text of a new invite, and the hash that the server may know. `username`: who may register with it; undefined: anybody. */
  readonly newInvite: (username: string | undefined) => { readonly text: string; readonly tokenHash: Uint8Array };
  /** @throws NOT_FOUND when the recovery key or an escrow is not there, NOT_ALLOWED, INTEGRITY, REFUSED for a wrong passphrase */
  readonly openReset: (details: RequestDetails, askPassphrase: () => Promise<string>) => Promise<OpenedReset>;
}

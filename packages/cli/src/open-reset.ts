import { CofferError } from '@coffer/core';
import type { Random } from '@coffer/core';
import { canonicalUsername } from '@coffer/storage';
import type { OpenedReset } from '@coffer/client';
import { openAuthority } from './provision/authority.ts';
import { certifiedIdentity, rootKeyForReset, wordsOfReset } from './provision/open-escrow.ts';
import type { ResetToOpen } from './provision/open-escrow.ts';

export interface ResetOpening {
  /** Where the folder with the recovery key lies. */
  readonly home: string;
  readonly random: Random;
  readonly passphrase: () => Promise<string | undefined>;
}

/**
 * A request to set a lost password anew, with the recovery key of this machine: nothing is sealed before `seal` is called.
 * @throws NOT_FOUND without the key, NOT_ALLOWED for keys that the authority never vouched for; INTEGRITY, CONFIG
 */
export async function openReset({ home, random, passphrase }: ResetOpening, reset: ResetToOpen): Promise<OpenedReset> {
  const keys = await openAuthority({ home, server: reset.server }, passphrase);
  if (keys === undefined) throw noRecoveryKey();
  const { username: certified } = certifiedIdentity(reset, keys);
  const { username } = reset.details;
  const known = certified ?? 'no name';
  const warning = `the authority certified these keys for ${known}, and the server says that it is ${username}`;
  return {
    words: wordsOfReset(reset),
    certifiedName: certified ?? undefined,
    warning: certified === tryCanonical(username) ? undefined : warning,
    seal: () => rootKeyForReset(reset, { keys, random }),
  };
}

function noRecoveryKey(): CofferError {
  return new CofferError('NOT_FOUND', 'the recovery key of this server is not on this machine', {
    hint: 'Run it where `coffer admin init` was run, or copy the folder authority into the folder given with --home.',
  });
}

function tryCanonical(username: string): string | undefined {
  try {
    return canonicalUsername(username);
  } catch {
    return undefined;
  }
}

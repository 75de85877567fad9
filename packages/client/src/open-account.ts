import type { Account } from './account.ts';
import type { BandwidthLimits } from './bandwidth/bandwidth-limits.ts';
import type { Dial } from './connection/dial.ts';
import type { GenerationNews } from './connection/generation.ts';
import type { AskPassword } from './profile/keystore.ts';
import type { Profile } from './profile/profile.ts';
import type { BrokenShare } from './sharing/shared-vaults.ts';
import type { Ignored } from './vault.ts';

export interface OpenAccountOptions {
  readonly profile: Profile;
  /** Asked when the keystore wants a password. */
  readonly unlock: AskPassword;
  /** Told of what other devices wrote and nobody can use, whichever call pulled it. */
  readonly onIgnored?: (ignored: Ignored) => void;
  /** Told of what somebody shares and this device cannot use. */
  readonly onBrokenShare?: (broken: BrokenShare) => void;
  /** Called once, when the server goes on in a new generation that the authority vouches for. */
  readonly onGeneration?: (news: GenerationNews) => void;
  /** Called once, when this machine's clock is far from the server's: milliseconds ahead, negative when behind. */
  readonly onClockSkew?: (skewMs: number) => void;
  /** Asked before every piece that goes over a bulk connection; without it nothing is held back. */
  readonly bandwidth?: () => BandwidthLimits;
  /** For those who watch: the server ends a session that is silent for long, unless it is kept. Default false. */
  readonly keepAlive?: boolean;
  readonly signal?: AbortSignal;
}

/** The account that is logged in here; the server is not needed for it. @throws NOT_LOGGED_IN, REFUSED for a wrong password, DAMAGED */
export async function openAccount(options: OpenAccountOptions, deps?: { readonly dial: Dial }): Promise<Account> {
  options.profile.requireRecord();
  const { openDeviceAccount } = await import('./device-account.ts');
  return await openDeviceAccount(options, deps?.dial);
}

import type { Dial } from '../connection/dial.ts';
import { login, refuseLoggedIn } from '../login/login.ts';
import type { LoginInfo, LoginOptions } from '../login/login.ts';

export interface RegisterOptions extends LoginOptions {
  /** From an invite; undefined where the server lets anybody register. */
  readonly token: Uint8Array | undefined;
  /** False refuses the escrow: nobody can help when the password is lost. */
  readonly escrow: boolean;
}

export interface RegisterInfo extends LoginInfo {
  /** The root key is sealed to the administrator's recovery key. */
  readonly escrow: boolean;
}

/**
 * Makes an account, its keys and secrets on this machine, and logs in to it.
 * @throws NOT_ALLOWED, NOT_FOUND or EXPIRED for the invite, EXISTS for the name, INVALID, BUSY, INTEGRITY for a recovery key that the
 *   pinned authority did not sign, and as `login`
 */
export async function register(options: RegisterOptions, deps?: { readonly dial: Dial }): Promise<RegisterInfo> {
  refuseLoggedIn(options.profile);
  const { registerAccount } = await import('./register-account.ts');
  const { escrow, trust } = await registerAccount(options, deps);
  return { ...(await login({ ...options, trust }, deps)), escrow };
}

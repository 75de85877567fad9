import { isCofferError } from '@coffer/core';
import type { Clock } from '@coffer/core';
import type { Profile } from '@coffer/client';
import type { Shell } from '../app/shell.ts';

export interface IdleLockDeps {
  readonly shell: Shell;
  readonly profile: Profile;
  readonly clock: Clock;
  readonly lockAfterMs: number;
}

/** How often it looks whether somebody is there. */
const lookMs = 5000;

/**
 * Covers the screens when no key was pressed for a while, until somebody types the password of the keystore; where there is
 * none, until a key is pressed. Transfers go on.
 */
export async function lockWhenIdle(
  { shell, profile, clock, lockAfterMs }: IdleLockDeps,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(lookMs, signal).catch(() => undefined);
    if (signal.aborted || clock.monotonicMs() - shell.lastKeyMs < lockAfterMs) continue;
    shell.cover(true);
    await untilUnlocked({ shell, profile });
    shell.cover(false);
  }
}

async function untilUnlocked({ shell, profile }: Pick<IdleLockDeps, 'shell' | 'profile'>): Promise<void> {
  const record = profile.requireRecord();
  for (let hint = ''; ;) {
    if (record.keystore !== 'password') return await shell.readFirst({ title: 'Locked', lines: ['Enter goes on.'] });
    const title = `Locked: password of ${record.username}`;
    const password = await shell.askFirst({ title, hint, isSecret: true });
    if (shell.isEnded) return;
    if (password === undefined) continue;
    try {
      await profile.keystore.open(record, () => Promise.resolve(password));
      return;
    } catch (error) {
      if (!isCofferError(error)) throw error;
      hint = error.message;
    }
  }
}

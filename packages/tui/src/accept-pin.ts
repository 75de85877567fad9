import { toHex } from '@coffer/core';
import type { Shell } from './app/shell.ts';

/** Whether a person says that the server's key is the right one. */
export async function acceptPin(shell: Shell, pin: Uint8Array): Promise<boolean> {
  return await shell.confirm({
    title: "The server's key",
    lines: [
      'This device sees the server for the first time. Its public key (SHA-256):',
      '',
      `  ${
        toHex(pin)
          .match(/.{1,8}/g)
          ?.join(' ') ?? ''
      }`,
      '',
      'Is this what the administrator told you? Another key means that somebody is in between.',
    ],
    yes: 'it is the same: trust it',
  });
}

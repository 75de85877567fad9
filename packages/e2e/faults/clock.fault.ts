/**
 * Clocks that are ten years off, on either side (the program faketime gives them).
 *
 *   npm run faults -- clock
 */
import { clockJumps } from './clock/clock-jumps.ts';
import { main } from './main.ts';

await main({
  name: 'clock',
  run: async ({ seed }, signal) => {
    const result = await clockJumps({ seed }, signal);
    return [
      `clients 10 years ahead and behind: ${result.clientsRefused} commands refused the certificate, and said that a clock may be wrong`,
      `servers 10 years ahead and behind: ${result.startsRefused} starts refused for the certificate, storage untouched; ${result.jumps} jumps while serving`,
      `${result.collections} collections at a wrong time, also with certificates and clients of that time: nothing expired, ${result.versions} versions and a removed file kept, retention paused; ${result.intrudersRefused} wrong passwords refused`,
      `an administrator accepted the time: ${result.expiredWhenAccepted} old versions expired, the newest 5 and everything current stayed`,
    ];
  },
});

import { once } from 'node:events';
import process from 'node:process';

/**
 * Stops this process and those that stand in one job with it, as a terminal does at ^z, until the shell lets them go on.
 * Without job control nothing stops, and it resolves at once.
 */
export async function stopUntilContinued(): Promise<void> {
  if (process.platform === 'win32') return;
  const continued = once(process, 'SIGCONT');
  process.kill(0, 'SIGTSTP');
  await continued;
}

import { spawnSync } from 'node:child_process';

const marker = 'COFFER_BENCH_ISOLATED';

/** Whether this process has a loopback interface of its own. */
export const isolated = process.env[marker] === '1';

/**
 * Goes on in a network namespace of its own where the system allows it (Linux, as root): nobody else's traffic is
 * counted, and nobody else reaches the servers. Where it is not allowed nothing happens.
 */
export function isolateNetwork(): void {
  if (isolated || process.execve === undefined || process.getuid?.() !== 0 || !canUnshare()) return;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const script = 'ip link set lo up && exec "$0" "$@"';
  const argv = ['unshare', '--net', '--', '/bin/sh', '-c', script, ...again];
  process.execve('/usr/bin/unshare', argv, { ...process.env, [marker]: '1' });
}

function canUnshare(): boolean {
  const { status } = spawnSync('/usr/bin/unshare', ['--net', '--', 'ip', 'link', 'set', 'lo', 'up'], {
    stdio: 'ignore',
  });
  return status === 0;
}

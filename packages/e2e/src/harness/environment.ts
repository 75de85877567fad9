import { delimiter, dirname } from 'node:path';

/**
 * The environment for programs under test: nothing of the person who runs the tests gets in, neither their home
 * nor their `COFFER_*` settings, and `node` means the Node that runs now.
 */
export function cleanEnvironment(home: string): Record<string, string> {
  const path = [dirname(process.execPath), process.env['PATH'] ?? '/usr/bin:/bin'].join(delimiter);
  const temporary = process.env['TMPDIR'];
  return { PATH: path, HOME: home, LANG: 'C.UTF-8', TZ: 'UTC', ...(temporary !== undefined && { TMPDIR: temporary }) };
}

import { chmodSync, closeSync, openSync, statSync } from 'node:fs';
import { diskErrorCode } from '../packs/disk.ts';

/**
 * Makes an empty file that only its owner may use, or takes the others' rights from the one that is there: SQLite would
 * make it readable for everyone, and gives its log and its journal the mode of the database. Never opens a file that is
 * there: closing it would drop this process's locks on it. What cannot be done is left for whoever opens it to report.
 */
export function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (diskErrorCode(error) === 'EEXIST') takeRights(path);
  }
}

function takeRights(path: string): void {
  try {
    if ((statSync(path).mode & 0o077) !== 0) chmodSync(path, 0o600);
  } catch {
    // Another user's file, or a read-only disk.
  }
}

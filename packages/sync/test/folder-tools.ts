import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A temporary folder that removes itself. */
export class TemporaryFolder implements Disposable {
  /** In memory where that is possible: a busy disk must not make a test slow. */
  readonly path = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'coffer-sync-'));

  at(...parts: readonly string[]): string {
    return join(this.path, ...parts);
  }

  write(name: string, text: string | Uint8Array, mode = 0o644): string {
    const path = this.at(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, mode);
    return path;
  }

  remove(name: string): void {
    rmSync(this.at(name), { recursive: true, force: true });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Sets a modification time to the nanosecond, by a program that is no part of what is tested. */
export function touch(path: string | Buffer, time: string): void {
  const result = spawnSync('touch', ['-h', '-d', time, '--', path as string]);
  if (result.status !== 0) throw new Error(`touch failed: ${result.stderr.toString()}`);
}

export interface Described {
  readonly kind: string;
  readonly mode: number;
  readonly mtimeNs: string;
  readonly content: string;
}

/** Everything below a folder, keyed by path (one character per byte), to compare two folders. */
export function describeTree(root: string, { directoryTimes = true } = {}): Record<string, Described> {
  const found: Record<string, Described> = {};
  const walk = (path: string): void => {
    for (const name of readdirSync(Buffer.from(join(root, path), 'latin1'), { encoding: 'latin1' }).toSorted()) {
      const below = path === '' ? name : `${path}/${name}`;
      const where = Buffer.from(join(root, below), 'latin1');
      const stats = lstatSync(where, { bigint: true });
      const mtimeNs = stats.isDirectory() && !directoryTimes ? '' : String(stats.mtimeNs);
      const mode = stats.isSymbolicLink() ? 0 : Number(stats.mode) & 0o7777;
      if (stats.isDirectory()) {
        found[below] = { kind: 'directory', mode, mtimeNs, content: '' };
        walk(below);
      } else if (stats.isSymbolicLink()) {
        found[below] = { kind: 'symlink', mode, mtimeNs, content: readlinkSync(where, { encoding: 'latin1' }) };
      } else {
        found[below] = { kind: 'file', mode, mtimeNs, content: readFileSync(where).toString('latin1') };
      }
    }
  };
  walk('');
  return found;
}

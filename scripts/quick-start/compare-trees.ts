import { createReadStream } from 'node:fs';
import { createHash } from 'node:crypto';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Paths at which two folders differ in kind, content, link, mode or time of modification; empty when equal. */
export async function compareTrees(left: string, right: string): Promise<string[]> {
  const [a, b] = await Promise.all([describe(left), describe(right)]);
  const paths = [...new Set([...a.keys(), ...b.keys()])].toSorted((x, y) => x.localeCompare(y));
  return paths.filter((path) => a.get(path) !== b.get(path));
}

async function describe(root: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const relative of await readdir(root, { recursive: true })) {
    const path = join(root, relative);
    const { mode, mtimeNs, size } = await lstat(path, { bigint: true });
    const kind = Number(mode & 0o170000n);
    const what =
      kind === 0o120000 ? await readlink(path) : kind === 0o100000 ? `${size} ${await hash(path)} ${mtimeNs}` : '';
    found.set(relative, `${mode.toString(8)} ${what}`);
  }
  return found;
}

async function hash(path: string): Promise<string> {
  const hashing = createHash('sha256');
  await pipeline(createReadStream(path), hashing);
  return hashing.digest('hex');
}

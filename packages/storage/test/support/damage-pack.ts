import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StorageBench } from './storage-bench.ts';

/** Flips one bit of the owner's oldest pack of chunks. */
export async function damagePack(bench: StorageBench, offset: number): Promise<void> {
  const folder = join(bench.path, 'users', bench.owner.account.toHex(), 'chunks');
  const [name = ''] = (await readdir(folder)).toSorted();
  const bytes = await readFile(join(folder, name));
  bytes[offset] = (bytes[offset] ?? 0) ^ 1;
  await writeFile(join(folder, name), bytes);
}

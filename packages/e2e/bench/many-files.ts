import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder of that many tiny files, each of other content. @returns its path */
export async function makeManyFiles(folder: string, count: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const batch = 500;
  for (let first = 0; first < count; first += batch) {
    const indexes = Array.from({ length: Math.min(batch, count - first) }, (_, index) => first + index);
    await Promise.all(
      indexes.map((index) => writeFile(join(folder, `file ${String(index).padStart(6, '0')}.txt`), `${index}`)),
    );
  }
  return folder;
}

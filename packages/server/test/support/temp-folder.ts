import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';

const made: string[] = [];

/** Runs before the file's own `afterAll`, which ends its daemon: what that writes meanwhile makes one try too few. */
const tries = { maxRetries: 20, retryDelay: 50 };

afterAll(async () => {
  for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true, ...tries });
});

/** A new, empty folder that is gone after the test file. */
export async function tempFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'coffer-server-'));
  made.push(folder);
  return folder;
}

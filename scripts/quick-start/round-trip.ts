import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { CofferRunner } from './coffer-runner.ts';
import { compareTrees } from './compare-trees.ts';

interface SyncResult {
  readonly sent: number;
  readonly modified: number;
  readonly received: number;
  readonly unchanged: number;
  readonly failed: number;
  readonly bytesRead: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly elapsedMs: number;
}

export interface RoundTripReport {
  readonly folder: string;
  readonly up: SyncResult;
  readonly again: SyncResult;
  readonly down: SyncResult;
  /** What differs between the folder and its copy from the vault. */
  readonly differences: readonly string[];
  readonly equal: boolean;
}

/** The main job without a person: up, again with nothing to do, down elsewhere, compared byte by byte. */
export async function roundTrip(coffer: CofferRunner, folder: string): Promise<RoundTripReport> {
  const path = `/${basename(folder)}`;
  const sync = (...args: string[]): Promise<SyncResult> => coffer.json(['sync', ...args]);
  const up = await sync(folder, path, '--delete');
  const again = await sync(folder, path);
  const temporary = await mkdtemp(join(tmpdir(), 'coffer-start-'));
  try {
    const copy = join(temporary, 'copy');
    const down = await sync(copy, path, '--mode', 'pull');
    const differences = await compareTrees(folder, copy);
    const nothingToDo = again.sent + again.modified === 0;
    return { folder, up, again, down, differences, equal: differences.length === 0 && nothingToDo };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

export function printReport({ folder, up, again, down, differences, equal }: RoundTripReport): void {
  console.log(`Synced ${folder} to the vault`);
  console.log(
    `  up     ${up.sent} new, ${up.modified} modified, ${up.unchanged} unchanged; ${up.bytesSent} bytes sent in ${up.elapsedMs} ms`,
  );
  console.log(`  again  ${again.sent + again.modified} sent, ${again.unchanged} unchanged; ${again.elapsedMs} ms`);
  console.log(
    `  down   ${down.received} restored elsewhere; ${down.bytesReceived} bytes received in ${down.elapsedMs} ms`,
  );
  for (const difference of differences.slice(0, 20)) console.log(`  differs: ${difference}`);
  console.log(
    equal ? 'The copy from the vault is equal to the folder.' : 'Something is not as it should be: see above.',
  );
}

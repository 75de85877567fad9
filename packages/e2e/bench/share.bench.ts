/**
 * How long sharing a folder of many small files takes, and how much of it is sent again: everything is on the server already.
 *
 *   npm run bench -- share --where tmpfs --runs 1
 */
import { Child, cofferCommand, makeTree, startVault } from '../src/index.ts';
import { findLocation } from './location.ts';
import { main } from './main.ts';
import type { BenchOptions } from './options.ts';
import { describeRun, describeSpread, table } from './report/markdown.ts';
import { runFacts } from './run-facts.ts';
import type { RunFacts } from './run-facts.ts';
import { spreadOf } from './statistics.ts';

interface ShareResult extends RunFacts {
  readonly files: number;
  readonly parts: readonly { readonly where: string; readonly shareMs: number[]; readonly growthBytes: number[] }[];
}

const fullFiles = 20_000;
/** Mean size of a file. */
const fileBytes = 2048;
const barMs = 10_000;

await main<ShareResult>({ name: 'share', run, describe });

async function run(options: BenchOptions, signal: AbortSignal): Promise<ShareResult> {
  const files = Math.ceil(fullFiles * options.scale);
  const parts: { where: string; shareMs: number[]; growthBytes: number[] }[] = [];
  for (const where of options.where) {
    const { folder } = findLocation(where, files * fileBytes * 6);
    const part = { where, shareMs: [] as number[], growthBytes: [] as number[] };
    for (let round = 0; round < options.runs; round += 1) {
      signal.throwIfAborted();
      const { shareMs, growthBytes } = await measure(folder, { files, signal });
      part.shareMs.push(shareMs);
      part.growthBytes.push(growthBytes);
    }
    parts.push(part);
  }
  return { ...runFacts('share', options), files, parts };
}

interface Usage {
  readonly storedBytes: number;
  readonly journalBytes: number;
}

async function measure(parent: string, { files, signal }: { files: number; signal: AbortSignal }) {
  await using vault = await startVault({ parent });
  const { device } = await vault.addPerson('alice');
  await vault.addPerson('bob');
  const source = vault.folder.join('source');
  makeTree({ target: source, files, bytes: files * fileBytes });
  await device.json(['sync', source, '/tree']);
  const before = await device.json<Usage>(['usage']);
  const started = performance.now();
  await using child = new Child(cofferCommand(['share', '/tree', 'bob', '--home', device.home]), {
    env: { ...device.environment },
    signal,
  });
  const { exitCode, stderr } = await child.finished;
  const shareMs = performance.now() - started;
  if (exitCode !== 0) throw new Error(`share: exit code ${exitCode}\n${stderr}`);
  const after = await device.json<Usage>(['usage']);
  // What the journals grew by is the share's own history; content that was sent again would come on top.
  const growthBytes = after.storedBytes - before.storedBytes - (after.journalBytes - before.journalBytes);
  return { shareMs, growthBytes };
}

function describe(result: ShareResult): string {
  const rows = result.parts.map(({ where, shareMs, growthBytes }) => {
    const median = spreadOf(shareMs)?.median ?? Number.NaN;
    const sent = Math.max(...growthBytes);
    return [where, describeSpread(spreadOf(shareMs), 0), String(sent), median <= barMs && sent === 0 ? 'yes' : 'no'];
  });
  const head = ['where', `share ${result.files} files, ms`, 'content sent again, bytes', `≤ ${barMs} ms, nothing sent`];
  return [describeRun(result), table(head, rows)].join('\n\n');
}

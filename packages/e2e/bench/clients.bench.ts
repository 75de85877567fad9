/**
 * Several clients upload at once, each a file of its own: rate of all together, memory of the server, and how long
 * a small request of another client takes meanwhile.
 *
 *   npm run bench -- clients --where tmpfs --scale 0.125
 */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryWatch, resetPeakRss, startVault } from '../src/index.ts';
import type { Coffer, Vault } from '../src/index.ts';
import { findLocation } from './location.ts';
import type { Location } from './location.ts';
import { main } from './main.ts';
import type { BenchOptions } from './options.ts';
import { describeRun, describeSpread, table } from './report/markdown.ts';
import { runFacts } from './run-facts.ts';
import type { RunFacts } from './run-facts.ts';
import { spreadOf } from './statistics.ts';

interface ClientsResult extends RunFacts {
  readonly parts: readonly ClientsPart[];
}

interface ClientsPart {
  readonly where: string;
  readonly fileSystem: string;
  readonly bytesPerClient: number;
  readonly rounds: readonly Round[];
}

interface Round {
  /** Until the last client was done. */
  readonly wallMs: number;
  readonly serverPeakBytes: number;
  readonly clientPeakBytes: readonly number[];
  /** Whole commands, `coffer whoami`, one after the other while the uploads ran. */
  readonly smallRequestMs: readonly number[];
}

const MiB = 1024 ** 2;
const clients = 8;
/** Per client at scale 1. */
const fullBytes = 512 * MiB;
const serverBarBytes = 300 * MiB;

await main<ClientsResult>({ name: 'clients', run, describe });

async function run(options: BenchOptions, signal: AbortSignal): Promise<ClientsResult> {
  const bytesPerClient = Math.ceil(fullBytes * options.scale);
  const parts: ClientsPart[] = [];
  for (const where of options.where) {
    const location = findLocation(where, bytesPerClient * clients * 2.5);
    parts.push(await runPart({ location, bytesPerClient, runs: options.runs, signal }));
  }
  return { ...runFacts('clients', options), parts };
}

async function runPart({
  location: { where, folder, fileSystem },
  bytesPerClient,
  runs,
  signal,
}: {
  location: Location;
  bytesPerClient: number;
  runs: number;
  signal: AbortSignal;
}): Promise<ClientsPart> {
  const rounds: Round[] = [];
  for (let round = 0; round < runs; round += 1) {
    signal.throwIfAborted();
    await using vault = await startVault({ parent: folder });
    rounds.push(await runRound(vault, { bytesPerClient, signal }));
    console.error(`${where} run ${round + 1}/${runs}: ${((rounds.at(-1)?.wallMs ?? 0) / 1000).toFixed(2)} s`);
  }
  return { where, fileSystem, bytesPerClient, rounds };
}

async function runRound(
  vault: Vault,
  { bytesPerClient, signal }: { bytesPerClient: number; signal: AbortSignal },
): Promise<Round> {
  const devices: { device: Coffer; source: string }[] = [];
  for (let client = 0; client < clients; client += 1) {
    const source = vault.folder.join(`source-${client}`);
    mkdirSync(source);
    writeFileSync(join(source, 'random.bin'), randomFillSync(Buffer.allocUnsafe(bytesPerClient)));
    devices.push({ device: (await vault.addUser(`client${client}`)).device, source });
  }
  resetPeakRss(vault.daemon.pid);
  using server = new MemoryWatch(vault.daemon.pid);
  const started = performance.now();
  const uploads = Promise.all(devices.map(async ({ device, source }) => await upload(device, { source, signal })));
  const [clientPeakBytes, smallRequestMs] = await Promise.all([uploads, askWhile(vault.user.device, uploads)]);
  return { wallMs: performance.now() - started, serverPeakBytes: server.stop(), clientPeakBytes, smallRequestMs };
}

async function upload(device: Coffer, { source, signal }: { source: string; signal: AbortSignal }): Promise<number> {
  const result = await device.run(['sync', source, '/saved', '--json'], { signal });
  signal.throwIfAborted();
  if (result.exitCode !== 0) throw new Error(`sync: exit code ${result.exitCode}\n${result.stderr}`);
  return result.peakRssBytes;
}

async function askWhile(device: Coffer, uploads: Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  const ended = new AbortController();
  const end = (): void => ended.abort();
  uploads.then(end, end);
  while (!ended.signal.aborted) times.push((await device.run(['whoami', '--json'])).wallMs);
  return times;
}

function describe(result: ClientsResult): string {
  const rows = result.parts.map(({ where, fileSystem, bytesPerClient, rounds }) => {
    const server = spreadOf(rounds.map(({ serverPeakBytes }) => serverPeakBytes / MiB));
    return [
      where === fileSystem ? where : `${where} (${fileSystem})`,
      (bytesPerClient / MiB).toFixed(0),
      describeSpread(spreadOf(rounds.map(({ wallMs }) => (clients * bytesPerClient) / MiB / (wallMs / 1000))), 0),
      describeSpread(server, 0),
      (server?.most ?? Number.NaN) * MiB <= serverBarBytes ? 'yes' : 'no',
      describeSpread(spreadOf(rounds.flatMap(({ clientPeakBytes }) => clientPeakBytes.map((bytes) => bytes / MiB))), 0),
      describeSpread(spreadOf(rounds.flatMap(({ smallRequestMs }) => smallRequestMs)), 0),
    ];
  });
  const head = [
    'where',
    'MiB per client',
    'all together, MiB/s',
    'server memory, MiB',
    `≤ ${serverBarBytes / MiB} MiB`,
    'client memory, MiB',
    '`coffer whoami` meanwhile, ms',
  ];
  const what = `${clients} clients with accounts of their own on one machine, each uploading one incompressible file.`;
  return [what, describeRun(result), table(head, rows)].join('\n\n');
}

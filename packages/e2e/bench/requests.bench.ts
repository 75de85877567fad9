/**
 * How long a small request takes while others upload in bulk: requests over a connection that is open already, one after the
 * other, first with an idle server and then beside four clients that upload all the time.
 *
 *   npm run bench -- requests --where tmpfs --scale 0.25
 */
import { randomFillSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openAccount, Profile } from '@coffer/client';
import type { Account, Vault as HomeVault } from '@coffer/client';
import { startVault } from '../src/index.ts';
import type { Coffer, Vault } from '../src/index.ts';
import { findLocation } from './location.ts';
import { main } from './main.ts';
import type { BenchOptions } from './options.ts';
import { describeRun, table } from './report/markdown.ts';
import { runFacts } from './run-facts.ts';
import type { RunFacts } from './run-facts.ts';

interface RequestsResult extends RunFacts {
  readonly parts: readonly RequestsPart[];
}

interface RequestsPart {
  readonly where: string;
  readonly bytesPerClient: number;
  readonly kinds: readonly RequestKind[];
}

interface RequestKind {
  readonly name: string;
  readonly idleMs: number[];
  readonly busyMs: number[];
}

const MiB = 1024 ** 2;
const uploaders = 4;
/** Per client at scale 1. */
const fullBytes = 512 * MiB;
/** Requests of each kind to the idle server. */
const idleRequests = 200;
const barMs = 50;

await main<RequestsResult>({ name: 'requests', run, describe });

async function run(options: BenchOptions, signal: AbortSignal): Promise<RequestsResult> {
  const bytesPerClient = Math.ceil(fullBytes * options.scale);
  const parts: RequestsPart[] = [];
  for (const where of options.where) {
    const { folder } = findLocation(where, bytesPerClient * uploaders * 2.5);
    const kinds = [
      { name: 'head of a vault', idleMs: [], busyMs: [] },
      { name: 'list of what is used', idleMs: [], busyMs: [] },
    ];
    for (let round = 0; round < options.runs; round += 1) {
      signal.throwIfAborted();
      await using vault = await startVault({ parent: folder });
      await runRound(vault, { bytesPerClient, kinds, signal });
    }
    parts.push({ where, bytesPerClient, kinds });
  }
  return { ...runFacts('requests', options), parts };
}

async function runRound(
  vault: Vault,
  { bytesPerClient, kinds, signal }: { bytesPerClient: number; kinds: readonly RequestKind[]; signal: AbortSignal },
): Promise<void> {
  const devices: { readonly device: Coffer; readonly source: string }[] = [];
  for (let client = 0; client < uploaders; client += 1) {
    const source = vault.folder.join(`source-${client}`);
    mkdirSync(source);
    writeFileSync(join(source, 'random.bin'), randomFillSync(Buffer.allocUnsafe(bytesPerClient)));
    devices.push({ device: (await vault.addUser(`client${client}`)).device, source });
  }
  await using account = await openAccount({
    profile: Profile.open({ home: vault.user.device.home, name: 'default' }),
    unlock: () => Promise.reject(new Error('a keystore in a file asks for no password')),
  });
  const home = await account.home();
  const asking = { account, home, kinds };
  for (let request = 0; request < idleRequests; request += 1) await askEach(asking, 'idleMs');
  const ended = new AbortController();
  const uploads = Promise.all(devices.map((one) => upload(one, signal))).finally(() => ended.abort());
  while (!ended.signal.aborted) await askEach(asking, 'busyMs');
  await uploads;
}

async function askEach(
  { account, home, kinds }: { account: Account; home: HomeVault; kinds: readonly RequestKind[] },
  into: 'idleMs' | 'busyMs',
): Promise<void> {
  const requests = [() => home.pull(), () => account.usage()];
  for (const [index, request] of requests.entries()) {
    const started = performance.now();
    await request();
    kinds[index]?.[into].push(performance.now() - started);
  }
}

async function upload(
  { device, source }: { readonly device: Coffer; readonly source: string },
  signal: AbortSignal,
): Promise<void> {
  const result = await device.run(['sync', source, '/saved', '--json'], { signal });
  signal.throwIfAborted();
  if (result.exitCode !== 0) throw new Error(`sync: exit code ${result.exitCode}\n${result.stderr}`);
}

function describe(result: RequestsResult): string {
  const rows = result.parts.flatMap(({ where, kinds }) =>
    kinds.map(({ name, idleMs, busyMs }) => {
      const p99 = share(busyMs, 0.99);
      const quick = [share(idleMs, 0.5), share(idleMs, 0.99), share(busyMs, 0.5), p99, share(busyMs, 1)];
      const figures = quick.map((ms) => ms.toFixed(1));
      return [where, name, ...figures, String(busyMs.length), p99 <= barMs ? 'yes' : 'no'];
    }),
  );
  const head = [
    'where',
    'request',
    'idle server: median, ms',
    'p99',
    'beside uploads: median',
    'p99',
    'longest',
    'requests',
    `p99 ≤ ${barMs} ms`,
  ];
  const what = `One client asks, one request after the other, while ${uploaders} others on the same machine each upload one incompressible file.`;
  return [what, describeRun(result), table(head, rows)].join('\n\n');
}

/** The value that so much of all lies at or below. */
function share(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}
